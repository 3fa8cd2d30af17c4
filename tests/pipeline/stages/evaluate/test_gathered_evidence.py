"""What a report is made of: every part on the rows it belongs to."""

from dataclasses import replace

import numpy as np
import pytest

from models.calibration import bounded_probability
from pipeline.stages.artifacts.tails import Tail, tails
from pipeline.stages.evaluate.earlier_judgements import Judgement, SharedJudgement
from pipeline.stages.evaluate.gathered_evidence import gathered_evidence


@pytest.fixture(scope="module")
def evidence(context, judged):
    return gathered_evidence(
        context, judged, None, earlier=(SharedJudgement(Judgement("rows", "models", "last-week"), 0.5),)
    )


def test_candidates_and_what_they_were_before_calibration_are_on_the_test_rows(evidence, judged):
    assert evidence.rows is judged.rows
    assert set(evidence.before) == set(evidence.candidates) - {"hybrid"}
    np.testing.assert_array_equal(evidence.before["mlp"], bounded_probability(judged.scores.margins["mlp"]))
    np.testing.assert_array_equal(evidence.before["xgboost"], bounded_probability(judged.scores.log_odds["xgboost"]))


def test_the_same_arms_are_compared_on_calib_and_on_test(evidence, judged):
    assert set(evidence.temperature_test) == set(evidence.calib.temperature)
    assert {len(p) for p in evidence.temperature_test.values()} == {judged.table.num_rows}


def test_earlier_judgements_are_told(evidence):
    assert evidence.reuse_warnings[0].startswith("1 other model had been judged on these test rows before (last-week)")


def test_the_configuration_leaves_out_what_changes_no_number(evidence):
    assert {"tracking", "runs"}.isdisjoint(evidence.configuration)
    assert "evaluation" in evidence.configuration


def test_tails_on_test_are_those_of_weighted_rows(context, judged):
    scores = judged.scores
    low = {name: replace(p, tail=np.full(p.tail.shape, -1, np.int8)) for name, p in scores.posteriors.items()}
    weight = np.full(judged.rows.labels.size, 2.0)
    heavy = replace(judged, scores=replace(scores, posteriors=low), rows=replace(judged.rows, weight=weight))
    found = gathered_evidence(context, heavy, None, earlier=()).run_description["tails"]["test"]
    expected = tails(low, judged.rows.labels, weight=weight)
    assert {head: {side: Tail(**tail) for side, tail in sides.items()} for head, sides in found.items()} == expected
    assert expected != tails(low, judged.rows.labels)
