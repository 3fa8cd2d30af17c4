import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_score

from evaluation.statistics.alerts import (
    DAY,
    card_precision,
    expected_cost,
    operation,
    precision_at,
    share_negatives_above,
    threshold_for_budget,
    threshold_for_cost,
)
from tests.oracles.evaluation import handbook_card_precision


def test_precision_at_half_equals_scikit_learn():
    rng = np.random.default_rng(1)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    assert precision_at(y, p) == pytest.approx(precision_score(y, p >= 0.5))
    assert np.isnan(precision_at(y, p / 3))


def test_share_of_negatives_above_is_strict():
    y, p = np.array([0, 0, 0, 1.0]), np.array([0.95, 0.96, 0.1, 0.99])
    assert share_negatives_above(y, p) == pytest.approx(1 / 3)
    assert np.isnan(share_negatives_above([1], [0.99]))


@pytest.mark.parametrize("seed", range(5))
def test_card_precision_equals_the_handbook_code(seed):
    rng = np.random.default_rng(seed)
    rows = 600
    card, day = rng.integers(0, 40, rows), rng.integers(0, 9, rows)
    p = rng.permutation(rows) / rows
    y = (rng.random(rows) < p**3).astype(float)
    ours = card_precision(y, p, card=card, event_time=day * DAY + rng.integers(0, DAY, rows), top=7)
    assert ours.precision.tolist() == pytest.approx(handbook_card_precision(y, p, card, day, 7))


def test_a_found_card_is_not_found_again():
    found = card_precision([1, 1, 1.0], [0.9, 0.8, 0.7], card=[1, 1, 2], event_time=[0, DAY, DAY], top=1)
    assert found.precision.tolist() == [1.0, 1.0]
    assert found.compromised.tolist() == [1, 1]


@settings(max_examples=40)
@given(seed=st.integers(0, 200))
def test_card_precision_ignores_row_order_even_with_ties(seed):
    rng = np.random.default_rng(seed)
    y, p = (rng.random(60) < 0.3).astype(float), rng.integers(0, 3, 60) / 3
    card, time = rng.integers(-1, 12, 60), rng.integers(0, 4 * DAY, 60)
    order = rng.permutation(60)
    one = card_precision(y, p, card=card, event_time=time, top=3)
    other = card_precision(y[order], p[order], card=card[order], event_time=time[order], top=3)
    assert one.precision.tolist() == other.precision.tolist()


def test_rows_without_a_card_are_left_out_and_no_rows_give_nan():
    assert np.isnan(card_precision([1.0], [0.9], card=[-1], event_time=[0]).mean)


def test_operation_counts_alerts_catch_and_money():
    result = operation([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1], amount=[100, 50, 10, 10], threshold=0.5, alert_cost=5)
    assert (result.alert_share, result.precision, result.recall) == (0.5, 0.5, 0.5)
    assert result.value_recall == pytest.approx(100 / 150)
    assert result.cost == pytest.approx((2 * 5 + 50) / 4)
    assert result.cost_without == pytest.approx(150 / 4)
    assert result.net_benefit == pytest.approx((1 - 1 * 1.0) / 4)


def test_the_cheapest_threshold_beats_every_other_one():
    rng = np.random.default_rng(4)
    p, amount = np.round(rng.random(300), 2), rng.exponential(40, 300)
    y = (rng.random(300) < p**2).astype(float)
    best = threshold_for_cost(y, p, amount=amount, alert_cost=8)
    costs = [operation(y, p, amount=amount, threshold=t, alert_cost=8).cost for t in [*np.unique(p), 2.0]]
    assert operation(y, p, amount=amount, threshold=best, alert_cost=8).cost == pytest.approx(min(costs))


def test_flagging_by_expected_loss_is_cheapest_for_right_probabilities():
    rng = np.random.default_rng(5)
    p, amount = rng.random(20_000) ** 3, rng.exponential(40, 20_000)
    y = (rng.random(20_000) < p).astype(float)
    right = expected_cost(y, p, amount=amount, alert_cost=8)
    assert right < expected_cost(y, p**2, amount=amount, alert_cost=8)
    assert right < expected_cost(y, np.sqrt(p), amount=amount, alert_cost=8)


def test_a_budget_threshold_never_flags_more_than_the_budget():
    p = np.array([0.9, 0.9, 0.5, 0.1])
    assert threshold_for_budget(p, budget=0.5) == 0.9
    assert threshold_for_budget(p, budget=0.25) > 1.0
