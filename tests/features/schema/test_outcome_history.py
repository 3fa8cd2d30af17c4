"""A row's own label and its reports as one history, against going through the reports one by one."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.chargeback_reports import ReportRows, reports_in_order
from features.schema.outcome_history import known_outcomes
from features.schema.preset import Chargebacks
from tests.oracles.outcomes_naive import known

FEED = Chargebacks(files="*", transaction_id={"column": "id"}, reported_at={"column": "at"}, absent="unknown")
CODES = {None: -1, 0: 0, 1: 1}
REPORTS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 1, None])), max_size=5)
ROWS = st.lists(st.tuples(st.sampled_from([0, 1, None]), st.integers(0, 12), REPORTS), min_size=1, max_size=6)


def outcomes_of(rows, *, as_of=None, closed=()):
    """The history of rows, each its own label, since when, and its reports."""
    told = [(str(row), at, CODES[outcome]) for row, (*_, reports) in enumerate(rows) for at, outcome in reports]
    keys, at, outcome = zip(*told, strict=True) if told else ((), (), ())
    given = ReportRows(
        pa.array(keys, pa.string()), np.array(at, np.int64), np.array(outcome, np.int8), np.zeros(len(at), bool)
    )
    shut = np.zeros(len(rows), bool)
    shut[list(closed)] = True
    return known_outcomes(
        reports_in_order(given, feed=FEED),
        pa.array(range(len(rows))),
        time=np.zeros(len(rows), np.int64),
        label=np.array([CODES[own] for own, _, _ in rows], np.int8),
        available=np.array([own_at for _, own_at, _ in rows], np.int64),
        closed=shut,
        as_of=as_of,
    )


def found_at(history, moment, row):
    """(label, since when) of a row at a moment, read off the history."""
    label, available = history.earlier.known_by(moment, history.label, history.available)
    unknown = label[row] < 0 or available[row] > moment
    return (None, None) if unknown else (int(label[row]), int(available[row]))


@settings(max_examples=300, deadline=None)
@given(rows=ROWS)
def test_at_every_moment_it_says_what_going_through_the_reports_says(rows):
    history = outcomes_of(rows)
    for moment in range(14):
        for row, (own, own_at, reports) in enumerate(rows):
            assert found_at(history, moment, row) == known(own, own_at, reports, moment)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, as_of=st.integers(0, 13))
def test_as_of_a_moment_it_is_the_history_that_was_known_then(rows, as_of):
    then, whole = outcomes_of(rows, as_of=as_of), outcomes_of(rows)
    for moment in range(as_of + 1):
        for row in range(len(rows)):
            assert found_at(then, moment, row) == found_at(whole, moment, row)
    assert (then.earlier.until <= as_of).all()


def test_a_report_before_the_transaction_is_noticed():
    history = outcomes_of([(0, 7, [(-3, 1), (5, 0)]), (0, 7, [(2, 1)])])
    assert history.too_early.tolist() == [True, False]


def test_a_row_that_can_have_no_outcome_has_none_whatever_is_reported():
    history = outcomes_of([(None, 0, [(1, 1), (2, 0)]), (None, 0, [(1, 1)])], closed=[0])
    assert history.label.tolist() == [-1, 1]
    assert len(history.earlier) == 0
    assert history.reported.tolist() == [0, 1]


def test_a_report_that_says_what_stood_already_changes_not_even_the_time():
    history = outcomes_of([(None, 0, [(2, 1), (2, 1), (5, 1), (9, 1)])])
    assert (history.label[0], history.available[0], len(history.earlier)) == (1, 2, 0)
