"""Whose numbers the report holds."""

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.population_section import base_rate_brier, population_record, population_section
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY
from evaluation.statistics.scores import brier

ROWS = JudgedRows(
    np.array([1.0, 0, 0, 0]), np.array([2 * DAY, 0, DAY, DAY]), np.array([30.0, 10, 10, 10]), np.array([5, -1, 5, 7])
)


def section(rows=ROWS, **changes):
    return population_section(rows, unknown=3, config=EvaluationConfig(**changes), clusters=4)


def test_rows_frauds_cards_and_span_are_counted():
    found = section()
    assert (found["rows"], found["frauds"], found["prevalence"], found["unknown_labels"]) == (4, 1, 0.25, 3)
    assert (found["from"], found["to"]) == ("1970-01-01T00:00:00Z", "1970-01-03T00:00:00Z")
    assert found["cards"] == 2
    assert found["fraud_amount_share"] == 0.5


@pytest.mark.parametrize(("cluster", "by"), [("card", "row"), ("day", "day"), ("row", "row")])
def test_without_cards_rows_are_resampled_unless_days_are(cluster, by):
    found = section(JudgedRows(ROWS.labels, ROWS.event_time, ROWS.amount), cluster=cluster)
    assert found["resampled"] == {"by": by, "clusters": 4, "resamples": 1000}
    assert found["cards"] is None


def test_rows_without_any_amount_have_no_share_of_it():
    assert section(JudgedRows(ROWS.labels, ROWS.event_time, np.zeros(4)))["fraud_amount_share"] is None


def test_the_base_rates_brier_score_is_that_of_saying_it_for_every_row():
    people = population_record(ROWS, fold="test")
    assert base_rate_brier(people["prevalence"]) == pytest.approx(brier(ROWS.labels, np.full(4, 0.25)))
