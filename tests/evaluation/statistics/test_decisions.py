import numpy as np
import pytest
from scipy.stats import binomtest

from evaluation.statistics.decisions import (
    NOTHING,
    effective_counts,
    expected_cost,
    least_share,
    operation,
    policy_operation,
    threshold_for_budget,
    threshold_for_cost,
    threshold_for_precision,
)


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


def test_the_policy_counts_alerts_catch_and_money_where_the_expected_loss_pays_for_them():
    done = policy_operation([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1], amount=[100, 20, 10, 10], alert_cost=5)
    assert (done.alert_share, done.precision, done.recall) == (0.5, 0.5, 0.5)
    assert done.value_recall == pytest.approx(100 / 120)
    assert done.cost == pytest.approx((2 * 5 + 20) / 4)
    assert np.isnan([done.threshold, done.net_benefit]).all()


def test_the_policy_is_a_threshold_where_all_amounts_are_alike():
    rng = np.random.default_rng(5)
    p, weight = rng.random(200), rng.integers(0, 3, 200)
    y = (rng.random(200) < p).astype(float)
    rest = {"amount": np.full(200, 16.0), "alert_cost": 4.0, "weight": weight}
    one, other = policy_operation(y, p, **rest), operation(y, p, threshold=0.25, **rest)
    assert (one.alert_share, one.precision, one.cost) == (other.alert_share, other.precision, other.cost)


def test_a_budget_threshold_never_flags_more_than_the_budget():
    p = np.array([0.9, 0.9, 0.5, 0.1])
    assert threshold_for_budget(p, budget=0.5) == 0.9
    assert threshold_for_budget(p, budget=0.25) > 1.0


@pytest.mark.parametrize("floor", [0.05, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_precision_floor_is_the_lowest_threshold_whose_bound_keeps_it(seed, floor):
    rng = np.random.default_rng(seed)
    p = rng.beta(0.4, 4, size=300).round(3)
    y = (rng.random(300) < p).astype(float)
    flagged = {t: y[p >= t] for t in set(p.tolist())}
    shown = {
        t: binomtest(int(rows.sum()), rows.size, alternative="greater").proportion_ci(0.8).low
        for t, rows in flagged.items()
    }
    fitting = [t for t, low in shown.items() if low >= floor]
    assert threshold_for_precision(y, p, floor=floor) == min(fitting, default=NOTHING)


@pytest.mark.parametrize("floor", [0.5, 0.8])
def test_the_precision_floor_holds_on_new_rows_more_often_than_not(floor):
    rng, kept = np.random.default_rng(6), []
    for _ in range(100):
        p, new = rng.beta(0.1, 1.5, size=4000), rng.beta(0.1, 1.5, size=40_000)
        threshold = threshold_for_precision((rng.random(4000) < p).astype(float), p, floor=floor)
        kept += [new[new >= threshold].mean() >= floor] if threshold <= 1.0 else []
    assert len(kept) > 50
    assert np.mean(kept) > 0.7


@pytest.mark.parametrize(("hits", "rows"), [(0, 5), (3, 9), (9, 9), (40, 400)])
def test_the_least_share_is_the_bound_of_clopper_and_pearson(hits, rows):
    bound = binomtest(hits, rows, alternative="greater").proportion_ci(0.8, method="exact").low
    assert least_share([hits], [rows], confidence=0.8) == pytest.approx([bound])


def test_a_precision_that_no_threshold_reaches_flags_nothing():
    assert threshold_for_precision([1.0, 0.0], [0.2, 0.9], floor=0.8) == NOTHING > 1


def test_alerts_dearer_than_any_fraud_flag_nothing():
    assert threshold_for_cost([1, 0], [0.9, 0.1], amount=[5.0, 5.0], alert_cost=6.0) == NOTHING
    assert operation([1, 0], [0.9, 0.1], amount=[5.0, 5.0], threshold=NOTHING, alert_cost=6.0).cost == 2.5


@pytest.mark.parametrize("statistic", [expected_cost, threshold_for_cost])
def test_amounts_of_another_length_are_refused_by_name(statistic):
    with pytest.raises(ValueError, match="amount must have 2 rows like the labels"):
        statistic([1, 0], [0.9, 0.1], amount=[5.0], alert_cost=1.0)


def weighed_world(seed: int, rows: int = 3000):
    """A world, what is known of it where 60 % of the frauds are, and the weights that make up for the rest."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.3, 2, size=rows).round(2)
    y = (rng.random(rows) < p).astype(float)
    kept = (y == 0) | (rng.random(rows) < 0.6)
    return p, y, p[kept], y[kept], np.where(y[kept] > 0.5, 1 / 0.6, 1.0)


def test_a_row_of_weight_two_is_two_rows():
    y, p, amount = np.array([1.0, 0, 1, 0]), np.array([0.9, 0.7, 0.4, 0.1]), np.array([50.0, 20, 9, 20])
    weight, cost = np.array([2.0, 1, 2, 3]), {"alert_cost": 8.0}
    twice = {"labels": np.repeat(y, weight.astype(int)), "probabilities": np.repeat(p, weight.astype(int))}
    money = np.repeat(amount, weight.astype(int))
    once = {"labels": y, "probabilities": p, "weight": weight}
    for threshold in (0.05, 0.4, 0.5):
        found = operation(**once, amount=amount, threshold=threshold, **cost)
        assert found == operation(**twice, amount=money, threshold=threshold, **cost)
    assert expected_cost(**once, amount=amount, **cost) == expected_cost(**twice, amount=money, **cost)
    assert threshold_for_cost(**once, amount=amount, **cost) == threshold_for_cost(**twice, amount=money, **cost)
    for budget in (0.3, 0.4, 0.7):
        found = threshold_for_budget(p, budget=budget, weight=weight)
        assert found == threshold_for_budget(twice["probabilities"], budget=budget)


def test_weights_of_one_change_no_bit():
    p, y, *_ = weighed_world(1)
    ones, amount = np.ones(p.size), np.random.default_rng(1).exponential(40, p.size)
    for weighed in (
        lambda **w: operation(y, p, amount=amount, threshold=0.3, alert_cost=8, **w),
        lambda **w: expected_cost(y, p, amount=amount, alert_cost=8, **w),
        lambda **w: threshold_for_cost(y, p, amount=amount, alert_cost=8, **w),
        lambda **w: threshold_for_precision(y, p, floor=0.5, **w),
        lambda **w: threshold_for_budget(p, budget=0.03, **w),
    ):
        assert weighed() == weighed(weight=ones)


def test_weights_undo_what_late_frauds_do_to_a_precision_floor():
    found = {"all": [], "weighed": [], "plain": []}
    for seed in range(20):
        p, y, seen, known, weight = weighed_world(seed)
        found["all"].append(threshold_for_precision(y, p, floor=0.5))
        found["weighed"].append(threshold_for_precision(known, seen, floor=0.5, weight=weight))
        found["plain"].append(threshold_for_precision(known, seen, floor=0.5))
    mean = {name: np.mean(each) for name, each in found.items()}
    assert mean["weighed"] == pytest.approx(mean["all"], abs=0.04)
    assert mean["plain"] > mean["all"] + 0.08


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_the_bound_of_a_weighted_share_is_above_the_truth_no_more_often_than_it_says(share):
    rng, above = np.random.default_rng(8), []
    for _ in range(2000):
        y = rng.random(1500) < share
        y = y[~y | (rng.random(1500) < 0.6)].astype(float)
        hits, rows = effective_counts(y, np.where(y > 0, 1 / 0.6, 1.0), np.zeros(y.size, dtype=np.int64), 1)
        above.append(least_share(hits, rows, confidence=0.8)[0] > share)
    assert 0.05 < np.mean(above) < 0.22
