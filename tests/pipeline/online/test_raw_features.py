"""Raw rows behind a state have the features of a run that had all rows."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.online.state import Outcome
from features.simulate.simulated import simulate_transactions
from pipeline.config import load_config
from pipeline.online.raw_features import raw_features
from pipeline.stages.ingest.preset_files import keep_preset
from pipeline.state.history_state import history_state, id_keys
from pipeline.state.row_reading import reading_of
from pipeline.state.state_files import checked_state, write_next_state, write_state
from pipeline.storage.errors import InputError
from tests.fixtures.equal_tables import assert_equal_columns, by_id
from tests.fixtures.online_logs import SPEC
from tests.fixtures.random_tables import random_table


def test_raw_rows_have_the_features_of_the_run(small_run, raw, early):
    stored = checked_state(early)
    found = raw_features(stored, [str(raw)])
    table = pq.read_table(small_run / "features" / "features.parquet")
    expected = table.filter(pc.greater(table["event_time"].cast(pa.int64()), stored.newest))
    ids = found.features.append_column("transaction_id", found.rows["transaction_id"])
    assert_equal_columns(by_id(ids), by_id(expected), ["transaction_id", *stored.spec.names])
    assert set(found.outcomes) - {Outcome.EXACT} == {Outcome.REPEATED}


def test_rows_in_two_files_have_the_features_of_one_file(raw, early, tmp_path):
    stored = checked_state(early)
    whole, table = raw_features(stored, [str(raw)]), pq.read_table(raw).sort_by("event_time")
    times = table["event_time"].cast(pa.int64()).to_numpy()
    middle = int(np.searchsorted(times, (stored.newest + times[-1]) // 2))
    parts = []
    for number, part in enumerate((table.slice(0, middle), table.slice(middle))):
        pq.write_table(part, tmp_path / f"{number}.parquet")
        found = raw_features(stored, [str(tmp_path / f"{number}.parquet")])
        parts.append(found.features)
        write_next_state(tmp_path / f"after-{number}", stored, found.after)
        stored = checked_state(tmp_path / f"after-{number}")
    both = pa.concat_tables(parts)
    assert_equal_columns(both, whole.features, both.column_names)


def test_live_rows_need_no_labels_and_other_columns_are_read_as_before(raw, early, tmp_path):
    live = pq.read_table(raw).drop_columns(["label", "label_available_at"])
    pq.write_table(live, tmp_path / "live.parquet")
    stored = checked_state(early)
    ours, with_labels = raw_features(stored, [str(tmp_path / "live.parquet")]), raw_features(stored, [str(raw)])
    counts = [name for name in ours.features.column_names if name.endswith("_count") and "fraud" not in name]
    counts = [name for name in counts if "label" not in name]
    assert_equal_columns(ours.features, with_labels.features, counts)


@pytest.fixture
def small(tmp_path):
    """A state without rows that is read by the preset of the simulation; `key_column` as given."""
    table = simulate_transactions(1000, seed=5).transactions.sort_by("event_time")

    def made(key_column="transaction_id", **content):
        config = load_config(None, environment={})
        history = history_state(SMALL.slice(0, 0), SPEC, keys=id_keys(None), key_column=None)
        folder = tmp_path / "state"
        keep_preset(config.data, folder / "preset")
        told = {"hash_key_check": None, "key_column": key_column, "reading": reading_of(config)}
        write_state(folder, history, features=SPEC.to_json(), content=told | content)
        pq.write_table(table, tmp_path / "raw.parquet")
        return checked_state(folder), [str(tmp_path / "raw.parquet")]

    return made


SMALL = random_table(np.random.default_rng(1))


def test_without_ids_rows_up_to_the_last_event_are_taken_for_counted(small, tmp_path):
    stored, sources = small(key_column=None)
    first = raw_features(stored, sources)
    write_next_state(tmp_path / "after", stored, first.after)
    again = raw_features(checked_state(tmp_path / "after"), sources)
    assert (first.rows.num_rows, again.rows.num_rows) == (1000, 0)
    assert again.outcomes[Outcome.REPEATED] == 1000
    assert again.after.state.digest() == first.after.state.digest()


def test_rows_that_come_again_bring_their_labels_and_count_once(small, tmp_path):
    stored, sources = small()
    table = pq.read_table(sources[0])
    pq.write_table(table.drop_columns(["label", "label_available_at"]), tmp_path / "live.parquet")
    live = raw_features(stored, [str(tmp_path / "live.parquet")])
    write_next_state(tmp_path / "after", stored, live.after)
    again = raw_features(checked_state(tmp_path / "after"), sources)
    assert set(again.outcomes) == {Outcome.REPEATED}
    assert again.outcomes[Outcome.REPEATED] + again.aside.forgotten == 1000
    assert 0 < again.aside.forgotten < 50
    assert again.after.state.rows == 1000
    assert again.after.state.digest() != live.after.state.digest()


def test_rows_without_an_id_that_windows_are_of_are_refused(small, tmp_path):
    stored, sources = small()
    pq.write_table(pq.read_table(sources[0]).drop_columns(["merchant_id"]), tmp_path / "less.parquet")
    with pytest.raises(InputError, match="'merchant_id': missing"):
        raw_features(stored, [str(tmp_path / "less.parquet")])


def test_another_secret_is_refused(small):
    stored, sources = small(hash_key_check="0123456789abcdef")
    with pytest.raises(InputError, match="the secret must be the one that the state was made under"):
        raw_features(stored, sources)
