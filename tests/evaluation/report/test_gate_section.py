"""The gate sees what would ship, on the draws of the table of candidates."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig, GateConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.gate_section import gate_evidence, gate_section


@pytest.fixture(scope="module")
def drawn(whole_evidence):
    kept = {name: whole_evidence.candidates[name] for name in ("hybrid", "logistic")}
    config = EvaluationConfig(resamples=100)
    return headline_replicates(whole_evidence.rows, kept, config=config, rng=np.random.default_rng(1))


def gathered(drawn, evidence):
    return gate_evidence(drawn, evidence, champion=None, anchor=None, bins=15)


def test_the_gate_judges_what_ships_beside_the_baseline(whole_evidence, drawn):
    found = gathered(drawn, whole_evidence)
    assert found.observed_expected == drawn.interval("hybrid", "observed_expected")
    assert found.baseline.log_loss == drawn.difference("hybrid", "logistic", "log_loss")
    assert found.baseline.name == "the baseline (logistic)"
    assert (found.rows, found.frauds) == (12_000, int(whole_evidence.rows.labels.sum()))


@pytest.mark.parametrize(("stop", "seen"), [(False, None), (True, ("the score drifted",))])
def test_drift_reaches_the_gate_only_where_it_may_stop(whole_evidence, drawn, stop, seen):
    evidence = replace(whole_evidence, drift={"alarms": ["the score drifted"], "stop": stop})
    assert gathered(drawn, evidence).drift == seen


def test_the_section_tells_every_check_with_the_reasons_and_remedies(whole_evidence, drawn):
    found = gathered(drawn, whole_evidence)
    section = gate_section(found, config=GateConfig(min_frauds=10_000))
    refused = [check for check in section["checks"] if check["passed"] is False]
    assert section["passed"] is False
    assert section["reasons"] == [check["text"] for check in refused]
    assert section["remedies"] == [check["remedy"] for check in refused]
    assert section["figures"]["ece_limit"] == pytest.approx(0.1 * found.frauds / found.rows)
