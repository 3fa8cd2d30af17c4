import numpy as np
import pytest

from features.online import arena, known_rows
from features.online.records import KNOWN_WORDS
from tests.fixtures.online_logs import SPEC, empty_state


@pytest.fixture
def state():
    return empty_state()


def remember(state, number, time, groups=(300, 400)):
    plan, memory = state.plan, state.memory
    for place, store in enumerate(plan.tables.stores):
        memory[plan.groups + place] = groups[store["last"]] if store["left"] < 0 else -1
    memory[arena.NEWEST] = max(memory[arena.NEWEST], time)
    event = np.array([number, -number, time, 7, 1], np.int64)
    known_rows.remember_row(memory, plan.known, plan.groups, event)
    return event


def found(state, number):
    kind = int(state.memory[arena.KNOWN_KIND])
    return known_rows.known_row(state.memory, state.plan.known, kind, number, -number)


def test_a_row_is_found_by_its_key_with_its_content(state):
    events = [remember(state, number, 10 * number) for number in range(1, 200)]
    for number in (1, 64, 65, 199):
        address = found(state, number)
        assert state.memory[address : address + KNOWN_WORDS].tolist() == events[number - 1].tolist()
    assert found(state, 200) == 0


def test_content_is_time_amount_and_ids(state):
    event = remember(state, 1, 10)
    plan, memory, row = state.plan, state.memory, found(state, 1)
    assert known_rows.has_content(memory, row, plan.groups, event)
    for word in (known_rows.TIME, known_rows.AMOUNT):
        other = event.copy()
        other[word] += 1
        assert not known_rows.has_content(memory, row, plan.groups, other)
    memory[plan.groups] += 1
    assert not known_rows.has_content(memory, row, plan.groups, event)


def test_the_groups_of_its_ids_are_known_with_it(state):
    remember(state, 1, 10, groups=(303, 404))
    remember(state, 2, 10, groups=(505, 606))
    plan, memory = state.plan, state.memory
    known_rows.groups_of_known(memory, found(state, 1), plan.groups)
    singles = [place for place, store in enumerate(plan.tables.stores) if store["left"] < 0]
    assert {int(memory[plan.groups + place]) for place in singles} == {303, 404}


def test_old_rows_are_forgotten_and_their_memory_is_used_again(state):
    state.memory[arena.REMEMBERED] = 100
    for number in range(1, 3000):
        remember(state, number, number)
    assert found(state, 2899) > 0
    assert found(state, 2890) == found(state, 1) == 0
    assert state.memory[arena.NEXT] - state.plan.first < 3000 * 8
    assert state.plan.spec == SPEC
