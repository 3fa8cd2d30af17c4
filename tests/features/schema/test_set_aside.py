"""Sums over rows set aside: frauds, money and days, however little of a row could be read."""

import numpy as np
import pyarrow as pa
import pytest

from features.schema.instants import NOT_A_TIME
from features.schema.set_aside import FEWEST_OF_A_WORD, SetAside, duplicates_set_aside, rows_set_aside
from features.times import DAY


def mask(*rows: int, size: int = 6) -> np.ndarray:
    found = np.zeros(size, bool)
    found[list(rows)] = True
    return found


def summed(masks, *, label=(1, 0, 1, -1, 0, -1), amount=(1.0, 2.0, -3.0, 4.0, 0.0, 0.0), spelled=None, words=None):
    bad = np.any(list(masks.values()), axis=0)
    return rows_set_aside(
        masks,
        bad,
        time=np.array([0, 1, DAY, DAY + 5, NOT_A_TIME, 3 * DAY]),
        label=np.array(label, np.int8),
        amount=np.array(amount),
        spelled=pa.array(spelled or ["1", "2", "-3", "4", "x", None]),
        words=pa.array(words or ["1", "0", "1", "?", "0", None]),
    )


def test_frauds_money_and_days_are_those_of_the_rows_at_fault():
    found = summed({"amount: a": mask(0, 2), "event_time: b": mask(2, 4)})
    assert (found.rows, found.frauds, found.amount) == (3, 2, 4.0)
    assert found.days == {0: 1, 1: 1}
    assert found.frauds_of == {"amount: a": 2, "event_time: b": 1}


def test_no_fault_is_nothing_set_aside():
    assert summed({"amount: a": mask()}) == SetAside()


@pytest.mark.parametrize(
    ("spelled", "amount"),
    [
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("EUR 12,5", 12.5),
        ("(12.50)", 12.5),
        ("1 234 567", 1234567),
        ("1,234", 1234),
        ("12.50-", 12.5),
        ("soon", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_an_amount_that_no_rule_reads_is_read_roughly(spelled, amount):
    found = summed({"amount: a": mask(4)}, spelled=["1", "2", "3", "4", spelled, "9"])
    assert found.amount == pytest.approx(amount)


def test_a_word_counts_as_fraud_where_several_rows_have_it_and_no_other_fault():
    words = ["Y", "Y", "Y", "maybe", "Y", "0"]
    label = (-1, -1, -1, -1, -1, 0)
    assert summed({"label: x": mask(0, 1, 2, 3)}, label=label, words=words).unread_labels == FEWEST_OF_A_WORD == 3
    assert summed({"label: x": mask(0, 1, 3)}, label=label, words=words).unread_labels == 0
    both = {"label: x": mask(0, 1, 2), "amount: y": mask(2)}
    assert summed(both, label=label, words=words).unread_labels == 0


def test_words_of_several_batches_are_counted_together():
    one = summed({"label: x": mask(0, 1)}, label=(-1,) * 6, words=["Y"] * 6)
    assert (one.unread_labels, (one + one).unread_labels, (one + one).rows) == (0, 4, 4)


def test_a_transaction_of_which_no_row_stays_is_lost_once_and_a_repeat_loses_nothing():
    rows = pa.table(
        {
            "transaction_id": ["a", "a", "b", "b", "b"],
            "label": pa.array([1, 1, 0, 1, None], pa.int8()),
            "amount": [5.0, 5.0, 7.0, 9.0, 8.0],
            "event_time": pa.array([1, 1, DAY, DAY, DAY], pa.timestamp("us", "UTC")),
        }
    )
    lost, frauds, amount = duplicates_set_aside(rows, ["", "again", "differ", "differ", "differ"])
    assert (lost.rows, lost.frauds, lost.amount, dict(lost.days)) == (4, 1, 9.0, {1: 1})
    assert lost.frauds_of == {"differ": 1}
    assert (frauds, amount) == (2, 29.0)
