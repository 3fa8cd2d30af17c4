"""What each operating point is worth equals the sum over rows by hand, and its interval is about it."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import DecisionConfig, EvaluationConfig
from evaluation.report.money_section import money_section
from tests.oracles.desk_naive import capacity, money

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100)
DECISION = DecisionConfig(alert_cost=4.0, decline_cost=2.0, recovery=0.9, currency="EUR")


def oracle_rows(evidence, name="hybrid"):
    rows = evidence.rows
    weight = np.ones(rows.labels.size) if rows.weight is None else rows.weight
    return list(
        zip(
            rows.labels,
            evidence.candidates[name],
            rows.amount,
            rows.card,
            rows.event_time.tolist(),
            weight,
            strict=True,
        )
    )


@pytest.fixture(scope="module")
def section(whole_evidence):
    return money_section(whole_evidence, config=CONFIG, decision=DECISION, rng=np.random.default_rng(1))


def test_the_money_of_the_policy_is_that_of_an_addition_row_by_row(whole_evidence, section):
    expected = money(oracle_rows(whole_evidence), alert=4.0, decline=2.0, recovery=0.9)
    (found,) = [point for point in section["points"] if point["name"] == "expected_loss"]
    assert {name: found[name]["value"] for name in expected} == pytest.approx(expected)
    assert found["least_loss"] == pytest.approx((4 + 2) / 0.9)


def test_the_capacity_curve_is_that_of_looking_at_the_largest_losses_first(whole_evidence, section):
    part = [row for row in section["curve"] if row["share"] in (0.001, 0.01)]
    rows = oracle_rows(whole_evidence)[:]
    for row in part:
        expected = capacity_fast(rows, row["share"])
        assert {name: row[name]["value"] for name in expected} == pytest.approx(expected)


def capacity_fast(rows, share):
    """The oracle asks every row for every threshold: only the rows that could be flagged are handed to it."""
    ordered = sorted(rows, key=lambda row: -row[1] * row[2])
    kept = ordered[: int(2 * share * len(rows)) + 1]
    found = capacity([*kept], share * len(rows) / len(kept))
    frauds = sum(row[0] for row in rows) / sum(row[0] for row in kept)
    return {"precision": found["precision"], "recall": found["recall"] / frauds}


def test_one_point_ships_and_every_figure_lies_inside_its_interval(section):
    assert [point["name"] for point in section["points"] if point["ships"]] == ["expected_loss"]
    for point in section["points"]:
        for key in ("saved", "savings", "alerts_a_day"):
            assert point[key]["low"] <= point[key]["value"] <= point[key]["high"]
    assert section["loss"]["low"] < section["loss"]["value"] < section["loss"]["high"]


def test_the_shipped_point_beats_itself_by_nothing_and_the_difference_is_paired(section):
    beyond = {point["name"]: point["beyond_shipped"] for point in section["points"]}
    assert beyond["expected_loss"]["value"] == beyond["expected_loss"]["low"] == beyond["expected_loss"]["high"] == 0.0
    (budget,) = [point for point in section["points"] if point["name"] == "alert_budget"]
    width = lambda record: record["high"] - record["low"]  # noqa: E731 - one expression, twice
    assert width(beyond["alert_budget"]) < width(section["loss"])
    shipped = next(point for point in section["points"] if point["ships"])
    assert beyond["alert_budget"]["value"] == pytest.approx(budget["saved"]["value"] - shipped["saved"]["value"])


def test_doubling_every_weight_doubles_the_money_and_no_share(whole_evidence):
    rows = replace(whole_evidence.rows, weight=np.full(whole_evidence.rows.labels.size, 2.0))
    one, two = (
        money_section(each, config=CONFIG, decision=DECISION, rng=np.random.default_rng(1))
        for each in (whole_evidence, replace(whole_evidence, rows=rows))
    )
    assert two["loss"]["value"] == pytest.approx(2 * one["loss"]["value"])
    assert two["points"][0]["savings"] == pytest.approx(one["points"][0]["savings"])


def test_without_calib_or_anything_at_stake_there_is_no_section(whole_evidence):
    for nothing in (
        replace(whole_evidence, calib=None),
        replace(whole_evidence, rows=replace(whole_evidence.rows, amount=np.zeros(whole_evidence.rows.labels.size))),
    ):
        assert money_section(nothing, config=CONFIG, decision=DECISION, rng=np.random.default_rng(1)) == {}
