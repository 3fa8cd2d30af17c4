import json
from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.outcomes_section import brier_bounds, outcomes_report
from evaluation.statistics.scores import brier
from tests.oracles.evidence import fraud_fold

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100)


def late_outcomes(seed: int, *, unknown: float = 0.3, blocked_above: float = 0.6):
    rng = np.random.default_rng(seed)
    rows, z = fraud_fold(rng, 12_000)
    p = 1 / (1 + np.exp(-z))
    blocked = p >= blocked_above
    labels = np.where(rng.random(p.size) < unknown, np.nan, rows.labels)
    return rows, labels, p, blocked


def judged(rows, labels, p, blocked=None):
    shown = type(rows)(labels, rows.event_time, rows.amount, rows.card, rows.new_card, rows.groups)
    return outcomes_report(shown, p, config=CONFIG, rng=np.random.default_rng(1), blocked=blocked)


def test_only_known_and_unblocked_rows_are_judged():
    rows, labels, p, blocked = late_outcomes(1)
    report = judged(rows, labels, p, blocked)
    known = np.isfinite(labels) & ~blocked
    assert report["population"]["rows"] == known.sum()
    assert report["metrics"]["brier"]["value"] == pytest.approx(brier(labels[known], p[known]))
    assert report["coverage"]["blocked"] == blocked.sum()
    assert "outcomes are known for" in report["warnings"][0]
    json.dumps(report, allow_nan=False)


def test_labels_of_blocked_rows_change_nothing():
    rows, labels, p, blocked = late_outcomes(2)
    opinion = np.where(blocked, 1 - np.nan_to_num(labels), labels)
    assert judged(rows, labels, p, blocked)["metrics"] == judged(rows, opinion, p, blocked)["metrics"]


def test_the_true_score_lies_within_the_bounds():
    rows, labels, p, blocked = late_outcomes(3)
    bounds = brier_bounds(labels, p, known=np.isfinite(labels) & ~blocked)
    assert bounds["lowest"] < brier(rows.labels, p) < bounds["highest"]
    assert bounds["as_promised"] == pytest.approx(brier(rows.labels, p), rel=0.1)


def test_bounds_meet_where_everything_is_known():
    rows, _, p, _ = late_outcomes(4)
    bounds = brier_bounds(rows.labels, p, known=np.ones(p.size, dtype=bool))
    assert bounds["lowest"] == bounds["highest"] == pytest.approx(brier(rows.labels, p))


def test_coverage_by_probability_adds_up():
    rows, labels, p, blocked = late_outcomes(5)
    coverage = judged(rows, labels, p, blocked)["coverage"]
    for key in ("rows", "known", "blocked"):
        assert sum(band[key] for band in coverage["by_probability"]) == coverage[key]


def test_a_model_too_sure_on_live_outcomes_is_named():
    rows, _, p, _ = late_outcomes(6)
    report = judged(rows, rows.labels, np.clip(40 * p, 0, 0.99))
    assert any("times what the base rate alone scores" in warning for warning in report["warnings"])


def test_no_known_outcome_and_impossible_probabilities_are_refused():
    rows, labels, p, _ = late_outcomes(7)
    with pytest.raises(ValueError, match="at least one row must have a known outcome"):
        judged(rows, labels, p, np.ones(p.size, dtype=bool))
    with pytest.raises(
        ValueError, match=r"probabilities must lie in \[0, 1\], got nan in row 0 \(12000 rows like it\)"
    ):
        judged(rows, labels, np.full(p.size, np.nan))


def test_weighted_outcomes_are_held_against_their_weighted_base_rate():
    rows, _, p, _ = late_outcomes(8)
    weighed = replace(rows, weight=np.where(rows.labels > 0.5, 5.0, 1.0))
    likelier = 5 * p / (5 * p + 1 - p)
    report = outcomes_report(weighed, likelier, config=CONFIG, rng=np.random.default_rng(1))
    assert report["metrics"]["brier_skill"]["value"] > 0
    assert report["warnings"] == []
