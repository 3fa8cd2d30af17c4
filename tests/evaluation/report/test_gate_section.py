"""The gate sees what would ship, on the draws of the table of candidates."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig, GateConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.gate_section import gate_evidence, gate_section

NULLS = {"hybrid": 0.002, "logistic": 0.001}


@pytest.fixture(scope="module")
def drawn(whole_evidence):
    kept = {name: whole_evidence.candidates[name] for name in NULLS}
    config = EvaluationConfig(resamples=100)
    return headline_replicates(whole_evidence.rows, kept, config=config, rng=np.random.default_rng(1))


def test_the_gate_judges_what_ships_beside_its_own_chance_level(whole_evidence, drawn):
    found = gate_evidence(drawn, whole_evidence, nulls=NULLS, champion=None, bins=15)
    assert (found.ece, found.ece_null_95) == (drawn.values["hybrid"]["ece"], 0.002)
    assert found.baseline_roc_auc == drawn.interval("logistic", "roc_auc")
    assert found.roc_auc_difference == drawn.difference("hybrid", "logistic", "roc_auc")
    assert (found.rows, found.frauds) == (12_000, int(whole_evidence.rows.labels.sum()))


@pytest.mark.parametrize(("stop", "seen"), [(False, None), (True, ("the score drifted",))])
def test_drift_reaches_the_gate_only_where_it_may_stop(whole_evidence, drawn, stop, seen):
    evidence = replace(whole_evidence, drift={"alarms": ["the score drifted"], "stop": stop})
    assert gate_evidence(drawn, evidence, nulls=NULLS, champion=None, bins=15).drift == seen


def test_the_section_tells_every_check_and_the_reasons(whole_evidence, drawn):
    found = gate_evidence(drawn, whole_evidence, nulls=NULLS, champion=None, bins=15)
    section = gate_section(found, config=GateConfig(min_frauds=10_000))
    assert section["passed"] is False
    assert section["reasons"] == [check["text"] for check in section["checks"] if check["passed"] is False]
    assert section["figures"]["ece_limit"] == pytest.approx(max(0.002, 0.1 * found.frauds / found.rows))
