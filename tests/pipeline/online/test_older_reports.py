"""A feed of chargebacks that comes with raw rows is about older ones too."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.schema.chargeback_reports import Reports
from features.simulate.chargebacks import simulated_chargebacks
from features.simulate.simulated import simulate_transactions
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from pipeline.config import load_config
from pipeline.online.older_reports import reports_of_older_rows
from pipeline.online.raw_scores import raw_features
from pipeline.stages.ingest.preset_files import keep_preset
from pipeline.stages.ingest.two_passes import ingest_transactions
from pipeline.state.history_state import history_state, id_keys
from pipeline.state.row_reading import reading_of
from pipeline.state.state_files import checked_state, write_state
from tests.fixtures.ingested import no_simulation
from tests.fixtures.online_logs import SPEC, empty_state, row_of
from tests.fixtures.random_tables import SECOND, START, transaction


def ingested_table(sources, folder):
    folder.mkdir()
    config = load_config(None, assignments=["data.preset=harbor_chargebacks"], environment={})
    data = config.data.model_copy(update={"source": tuple(map(str, sources))})
    ingest_transactions(data, labels=config.labels, as_of=None, simulate=no_simulation, folder=folder)
    return pq.read_table(folder / "transactions.parquet"), config


def micros(column):
    return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()


def test_reports_of_rows_in_the_state_leave_the_bits_of_the_whole_table(tmp_path):
    made = simulate_transactions(6000, seed=4).transactions.sort_by("event_time")
    reports = simulated_chargebacks(made, rng=np.random.default_rng(4))
    rows = made.drop_columns(["label", "label_available_at"])
    cut = rows.num_rows * 2 // 3
    moment = micros(rows["event_time"])[cut - 1]
    known = reports.filter(pa.array(micros(reports["reported_at"]) <= moment))
    for name, table in (("early", rows.slice(0, cut)), ("late", rows.slice(cut)), ("all", rows)):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    for name, table in (("known/chargebacks.parquet", known), ("whole/chargebacks.parquet", reports)):
        (tmp_path / name).parent.mkdir()
        pq.write_table(table, tmp_path / name)
    early, config = ingested_table([tmp_path / "early.parquet", tmp_path / "known/chargebacks.parquet"], tmp_path / "e")
    whole, _ = ingested_table([tmp_path / "all.parquet", tmp_path / "whole/chargebacks.parquet"], tmp_path / "w")
    spec = feature_spec(FeaturesConfig(), columns=whole.column_names)
    history = history_state(early, spec, keys=id_keys(None), key_column="transaction_id")
    (tmp_path / "state").mkdir()
    keep_preset(config.data, tmp_path / "state" / "preset")
    content = {"hash_key_check": None, "key_column": "transaction_id", "reading": reading_of(config)}
    write_state(tmp_path / "state", history, features=spec.to_json(), content=content)
    given = [str(tmp_path / "late.parquet"), str(tmp_path / "whole/chargebacks.parquet")]
    found = raw_features(checked_state(tmp_path / "state"), given)
    late = pc.greater(whole["event_time"].cast(pa.int64()), int(moment))
    expected = window_features(whole, spec=spec, threads=1).filter(late)
    assert found.rows["transaction_id"].to_pylist() == whole["transaction_id"].filter(late).to_pylist()
    for name in spec.names:
        one, other = (table[name].combine_chunks() for table in (found.features, expected))
        if pa.types.is_floating(one.type):
            one, other = (each.to_numpy(zero_copy_only=False) for each in (one, other))
            assert np.array_equal(one, other, equal_nan=True), name
        else:
            assert one.equals(other), name
    frauds = expected["merchant_30d_fraud_count"].to_numpy(zero_copy_only=False)
    assert np.nansum(frauds) > 0


@pytest.mark.parametrize(("absent", "expected"), [(0, 2 * (START + 7 * DAY)), (-1, np.iinfo(np.int64).min)])
def test_a_report_that_is_withdrawn_leaves_what_silence_says(absent, expected):
    state, values = empty_state(), np.empty(len(SPEC.names), np.float32)
    state.accept(row_of(transaction(0, "a", 1, 100, None, 0), "t1", state=state), values)
    reports = Reports(
        pa.array(["t1", "t2"]), np.array([0, 2, 3]), START + np.array([5, 9, 9]) * SECOND,
        np.array([1, -1, 1], np.int8), np.int8(absent), 0, 0,
    )  # fmt: skip
    nothing = pa.chunked_array([pa.array([], pa.string())])
    found = reports_of_older_rows(reports, nothing, state=state, keys=state.keys, delay=7 * DAY)
    assert found.moment.tolist() == [START + 5 * SECOND, START + 9 * SECOND]
    assert found.events[:, 4].tolist() == [2 * (START + 5 * SECOND) + 1, expected]
    met = pa.chunked_array([pa.array(["t1"])])
    assert len(reports_of_older_rows(reports, met, state=state, keys=state.keys, delay=0)) == 0
