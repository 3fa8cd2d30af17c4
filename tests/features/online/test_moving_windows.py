"""Windows that are moved to and fro against a look at each row."""

import numpy as np
import pytest

from features.online.arena import STORES
from features.online.moving_windows import move_windows
from features.online.records import RIGHT, STORE
from tests.fixtures.online_groups import group_of, rows_of
from tests.fixtures.online_logs import answers, empty_state, in_order, row_of, spec_for
from tests.fixtures.random_tables import SECOND, START, transaction

WORD = 2**64
ENTITIES = ["card", "merchant"]
CARD = transaction(0, "a", 1, 0, None, 0)


@pytest.fixture
def state():
    """One card with many rows, of which some have no merchant."""
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(0, 2000, 600)).tolist()
    rows = [transaction(s, "a", [1, 2, 3, 4, None][rng.integers(5)], int(rng.integers(9)), None, 0) for s in seconds]
    spec = spec_for(windows=["3s", "40s", "900s"], aggregates={"card": ["amount_std", "merchants"]}, entities=ENTITIES)
    state = empty_state(spec)
    answers(state, rows, in_order(rows))
    return state


def seen(rows, others, store):
    """What a look at each row of a window finds: their number, sum, sum of squares and different ids."""
    amounts = [int(row[store["amount"]]) for row in rows]
    ids = {int(row[others["code"]]) for row in rows} - {-1}
    return len(rows), sum(amounts), sum(amount * amount for amount in amounts), len(ids)


def held(state, store, head, window):
    memory, at = state.memory, head + window["at"]
    high, low = (int(np.uint64(memory[at + store["square"] + word])) for word in (0, 1))
    count = int(memory[head + RIGHT] - memory[at])
    return count, int(memory[at + store["total"]]), high * WORD + low, int(memory[at + store["seen"]])


@pytest.mark.parametrize("longest", [5, 50, 3000])
def test_windows_hold_what_a_look_at_each_row_finds_wherever_they_are_moved(state, longest):
    store, head = group_of(state, "card_id", row=row_of(CARD, state=state))
    address = int(state.memory[STORES]) + [*state.plan.tables.stores].index(store) * len(STORE)
    rows, others = rows_of(state, store, head), state.plan.tables.others[store["first_other"]]
    windows = state.plan.tables.windows[store["first_window"] : store["first_window"] + store["windows"]]
    rng, time = np.random.default_rng(2), START + 1000 * SECOND
    for _ in range(150):
        time += int(rng.integers(-longest, longest + 1)) * SECOND
        move_windows(state.memory, address, head, time)
        for window in windows:
            inside = [row for row in rows if time - window["width"] <= row[0] < time]
            assert held(state, store, head, window) == seen(inside, others, store)
