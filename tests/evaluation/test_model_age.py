"""How models fare as their training rows age."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.model_age import FEWEST_FRAUDS, BacktestRows, ageing_table, backtest_statistics
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import DAY, WEEK


def rows(model, *, trained_until=0, noise=0.0, seed=1):
    rng = np.random.default_rng(seed)
    p = rng.random(2_000) ** 3
    labels = (rng.random(2_000) < p).astype(float)
    time = np.sort(rng.integers(WEEK, 3 * WEEK, 2_000))
    seen = np.clip(p + np.random.default_rng(9).normal(0, noise, 2_000), 0, 1)
    return BacktestRows(model, labels, seen, time, trained_until)


def test_a_week_of_age_holds_the_rows_of_that_week_alone():
    judged = rows("retrained")
    first, second = ageing_table([judged])
    inside = judged.event_time < 2 * WEEK
    assert (first["age_weeks"], second["age_weeks"]) == (1, 2)
    expected = average_precision(judged.labels[inside], judged.probabilities[inside])
    assert first["average_precision"] == pytest.approx(expected)
    assert first["frauds"] == judged.labels[inside].sum()


def test_the_shortfall_is_against_the_youngest_model_on_the_same_rows():
    young, old = rows("retrained", trained_until=DAY), rows("never retrained", noise=0.3)
    found = {(row["model"], row["age_weeks"]): row for row in ageing_table([young, old])}
    assert found["retrained", 1]["shortfall"] == 0.0
    assert found["never retrained", 1]["shortfall"] > 0.05


def test_dates_are_averaged_with_their_frauds_as_weights():
    one, other = rows("retrained"), rows("retrained", seed=2, noise=0.4)
    alone = [ageing_table([each])[0] for each in (one, other)]
    both = ageing_table([one, other])[0]
    weights = [row["frauds"] for row in alone]
    assert both["dates"] == 2
    expected = np.average([row["average_precision"] for row in alone], weights=weights)
    assert both["average_precision"] == pytest.approx(expected)


def test_a_week_with_too_few_frauds_is_not_counted():
    judged = rows("retrained")
    honest = replace(judged, labels=np.where(np.arange(2_000) < FEWEST_FRAUDS - 1, 1.0, 0.0))
    assert ageing_table([honest]) == []


def test_the_calibration_error_of_a_date_counts_the_bins_asked_for():
    judged = rows("retrained", noise=0.2)
    found = backtest_statistics(judged.labels, judged.probabilities, bins=40)
    assert found["ece"] == expected_calibration_error(judged.labels, judged.probabilities, bins=40)
