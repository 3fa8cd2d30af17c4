import numpy as np
import pytest

from evaluation.options import DecisionConfig, EvaluationConfig, GateConfig
from evaluation.report.evaluation_report import build_report
from tests.oracles.evidence import made_evidence


@pytest.fixture(scope="session")
def whole_evidence():
    """Evidence with everything a run can hold: champion, calibrators, slices, operating points."""
    return made_evidence(4, rows=12_000, champion=True, repeats=1)


@pytest.fixture(scope="session")
def whole_report(whole_evidence):
    config = EvaluationConfig(resamples=100, slice_resamples=100, reference_prevalence=0.002)
    return build_report(
        whole_evidence, config=config, decision=DecisionConfig(), gate=GateConfig(), rng=np.random.default_rng(1)
    )
