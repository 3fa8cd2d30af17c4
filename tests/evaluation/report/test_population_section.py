"""Whose numbers the report holds, and how they were resampled, in words."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.evidence import CalibRows
from evaluation.report.population_section import base_rate_brier, population_record, population_section
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY
from evaluation.statistics.scores import brier

ROWS = JudgedRows(
    np.array([1.0, 0, 0, 0]), np.array([2 * DAY, 0, DAY, DAY]), np.array([30.0, 10, 10, 10]), np.array([5, -1, 5, 7])
)


def section(rows=ROWS, *, calib=None, **changes):
    config = EvaluationConfig(resamples=100, **changes)
    p = {"a": np.full(rows.labels.size, 0.25)}
    calib = CalibRows(rows, p) if calib else None
    drawn = headline_replicates(rows, p, config=config, rng=np.random.default_rng(1), calib=calib)
    return population_section(rows, unknown=3, config=config, drawn=drawn)


def test_rows_frauds_cards_and_span_are_counted():
    found = section()
    assert (found["rows"], found["frauds"], found["prevalence"], found["unknown_labels"]) == (4, 1, 0.25, 3)
    assert (found["from"], found["to"]) == ("1970-01-01T00:00:00Z", "1970-01-03T00:00:00Z")
    assert found["cards"] == 2
    assert found["fraud_amount_share"] == 0.5


def test_weights_leave_the_counts_and_make_rows_fewer_in_effect():
    assert section()["effective_rows"] == 4.0
    found = section(replace(ROWS, weight=np.array([3.0, 1, 1, 1])))
    assert (found["rows"], found["frauds"], found["prevalence"]) == (4, 1, 0.25)
    assert found["effective_rows"] == pytest.approx(36 / 12)


def test_what_is_held_against_weighted_scores_is_weighted_like_them():
    weighed = replace(ROWS, weight=np.array([3.0, 1, 1, 1]))
    found = section(weighed)
    assert found["weighted_prevalence"] == 0.5
    assert found["brier_of_base_rate"] == brier(ROWS.labels, np.full(4, 0.5), weight=weighed.weight)
    assert found["fraud_amount_share"] == 90 / 120
    assert section(replace(ROWS, weight=np.ones(4))) == section()


@pytest.mark.parametrize(("cluster", "by"), [("card", "row"), ("day", "day"), ("row", "row"), ("auto", "day and row")])
def test_without_cards_and_merchants_days_or_rows_are_resampled(cluster, by):
    bare = JudgedRows(ROWS.labels, ROWS.event_time, ROWS.amount)
    found = section(bare, cluster=cluster, min_clusters=2 if by.startswith("day") else 30)
    assert found["resampled"]["by"] == by
    assert found["cards"] is None


def test_the_text_says_what_was_drawn_what_was_not_and_whether_calibrators_moved():
    rows = JudgedRows(
        np.arange(80) % 4 == 0, np.arange(80) % 14 * DAY, np.ones(80), np.arange(80) % 41, merchant=np.arange(80) // 2
    )
    found = section(replace(rows, labels=rows.labels.astype(float)), calib=True)["resampled"]
    assert found["text"] == (
        "100 resamples of 41 cards and 40 merchants, drawn as a whole. Intervals are as wide as cards and merchants "
        "together make them, and at least as the widest of the units alone. 14 days are fewer than 30 and say too "
        "little of their own spread: they were not drawn. Observed/expected and the calibration errors hold the "
        "calibrators' own sampling noise too."
    )
    assert (found["units"], found["left_out"], found["calibrator"]) == ({"card": 41, "merchant": 40}, {"day": 14}, True)
    assert "their own sampling noise is in no interval" in section()["resampled"]["text"]


def test_rows_without_any_amount_have_no_share_of_it():
    assert section(replace(ROWS, amount=np.zeros(4)))["fraud_amount_share"] is None


def test_the_base_rates_brier_score_is_that_of_saying_it_for_every_row():
    people = population_record(ROWS, fold="test")
    assert base_rate_brier(people["prevalence"]) == pytest.approx(brier(ROWS.labels, np.full(4, 0.25)))
