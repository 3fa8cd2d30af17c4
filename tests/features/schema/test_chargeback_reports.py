import numpy as np
import pyarrow as pa

from features.schema.chargeback_reports import ReportRows, reports_in_order
from features.schema.preset import Chargebacks

FEED = Chargebacks(files="*", transaction_id={"column": "id"}, reported_at={"column": "at"})


def ordered(*rows, feed=FEED):
    keys, at, outcome = zip(*rows, strict=True) if rows else ((), (), ())
    return reports_in_order(
        ReportRows(
            pa.array(keys, pa.string()), np.array(at, np.int64), np.array(outcome, np.int8), np.zeros(len(at), bool)
        ),
        feed=feed,
    )


def test_reports_stand_by_key_and_time_whatever_order_they_came_in():
    reports = ordered(("b", 5, 1), ("a", 9, 0), ("a", 2, 1))
    places = reports.places(pa.array(["a", "b", "c"]))
    assert places[2] == -1
    of_a = slice(*reports.starts[places[0] : places[0] + 2])
    assert reports.at[of_a].tolist() == [2, 9]
    assert reports.outcome[of_a].tolist() == [1, 0]


def test_a_feed_delivered_twice_is_the_feed():
    once = ordered(("a", 2, 1), ("b", 3, 1), ("a", 9, 0))
    twice = ordered(*[("a", 2, 1), ("b", 3, 1), ("a", 9, 0)] * 2)
    assert twice.at.tolist() == once.at.tolist()
    assert (once.repeats, twice.repeats) == (0, 3)


def test_of_two_outcomes_at_one_moment_fraud_wins_and_it_is_counted():
    reports = ordered(("a", 2, 0), ("a", 2, 1))
    assert reports.outcome.tolist() == [1]
    assert (reports.contradictions, reports.repeats) == (1, 0)


def test_a_withdrawal_of_nothing_changes_nothing_but_its_key_was_met():
    reports = ordered(("a", 2, -1))
    assert len(reports.at) == 0
    assert reports.places(pa.array(["a"])).tolist() == [0]


def test_an_empty_feed_finds_no_transaction():
    reports = ordered()
    assert reports.places(pa.array([1, 2])).tolist() == [-1, -1]


def test_numbers_and_their_text_are_one_key():
    assert ordered(("17", 2, 1)).places(pa.array([17, 1])).tolist() == [0, -1]
