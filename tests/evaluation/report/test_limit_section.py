"""How far from the limit: the truth of a simulated world on the judged rows."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.report.limit_section import KnownLimit, limit_section
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import DAY
from evaluation.statistics.scores import log_loss

RNG = np.random.default_rng(5)
TRUTH = RNG.beta(0.2, 2.0, size=20_000)
LABELS = (RNG.random(TRUTH.size) < TRUTH).astype(np.float64)
ROWS = JudgedRows(LABELS, np.arange(TRUTH.size) * DAY, np.ones(TRUTH.size))
OWN = {"hybrid": {name: {"value": 0.25} for name in ("average_precision", "roc_auc", "brier_skill", "log_loss")}}


def section(rows=ROWS, history=None):
    return limit_section(rows, KnownLimit(TRUTH, history or {}), OWN, shipped="hybrid")


def test_the_truth_is_scored_like_any_candidate():
    found = section()["truth"]
    assert found["average_precision"] == average_precision(LABELS, TRUTH)
    assert found["roc_auc"] == roc_auc(LABELS, TRUTH)
    assert found["log_loss"] == log_loss(LABELS, TRUTH)


def test_no_other_probabilities_have_a_smaller_log_loss_than_the_truth():
    found = section()["truth"]["log_loss"]
    assert found < min(log_loss(LABELS, np.clip(TRUTH * factor, 0, 1)) for factor in (0.5, 0.7, 1.5))


def test_weights_of_rows_reach_the_truth_as_they_reach_the_candidates():
    weight = np.where(LABELS == 1, 3.0, 1.0)
    found = section(replace(ROWS, weight=weight))["truth"]
    assert found["average_precision"] == average_precision(LABELS, TRUTH, weight=weight)


def test_the_sentence_names_both_limits_where_history_was_measured():
    history = {"text": "A booster of a million rows", "average_precision": 0.6, "brier_skill": 0.4}
    assert (
        "A booster of a million rows has average precision 0.600 and Brier skill 0.400, a lower"
        in section(history=history)["text"]
    )
    assert "lower bound" not in section()["text"]


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_statistic_that_is_undefined_is_a_dash(value):
    own = {"hybrid": {name: {"value": value} for name in OWN["hybrid"]}}
    text = limit_section(ROWS, KnownLimit(TRUTH, {}), own, shipped="hybrid")["text"]
    assert text.startswith("average precision – and Brier skill –.")
