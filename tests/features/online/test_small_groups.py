"""Pairs of few rows: what is kept of them, and that nobody can tell."""

import numpy as np
import pytest

from features.online import arena, key_tables, small_groups
from features.online.records import NONE
from features.online.state import Bounds
from tests.fixtures.online_groups import group_of, ids_of, rows_of
from tests.fixtures.online_logs import answers, assert_same_values, empty_state, in_order, row_of, spec_for
from tests.fixtures.random_tables import SECOND, START, transaction

PAIR = ("card_id", "merchant_id")
SPEC_OF_PAIRS = spec_for(windows=["20s"], aggregates={"card": [], "merchant": [], "card+merchant": ["count"]})


def pairs_of(state):
    return next(store for store in state.plan.tables.stores if ids_of(state.plan, store) == {*PAIR})


def region_of(state, row):
    """Address of what the table of pairs leads to for a row."""
    store, head = group_of(state, *PAIR, row=row_of(row, state=state))
    return key_tables.found(state.memory, store["table"], state.memory[head], state.memory[head + 1])


def accepted(spec, seconds, *, bounds=None):
    state = empty_state(spec, **({} if bounds is None else {"bounds": bounds}))
    rows = [transaction(second, "a", 1, 5, None, 0) for second in seconds]
    answers(state, rows, in_order(rows))
    return state, rows[0]


def words(state, at):
    """How many words a region has; None of a group with a head of its own."""
    first = int(state.memory[at])
    return None if first >> small_groups.ROWS == 0 else 1 << (first >> small_groups.SIZE & small_groups.BITS)


@pytest.mark.parametrize(("rows", "size"), [(1, 4), (2, 4), (3, 8), (6, 8), (7, 16), (14, 16), (15, None), (60, None)])
def test_a_group_takes_what_its_rows_take(rows, size):
    state, row = accepted(SPEC_OF_PAIRS, range(rows))
    assert words(state, region_of(state, row)) == size


def test_rows_of_any_order_of_arrival_stand_in_order_of_time_however_many_there_are():
    state, values = empty_state(SPEC_OF_PAIRS), np.empty(len(SPEC_OF_PAIRS.names), np.float32)
    seconds = np.random.default_rng(1).integers(0, 30, 40).tolist()
    for count, second in enumerate(seconds, start=1):
        row = transaction(second, "a", 1, 5, None, 0)
        state.accept(row_of(row, state=state), values)
        found = rows_of(state, *group_of(state, *PAIR, row=row_of(row, state=state)))
        assert [(time - START) // SECOND for (time,) in found] == sorted(seconds[:count])


def test_rows_that_nothing_can_reach_go_before_a_group_grows():
    spec = spec_for(
        windows=["5s"], aggregates={"card+merchant": ["count", "previous_2_seconds"]}, entities=["card+merchant"]
    )
    bounds = Bounds(lateness=0, ahead=None, remembered=0)
    state, row = accepted(spec, range(0, 9000, 100), bounds=bounds)
    assert words(state, region_of(state, row)) == 8
    state, row = accepted(spec, [*range(0, 9000, 100), *[9000] * 14], bounds=bounds)
    assert words(state, region_of(state, row)) is None
    found = rows_of(state, *group_of(state, *PAIR, row=row_of(row, state=state)))
    assert [(time - START) // SECOND for (time,) in found][-16:-14] == [8800, 8900]


def test_a_region_that_grew_too_small_is_there_for_others():
    state, row = accepted(SPEC_OF_PAIRS, [0, 1])
    left, values = region_of(state, row), np.empty(len(SPEC_OF_PAIRS.names), np.float32)
    state.accept(row_of(transaction(2, "a", 1, 5, None, 0), state=state), values)
    assert state.memory[arena.list_of(4)] == left != region_of(state, row)


def test_questions_about_new_small_and_large_groups_change_nothing():
    state, row = accepted(SPEC_OF_PAIRS, range(20))
    rows = [row, transaction(21, "a", 2, 5, None, 0), transaction(22, "b", 1, 5, None, 0)]
    values = np.empty((2, len(rows), len(SPEC_OF_PAIRS.names)), np.float32)
    state.accept(row_of(rows[1], state=state), values[0][0])
    before = state.digest()
    for each in values:
        for place, asked in enumerate(rows):
            state.ask(row_of(asked | {"event_time": row["event_time"] + 25 * SECOND}, state=state), each[place])
    assert_same_values(*values)
    assert values[0][:, 0].tolist() == [15, 1, 0]
    assert state.digest() == before


def test_groups_with_labels_or_of_which_others_are_made_have_heads():
    labelled = spec_for(aggregates={"card+merchant": ["count", "fraud_count"]}, entities=["card+merchant"])
    plain = spec_for(aggregates={"card+merchant": ["count", "amount_max"]}, entities=["card+merchant"])
    assert pairs_of(empty_state(labelled))["unfolded"] == NONE
    assert pairs_of(empty_state(plain))["unfolded"] > 0
