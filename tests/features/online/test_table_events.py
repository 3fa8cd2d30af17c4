import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from features.online.state import Outcome
from features.online.table_events import table_events
from features.windows.aggregates import AGGREGATES, Aggregate
from tests.fixtures.online_logs import KEYS, SPEC, answers, assert_same_values, empty_state, in_order, row_of, spec_for
from tests.fixtures.random_tables import TABLES, random_table, rows_of, table_of


@settings(deadline=None, max_examples=40)
@given(table=TABLES)
def test_a_tables_events_are_those_of_its_rows(table):
    state = empty_state()
    found = table_events(table, plan=state.plan, keys=KEYS)
    expected = [state._event(row_of(row, state=state)).tolist() for row in rows_of(table)]
    assert found.tolist() == expected


def test_a_table_is_accepted_as_its_rows_are():
    rows = sorted(rows_of(random_table(np.random.default_rng(1), rows=80)), key=lambda row: row["event_time"])
    table = table_of(rows).append_column("transaction_id", pa.array(range(80)))
    state, other = empty_state(), empty_state()
    events = table_events(table, plan=state.plan, keys=KEYS, key_column="transaction_id")
    values = np.empty((80, len(SPEC.names)), np.float32)
    assert set(state.accept_rows(events, values)) == {Outcome.EXACT}
    assert_same_values(values, answers(other, rows, in_order(rows)))
    assert state.digest() == other.digest()
    assert set(state.accept_rows(events, values[:0])) == {Outcome.REPEATED}


def test_a_table_without_labels_has_none():
    table = random_table(np.random.default_rng(1)).drop_columns(["label", "label_available_at"])
    state = empty_state()
    assert len(set(table_events(table, plan=state.plan, keys=KEYS)[:, 4])) == 1


def test_answers_without_a_loop_are_made_row_by_row_only(monkeypatch):
    monkeypatch.setitem(AGGREGATES, "own", Aggregate(lambda chunk, window: chunk.counts(window), "", dtype="int32"))
    state = empty_state(spec_for(aggregates={"card": ["own"]}, entities=["card"], windows=["5s"]))
    events = table_events(random_table(np.random.default_rng(1)), plan=state.plan, keys=KEYS)
    with pytest.raises(ValueError, match="answers of columns without a loop: card_5s_own"):
        state.accept_rows(events, np.empty((len(events), 1), np.float32))
    assert len(state.accept_rows(events, np.empty((0, 1), np.float32))) == len(events)
