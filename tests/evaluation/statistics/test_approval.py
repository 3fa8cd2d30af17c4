import numpy as np
import pytest

from evaluation.errors import InputError
from evaluation.statistics.approval import PolicyRows, approval_weights
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.scores import observed_expected


def test_a_row_stands_for_as_many_as_the_policy_lets_one_of_through():
    found = approval_weights([1.0, 0.25, 0.01, np.nan, 0.0], cap=20)
    assert found.weight.tolist() == [1.0, 4.0, 20.0, 1.0, 1.0]
    assert found.capped.tolist() == [False, False, True, False, False]
    assert found.cut_share(np.array([False, True, True, False, False])) == pytest.approx(80 / 104)
    assert found.cut_share(np.zeros(5, np.bool_)) == 0.0


def test_a_cap_of_one_leaves_the_probabilities_aside():
    assert approval_weights([0.5, 0.01], cap=1).weight.tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match=r"must be at least 1, got 0\.5"):
        approval_weights([0.5], cap=0.5)


def test_weights_bring_back_the_level_and_the_ranking_that_blocking_hides():
    rng = np.random.default_rng(4)
    truth = rng.beta(0.1, 4.0, 200_000)
    label, seen = (rng.random(truth.size) < truth).astype(float), np.clip(truth * 0.8, 0, 1)
    approval = np.where(truth > np.quantile(truth, 0.98), 0.1, 1.0)
    left = rng.random(truth.size) < approval
    weight = approval_weights(approval, cap=25).weight
    for statistic in (observed_expected, average_precision):
        whole = statistic(label, seen)
        naive = statistic(label[left], seen[left])
        weighted = statistic(label[left], seen[left], weight=weight[left])
        assert abs(weighted - whole) < 0.5 * abs(naive - whole) + 0.01


def test_a_blocked_row_without_a_known_chance_has_no_support():
    action = np.array(["blocked", "blocked", "blocked", "approved", "challenged", ""])
    rows = PolicyRows(action, np.array([0.1, 0.0, np.nan, 1.0, np.nan, np.nan]), cap=25)
    assert rows.without_support.tolist() == [False, True, True, False, False, False]
    assert (rows.approved.sum(), rows.challenged.sum(), rows.blocked.sum()) == (1, 1, 3)
