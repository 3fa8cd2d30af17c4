import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from pipeline.online.replayed_log import Log
from pipeline.online.served_features import canonical_rows, differing, served_answers, write_served_features
from pipeline.state.event_log import ROW, LoggedEvent
from pipeline.storage.errors import InputError
from tests.fixtures.online_logs import SPEC, batch_answers_of, random_log
from tests.fixtures.served_logs import served_events, start_of, written


def test_the_features_of_a_log_are_those_of_what_had_arrived(tmp_path):
    rows, log = random_log(np.random.default_rng(6), rows=50)
    start_of(tmp_path)
    events = served_events(rows, log)
    written(tmp_path, events)
    told = write_served_features(tmp_path, tmp_path / "features.parquet")
    table = pq.read_table(tmp_path / "features.parquet")
    expected = batch_answers_of(rows, log)
    assert (told.rows, told.differing) == (len(expected), 0) == (table.num_rows, 0)
    assert told.late > 0
    for place, name in enumerate(SPEC.names):
        values = table[name].cast(pa.float32()).fill_null(float("nan")).to_numpy()
        assert np.array_equal(values, expected[:, place], equal_nan=True), name
    assert table["transaction_id"].to_pylist() == [each.row["transaction_id"] for each in events if each.kind == ROW]


def test_columns_of_the_row_itself_come_from_its_record():
    columns = ["event_time", "amount", "channel", "distance_km"]
    spec = feature_spec(FeaturesConfig(), columns=columns, categorical=["channel"], numeric=["distance_km"])
    words = np.array([0, 0, 1_714_543_200_000_000, 1250, 0])
    rows = [{"transaction_id": "a", "channel": "web", "distance_km": 1.5}, {"channel": None, "distance_km": None}]
    made = canonical_rows([LoggedEvent(ROW, words, int(words[2]), row=row) for row in rows], spec)
    features = window_features(made, spec=spec, threads=1)
    assert features["amount"].to_pylist() == [12.5, 12.5]
    assert features["channel"].to_pylist() == ["web", None]
    assert made["transaction_id"].to_pylist() == ["a", None]
    with pytest.raises(InputError, match="'distance_km': missing"):
        canonical_rows([LoggedEvent(ROW, words, int(words[2]), row={"channel": "web"})], spec)


def test_answers_must_be_there_of_every_column(tmp_path):
    start = start_of(tmp_path)
    events = [LoggedEvent(ROW, np.zeros(9, np.int64), 0)]
    with pytest.raises(InputError, match=rf"{len(SPEC.names)} answers of every row, 1 of 1 have others"):
        served_answers(Log(start, events))


def test_values_differ_by_a_bit_and_missing_ones_do_not():
    ours = np.array([[1.0, np.nan, np.nan, 0.0]], np.float32)
    theirs = np.array([[np.nextafter(np.float32(1), np.float32(2)), np.nan, 3, -0.0]], np.float32)
    assert differing(ours, theirs).tolist() == [[True, False, True, True]]
