import numpy as np
import pytest

from evaluation.statistics.populations import (
    JudgedRows,
    at_prevalence,
    score_populations,
    shared_populations,
)
from evaluation.statistics.ranking import roc_auc
from evaluation.statistics.sample import DAY
from evaluation.statistics.scores import brier, brier_skill, log_loss, observed_expected


def test_weeks_and_groups_part_the_fold():
    rng = np.random.default_rng(1)
    rows = JudgedRows(
        np.zeros(300), rng.integers(0, 20 * DAY, 300), np.ones(300), groups={"category": rng.choice(list("abc"), 300)}
    )
    for kind, count in (("week", 3), ("category", 3)):
        masks = [part.mask for part in shared_populations(rows) if part.kind == kind]
        assert len(masks) == count
        assert (np.sum(masks, axis=0) == 1).all()


def test_only_the_largest_groups_are_kept():
    rows = JudgedRows(np.zeros(6), np.zeros(6, dtype=np.int64), np.ones(6), groups={"g": np.array(list("aaabbc"))})
    parts = [part.name for part in shared_populations(rows, largest_groups=2) if part.kind == "g"]
    assert parts == ["a", "b"]


def test_a_budget_takes_whole_ties_and_borderline_is_closed():
    p = np.array([0.9, 0.8, 0.8, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    budget, wide, undecided = score_populations(p, budgets=(0.2, 0.3), borderline=(0.2, 0.8))
    assert np.flatnonzero(budget.mask).tolist() == [0]
    assert np.flatnonzero(wide.mask).tolist() == [0, 1, 2]
    assert np.flatnonzero(undecided.mask).tolist() == [1, 2, 3, 4]


def test_another_prevalence_keeps_ranking_and_calibration_but_moves_the_brier_score():
    rng = np.random.default_rng(2)
    eta = rng.random(200_000) ** 3
    y = (rng.random(200_000) < eta).astype(float)
    s = at_prevalence(y, eta, prevalence=0.018)
    assert s.frauds / s.rows == pytest.approx(0.018)
    assert roc_auc(s.labels, s.probabilities, weight=s.weight) == pytest.approx(roc_auc(y, eta), abs=1e-3)
    assert observed_expected(s.labels, s.probabilities, weight=s.weight) == pytest.approx(1.0, abs=0.03)
    assert brier(s.labels, s.probabilities, weight=s.weight) < 0.018 * 0.982 < brier(y, eta)
    assert brier_skill(s.labels, s.probabilities, weight=s.weight) > 0


def test_the_own_prevalence_changes_nothing():
    y, p = np.array([0, 0, 1, 1.0]), np.array([0.1, 0.4, 0.3, 0.9])
    s = at_prevalence(y, p, prevalence=0.5)
    assert log_loss(s.labels, s.probabilities, weight=s.weight) == pytest.approx(log_loss(y, p))


def test_an_impossible_prevalence_is_refused():
    with pytest.raises(ValueError, match="both prevalences must lie inside"):
        at_prevalence([0, 1], [0.1, 0.2], prevalence=1.0)
    with pytest.raises(ValueError, match="got 0 in the data"):
        at_prevalence([0, 0], [0.1, 0.2], prevalence=0.1)


def test_rows_of_another_length_are_refused_by_name():
    with pytest.raises(ValueError, match="amount must have 2 rows"):
        JudgedRows(np.zeros(2), np.zeros(2, dtype=np.int64), np.zeros(3))


def test_another_prevalence_is_reached_from_the_weighted_one():
    y, p, weight = np.array([1.0, 1, 0, 0, 0]), np.full(5, 0.5), np.array([2.0, 1, 1, 1, 1])
    s = at_prevalence(y, p, prevalence=0.2, weight=weight)
    repeated = at_prevalence([1, 1, 1, 0, 0, 0], np.full(6, 0.5), prevalence=0.2)
    np.testing.assert_allclose(s.probabilities, repeated.probabilities[1:])
    np.testing.assert_allclose(s.weight, [2 * repeated.weight[0], *repeated.weight[2:]])
    plain, ones = (at_prevalence(y, p, prevalence=0.2, weight=each) for each in (None, np.ones(5)))
    np.testing.assert_array_equal(plain.weight, ones.weight)
