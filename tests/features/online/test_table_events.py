import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.online.state import Outcome
from features.online.table_events import table_events
from features.windows.aggregates import AGGREGATES, Aggregate
from features.windows.window_table import window_features
from tests.fixtures.changing_labels import CHANGING_TABLES, changing, changing_table, random_changing_table
from tests.fixtures.online_logs import (
    KEYS,
    SPEC,
    answers,
    assert_same_values,
    column_values,
    empty_state,
    in_order,
    row_of,
    spec_for,
)
from tests.fixtures.random_tables import TABLES, random_table, rows_of, table_of, transaction


@settings(deadline=None, max_examples=40)
@given(table=TABLES)
def test_a_tables_events_are_those_of_its_rows(table):
    state = empty_state()
    found = table_events(table, plan=state.plan, keys=KEYS).rows
    expected = [state.event(row_of(row, state=state)).tolist() for row in rows_of(table)]
    assert found.tolist() == expected


def test_a_table_is_accepted_as_its_rows_are():
    rows = sorted(rows_of(random_table(np.random.default_rng(1), rows=80)), key=lambda row: row["event_time"])
    table = table_of(rows).append_column("transaction_id", pa.array(range(80)))
    state, other = empty_state(), empty_state()
    events = table_events(table, plan=state.plan, keys=KEYS, key_column="transaction_id")
    values = np.empty((80, len(SPEC.names)), np.float32)
    assert set(state.accept_table(events, values)) == {Outcome.EXACT}
    assert_same_values(values, answers(other, rows, in_order(rows)))
    assert state.digest() == other.digest()
    assert set(state.accept_table(events, values[:0])) == {Outcome.REPEATED}


def test_a_table_without_labels_has_none():
    table = random_table(np.random.default_rng(1)).drop_columns(["label", "label_available_at"])
    state = empty_state()
    assert len(set(table_events(table, plan=state.plan, keys=KEYS).rows[:, 4])) == 1


def test_answers_without_a_loop_are_those_of_the_table(monkeypatch):
    monkeypatch.setitem(AGGREGATES, "own", Aggregate(lambda chunk, window: chunk.counts(window), "", dtype="int32"))
    spec = spec_for(aggregates={"card": ["own", "count"]}, entities=["card"], windows=["5s"])
    table = random_table(np.random.default_rng(1)).sort_by("event_time")
    state = empty_state(spec)
    values = np.empty((table.num_rows, 2), np.float32)
    state.accept_table(table_events(table, plan=state.plan, keys=KEYS), values)
    assert_same_values(values, column_values(window_features(table, spec=spec, threads=1), spec), spec)


@settings(deadline=None, max_examples=150)
@given(table=CHANGING_TABLES, remembered=st.booleans())
def test_labels_that_change_leave_the_bits_of_the_table(table, remembered):
    table = table.sort_by("event_time").append_column("transaction_id", pa.array(range(table.num_rows)))
    state = empty_state()
    events = table_events(table, plan=state.plan, keys=KEYS, key_column="transaction_id" if remembered else None)
    values = np.empty((table.num_rows, len(SPEC.names)), np.float32)
    assert set(state.accept_table(events, values)) <= {Outcome.EXACT}
    assert_same_values(values, column_values(window_features(table, spec=SPEC, threads=1), SPEC))


def test_flipped_labels_of_a_dense_table_leave_its_bits():
    table = random_changing_table(np.random.default_rng(4), rows=300, seconds=120).sort_by("event_time")
    state = empty_state()
    events = table_events(table, plan=state.plan, keys=KEYS)
    values = np.empty((300, len(SPEC.names)), np.float32)
    state.accept_table(events, values)
    assert len(events.changes) > 100
    assert_same_values(values, column_values(window_features(table, spec=SPEC, threads=1), SPEC))


def test_a_change_comes_behind_the_rows_of_its_moment_and_behind_its_own():
    rows = [changing(transaction(s, "a", 1, 100, 0, 0), [(2, 1), (3, 0)] if s == 0 else []) for s in (0, 5, 5, 6)]
    events = table_events(changing_table([*rows[1:], rows[0]]), plan=empty_state().plan, keys=KEYS)
    assert events.before.tolist() == [4]
    assert table_events(changing_table(rows), plan=empty_state().plan, keys=KEYS).before.tolist() == [3]
