import numpy as np

from features.online import arena, events
from features.online.records import KNOWN_WORDS
from features.windows.kernels import NO_EVENT
from tests.fixtures.online_logs import SPEC, answers, assert_same_values, empty_state, in_order, random_log, row_of
from tests.fixtures.random_tables import transaction


def test_many_rows_at_once_are_one_after_the_other():
    rows, _ = random_log(np.random.default_rng(1), rows=120)
    one_by_one, at_once = empty_state(), empty_state()
    expected = answers(one_by_one, rows, in_order(rows))
    given = np.array([at_once.event(row_of(rows[each.row], each.row, state=at_once)) for each in in_order(rows)])
    values, outcomes = np.empty_like(expected), np.empty(len(given), np.int64)
    events.accept_rows(at_once.memory, given, values, outcomes)
    assert_same_values(values, expected)
    assert set(outcomes.tolist()) == {events.EXACT}
    assert at_once.digest() == one_by_one.digest()


def test_a_null_id_has_no_group_and_an_unknown_one_only_once_it_is_accepted():
    state = empty_state()
    plan, row = state.plan, row_of(transaction(0, "a", None, 1, None, 0), state=state)
    used = state.memory[arena.NEXT]
    for made in (False, True):
        events.find_groups(state.memory, plan.groups, state.event(row), made)
        heads = state.memory[plan.groups : plan.groups + len(plan.tables.stores)].tolist()
        assert heads.count(-1) == 2
        assert bool(state.memory[arena.NEXT] > used) is made


def test_a_label_without_a_row_and_without_ids_changes_nothing():
    state = empty_state()
    event = np.zeros(KNOWN_WORDS + 2 * len(state.plan.ids), np.int64)
    event[:2] = 1, 2
    before = state.digest()
    changed = events.change_label(state.memory, event, NO_EVENT)
    assert changed == events.UNKNOWN_ROW
    assert state.digest() == before


def test_rows_are_counted_by_what_became_of_them():
    state, values = empty_state(), np.empty(len(SPEC.names), np.float32)
    state.memory[arena.LATENESS] = 5_000_000
    for second in (0, 9, 5, 1, 9):
        state.accept(row_of(transaction(second, "a", 1, 1, None, 0), state=state), values)
    assert [int(state.memory[word]) for word in (arena.ACCEPTED, arena.LATE, arena.TOO_LATE)] == [4, 1, 1]
