import numpy as np

from tests.fixtures.online_groups import group_of, rows_of
from tests.fixtures.online_logs import Bounds, Relabelled, answers, empty_state, in_order, row_of, spec_for
from tests.fixtures.random_tables import SECOND, START, transaction

SPEC = spec_for(aggregates={"card": ["count"], "merchant": ["fraud_rate"]}, entities=["card", "merchant"])
ROWS = [transaction(second, "a", 1, 5, None, 0) for second in range(6)]


def labels(log, bounds=None):
    """The seconds at which frauds, and legitimate labels, of the merchant became known."""
    state = empty_state(SPEC, **({"bounds": bounds} if bounds else {}))
    answers(state, ROWS, [*in_order(ROWS), *log])
    store, head = group_of(state, "merchant_id", row=row_of(ROWS[0], state=state))
    chains = [rows_of(state, store, head, chain) for chain in ("frauds", "legits")]
    return [[(row[0] - START) // SECOND for row in rows] for rows in chains]


def known(row, label, second=0):
    return Relabelled(row, label, None if label is None else START + second * SECOND)


def test_labels_stand_by_when_they_became_known_whatever_the_order_in_which_they_came():
    assert labels([known(0, 1, 9), known(1, 1, 3), known(2, 0, 5), known(3, 1, 9), known(4, 0, 1)]) == [
        [3, 9, 9],
        [1, 5],
    ]


def test_a_changed_label_takes_the_place_of_the_old_one():
    assert labels([known(0, 0, 4), known(1, 1, 4), known(0, 1, 2), known(0, 1, 8)]) == [[4, 8], []]


def test_a_withdrawn_label_is_gone_and_may_come_back():
    assert labels([known(0, 1, 4), known(0, None)]) == [[], []]
    assert labels([known(0, 1, 4), known(0, None), known(0, None), known(0, 0, 4)]) == [[], [4]]


def test_a_label_that_no_window_can_reach_any_more_is_not_kept():
    bounds = Bounds(lateness=0, ahead=None, remembered=None)
    assert labels([known(0, 1, -16), known(1, 1, -15)], bounds) == [[-15], []]


def test_old_labels_go_as_new_ones_come():
    state = empty_state(SPEC, bounds=Bounds(lateness=0, ahead=None, remembered=None))
    rows = [transaction(second, "a", 1, 5, 0, 1) for second in range(500)]
    answers(state, rows, in_order(rows))
    store, head = group_of(state, "merchant_id", row=row_of(rows[0], state=state))
    assert 20 <= len(rows_of(state, store, head, "legits")) < 50
    assert np.diff([row[0] for row in rows_of(state, store, head, "legits")]).min() == SECOND
