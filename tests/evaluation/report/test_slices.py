"""The fold in parts, each with its own prevalence and intervals where there are frauds enough."""

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.slices import SLICE_STATISTICS, slices
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import DAY

CONFIG = EvaluationConfig(slice_resamples=100)


@pytest.fixture(scope="module")
def parts(whole_evidence):
    kept = {name: whole_evidence.candidates[name] for name in ("logistic", "hybrid")}
    return slices(whole_evidence.rows, kept, config=CONFIG, shipped="hybrid", rng=np.random.default_rng(1))


def test_weeks_part_the_fold_and_carry_their_own_prevalence(parts, whole_evidence):
    weeks = [part for part in parts["hybrid"] if part["kind"] == "week"]
    assert sum(part["rows"] for part in weeks) == 12_000
    assert sum(part["frauds"] for part in weeks) == whole_evidence.rows.labels.sum()
    assert all(part["prevalence"] == part["frauds"] / part["rows"] for part in weeks)


def test_a_statistic_of_a_part_is_that_of_its_rows_alone(parts, whole_evidence):
    travel = whole_evidence.rows.groups["merchant_category"] == "travel"
    (found,) = [part for part in parts["logistic"] if part["population"] == "travel"]
    p = whole_evidence.candidates["logistic"]
    expected = average_precision(whole_evidence.rows.labels[travel], p[travel])
    assert found["average_precision"]["value"] == pytest.approx(expected)


def test_intervals_are_drawn_for_what_ships_where_there_are_frauds_enough(parts):
    for part in parts["hybrid"]:
        drawn = np.isfinite(part["brier"]["low"])
        assert drawn == (part["frauds"] >= CONFIG.min_slice_frauds)
        assert ("no intervals" in part.get("reason", "")) is not drawn
    assert not any(np.isfinite(part["brier"]["low"]) for part in parts["logistic"] if part["rows"])


def test_a_part_without_rows_says_so_and_holds_no_statistic(whole_evidence):
    rows, flat = whole_evidence.rows, np.full(12_000, 0.01)
    found = slices(rows, {"hybrid": flat}, config=CONFIG, shipped="hybrid", rng=np.random.default_rng(1))["hybrid"]
    (undecided,) = [part for part in found if part["kind"] == "borderline"]
    assert undecided["reason"] == "no rows"
    assert not set(SLICE_STATISTICS) & set(undecided)


def test_a_part_of_a_single_day_is_not_drawn_by_days():
    rng = np.random.default_rng(3)
    p, time = rng.beta(0.5, 2, 8_000), np.repeat(np.arange(40), 200) * DAY
    channel = np.where(time == 39 * DAY, "new", "old")
    rows = JudgedRows((rng.random(p.size) < p).astype(float), time, np.ones(p.size), groups={"channel": channel})
    config = EvaluationConfig(slice_resamples=100, cluster="day")
    found = slices(rows, {"hybrid": p}, config=config, shipped="hybrid", rng=rng)["hybrid"]
    (new,) = [part["brier"] for part in found if part["population"] == "new"]
    assert new["low"] < new["value"] < new["high"]
