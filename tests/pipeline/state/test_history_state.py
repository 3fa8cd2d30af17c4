import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.errors import InputError
from features.online.table_events import TableEvents, table_events
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from pipeline.state.history_state import columns_read, history_state, id_keys
from tests.fixtures.changing_labels import random_changing_table
from tests.fixtures.online_logs import SPEC, column_values

KEYS = id_keys(b"a secret of sixteen bytes")


def a_table(seed=3):
    table = random_changing_table(np.random.default_rng(seed), rows=200, seconds=90).sort_by("event_time")
    return table.append_column("transaction_id", pa.array(range(200)))


def test_changes_that_come_after_the_last_row_wait():
    table = a_table()
    history = history_state(table, SPEC, keys=KEYS, key_column="transaction_id")
    last = pc.max(table["event_time"]).cast(pa.int64()).as_py()
    assert len(history.to_come) > 0
    assert (history.to_come.moment >= last).all()
    assert (np.diff(history.to_come.moment) >= 0).all()


def test_the_state_and_what_is_to_come_go_on_with_the_bits_of_the_whole_table():
    table = a_table()
    history = history_state(table.slice(0, 120), SPEC, keys=KEYS, key_column=None)
    rest = table_events(table.slice(120), plan=history.state.plan, keys=KEYS)
    moments = np.concatenate([history.to_come.moment, rest.changes.moment])
    both = type(rest.changes)(
        np.concatenate([history.to_come.events, rest.changes.events]),
        np.concatenate([history.to_come.old, rest.changes.old]),
        moments,
    )
    before = np.concatenate([np.searchsorted(rest.rows[:, 2], history.to_come.moment, side="right"), rest.before])
    order = np.lexsort((moments, before))
    values = np.empty((80, len(SPEC.names)), np.float32)
    history.state.accept_table(TableEvents(rest.rows, both.taken(order), before[order]), values)
    expected = column_values(window_features(table, spec=SPEC, threads=1), SPEC)[120:]
    assert np.array_equal(values, expected, equal_nan=True)


def test_only_what_a_state_is_made_of_is_read():
    held = [*a_table().column_names, "channel"]
    names = columns_read(SPEC, held, key_column="transaction_id")
    assert set(names) == set(held) - {"amount", "channel"}
    assert "transaction_id" not in columns_read(SPEC, held, key_column=None)


def test_data_without_ids_has_a_state_without_windows():
    table = a_table().drop_columns(["card_id", "merchant_id"])
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    history = history_state(table, spec, keys=KEYS, key_column="transaction_id")
    assert (history.state.rows, history.state.plan.names) == (200, ())


def test_columns_that_cannot_be_answered_are_refused():
    spec = feature_spec(FeaturesConfig(include_current=True), columns=a_table().column_names)
    with pytest.raises(InputError, match="card_1d_count"):
        history_state(a_table(), spec, keys=KEYS, key_column=None)
