"""Operating points: chosen on calib, described on test."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import DecisionConfig
from evaluation.report.operating_points import KnownOutcomes, known_outcomes, operating_points, threshold_points
from evaluation.statistics.decisions import expected_cost, operation
from evaluation.statistics.populations import JudgedRows

DECISION = DecisionConfig(alert_budget=0.01, alert_cost=5.0, precision_floor=0.5)


def outcomes(seed: int, rows: int = 4000) -> KnownOutcomes:
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.4, 4, size=rows).round(3)
    return KnownOutcomes((rng.random(rows) < probability).astype(float), probability, rng.exponential(50, size=rows))


def test_points_are_described_on_both_folds():
    calib, test = outcomes(1), outcomes(2)
    points = threshold_points(calib, test, decision=DECISION)["points"]
    assert set(points) == {"alert_budget", "cost_optimal", "precision_floor", "expected_loss"}
    flagged = test.probabilities >= points["alert_budget"]["threshold"]
    assert points["alert_budget"]["calib"]["alert_share"] <= 0.01
    assert points["alert_budget"]["test"]["alert_share"] == pytest.approx(flagged.mean())
    assert points["precision_floor"]["calib"]["precision"] >= 0.5
    costs = [point["calib"]["cost"] for point in points.values() if "threshold" in point]
    assert points["cost_optimal"]["calib"]["cost"] == min(costs)


def test_thresholds_are_chosen_on_calib_alone():
    one, other = (threshold_points(outcomes(1), outcomes(n), decision=DECISION)["points"] for n in (2, 3))
    assert [one[name].get("threshold") for name in one] == [other[name].get("threshold") for name in one]


def test_the_policy_costs_what_the_best_decision_of_each_row_costs():
    calib, test = outcomes(1), outcomes(2)
    point = threshold_points(calib, test, decision=DECISION)["points"]["expected_loss"]
    best = expected_cost(test.labels, test.probabilities, amount=test.amount, alert_cost=5.0)
    assert point["test"]["cost"] == pytest.approx(best)
    assert point["test"]["alert_share"] == pytest.approx((test.probabilities * test.amount >= 5.0).mean())
    assert (point["alert_cost"], point["test"]["net_benefit"]) == (5.0, None)
    assert "threshold" not in point


def test_a_budget_is_read_off_the_map_that_serves_and_needs_no_labels():
    calib, test = outcomes(1), outcomes(2)
    served = np.linspace(0.0, 0.3, 1000)
    one, other = (threshold_points(calib, test, decision=DECISION, served=each)["points"] for each in (None, served))
    assert (served >= other["alert_budget"]["threshold"]).mean() == 0.01
    assert one["alert_budget"]["threshold"] > 0.3
    assert one["cost_optimal"] == other["cost_optimal"]


def test_a_precision_that_calib_cannot_show_flags_nothing_and_says_so():
    strict = DecisionConfig(precision_floor=0.999)
    point = threshold_points(outcomes(1), outcomes(2), decision=strict)["points"]["precision_floor"]
    assert point["test"]["alert_share"] == 0.0
    assert point["meaning"].startswith("flags nothing: no threshold is shown to keep at least 100% frauds")


def test_net_benefit_stands_only_where_the_threshold_is_a_risk_of_indifference(whole_evidence):
    points = operating_points(whole_evidence, budgets=(0.01,), alert_cost=5.0)["hybrid"][:-1]
    assert [point["chosen"] for point in points if point["net_benefit"] is not None] == ["p ≥ 0.5"]
    chosen = threshold_points(outcomes(1), outcomes(2), decision=DECISION)["points"]
    assert {point[fold]["net_benefit"] for point in chosen.values() for fold in ("calib", "test")} == {None}


def test_the_budgets_of_the_report_are_read_off_what_serves(whole_evidence):
    calib = replace(whole_evidence.calib, served={"hybrid": np.linspace(0.0, 0.2, 500)})
    points = operating_points(replace(whole_evidence, calib=calib), budgets=(0.01,), alert_cost=5.0)
    assert 0.19 < points["hybrid"][0]["threshold"] < 0.2
    assert (
        points["mlp"][0]["threshold"]
        == operating_points(whole_evidence, budgets=(0.01,), alert_cost=5.0)["mlp"][0]["threshold"]
    )


def test_rows_of_unknown_label_are_left_out():
    rows = JudgedRows(np.array([1.0, np.nan, 0.0]), np.arange(3), np.array([10.0, 20.0, 30.0]))
    known = known_outcomes(rows, np.array([0.9, 0.5, 0.1]))
    assert known.labels.tolist() == [1.0, 0.0]
    assert known.probabilities.tolist() == [0.9, 0.1]
    assert known.amount.tolist() == [10.0, 30.0]


def test_the_report_shows_every_budget_the_cheapest_and_a_half(whole_evidence):
    points = operating_points(whole_evidence, budgets=(0.01, 0.05), alert_cost=5.0)["hybrid"]
    ways = ["top 1 % of calib", "top 5 % of calib", "least cost on calib", "p ≥ 0.5"]
    assert [point["chosen"] for point in points[:-1]] == ways
    test = known_outcomes(whole_evidence.rows, whole_evidence.candidates["hybrid"])
    half = operation(test.labels, test.probabilities, amount=test.amount, threshold=0.5, alert_cost=5.0)
    assert points[3]["cost"] == half.cost
    assert set(points[-1]) == {"chosen", "cost"}


def test_a_dearer_alert_raises_the_cheapest_threshold(whole_evidence):
    cheap, dear = (operating_points(whole_evidence, budgets=(), alert_cost=c)["hybrid"][0] for c in (1.0, 50.0))
    assert cheap["threshold"] < dear["threshold"]


def test_a_candidate_that_calib_lacks_has_no_points_and_no_calib_none_at_all(whole_evidence):
    calib = replace(whole_evidence.calib, candidates={"mlp": whole_evidence.calib.candidates["mlp"]})
    assert list(operating_points(replace(whole_evidence, calib=calib), budgets=(0.01,), alert_cost=5.0)) == ["mlp"]
    assert operating_points(replace(whole_evidence, calib=None), budgets=(0.01,), alert_cost=5.0) == {}


def late_rows(seed: int, *, known: float) -> KnownOutcomes:
    made, rng = outcomes(seed, rows=12_000), np.random.default_rng(seed + 100)
    weight = np.where(made.labels > 0.5, 1 / known, 1.0)
    rows = JudgedRows(made.labels, np.arange(12_000), made.amount, weight=weight)
    kept = (made.labels < 0.5) | (rng.random(12_000) < known)
    return known_outcomes(rows.where(kept), made.probabilities[kept])


def test_thresholds_are_those_of_a_calib_whose_frauds_are_all_known():
    late, test = late_rows(1, known=0.6), outcomes(2)
    weighed, plain, whole = (
        threshold_points(calib, test, decision=DECISION)["points"]
        for calib in (late, replace(late, weight=None), outcomes(1, rows=12_000))
    )
    wanted = whole["precision_floor"]["threshold"]
    assert weighed["precision_floor"]["threshold"] == pytest.approx(wanted, abs=0.05)
    assert plain["precision_floor"]["threshold"] > wanted + 0.08
    assert weighed["cost_optimal"]["threshold"] < plain["cost_optimal"]["threshold"]
    costs = [point["calib"]["cost"] for point in weighed.values() if "threshold" in point]
    assert weighed["cost_optimal"]["calib"]["cost"] == min(costs)


def test_weights_of_one_change_no_operating_point(whole_evidence):
    ones = {
        name: replace(rows, weight=np.ones(rows.labels.size))
        for name, rows in (("test", whole_evidence.rows), ("calib", whole_evidence.calib.rows))
    }
    weighed = replace(whole_evidence, rows=ones["test"], calib=replace(whole_evidence.calib, rows=ones["calib"]))
    one, other = (operating_points(each, budgets=(0.01,), alert_cost=5.0) for each in (whole_evidence, weighed))
    np.testing.assert_equal(other, one)


def test_what_a_threshold_does_on_test_is_told_in_weighted_rows(whole_evidence):
    heavy = replace(whole_evidence.rows, weight=np.where(whole_evidence.rows.labels > 0.5, 2.0, 1.0))
    (point,) = operating_points(replace(whole_evidence, rows=heavy), budgets=(), alert_cost=5.0)["hybrid"][1:2]
    flagged = whole_evidence.candidates["hybrid"] >= 0.5
    assert point["precision"] == pytest.approx(np.average(heavy.labels[flagged], weights=heavy.weight[flagged]))
