import pyarrow as pa
import pytest

from pipeline.sections import DataConfig
from pipeline.stages.ingest.inputs import source_inputs
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import PRESETS, no_simulation
from tests.oracles.bad_input import csv, good_rows, text


def inputs(source, *, preset="harbor", simulate=no_simulation, **data):
    config = DataConfig.model_validate({"source": source, "preset": preset, **data})
    return source_inputs(config, preset=load_preset(config), simulate=simulate)


def test_files_come_in_the_order_of_their_names_and_each_stream_can_be_read_again(tmp_path):
    csv(tmp_path, text(good_rows()[20:]), "b.csv")
    csv(tmp_path, text(good_rows()[:20]), "a.csv")
    first, second = inputs(f"{tmp_path}/*.csv")
    assert (first.name, second.name) == ("a.csv", "b.csv")
    ids = [[batch.table["transaction_id"].to_pylist() for batch in first.batches()] for _ in range(2)]
    assert ids[0] == ids[1] == [[f"t{n:03d}".encode() for n in range(20)]]


def test_only_columns_with_a_use_are_read(tmp_path):
    rows = [row | {"colour": "red"} for row in good_rows()]
    (found,) = inputs(str(csv(tmp_path, text(rows, [*rows[0]]))))
    assert found.plan.ignored == ("colour",)
    assert all("colour" not in batch.table.column_names for batch in found.batches())


def test_a_simulation_is_one_input_with_the_rows_and_seed_of_section_data():
    asked = []

    def simulate(rows, seed):
        asked.append((rows, seed))
        return pa.table({"event_time": ["2024-03-01"] * 3, "amount": [1.0] * 3, "label": [0] * 3})

    (found,) = inputs("simulate", rows=1234, seed=9, simulate=simulate)
    assert (found.name, asked) == ("simulate", [(1234, 9)])
    assert [batch.table.num_rows for batch in found.batches()] == [3]


def test_a_side_file_is_joined_and_is_no_input_of_its_own():
    (found,) = inputs(f"{PRESETS}/ieee_cis_*.csv", preset="ieee_cis")
    assert found.name == "ieee_cis_transaction.csv"
    (batch,) = found.batches()
    assert batch.table["DeviceType"].to_pylist() == [None, None, b"mobile", b"mobile"]


def test_a_side_file_alone_is_refused():
    with pytest.raises(InputError, match=r"must name a file of transactions, got ieee_cis_identity\.csv alone"):
        inputs(str(PRESETS / "ieee_cis_identity.csv"), preset="ieee_cis")


def test_faults_of_the_columns_are_told_before_a_row_is_read(tmp_path):
    csv(tmp_path, "event_time,label\n", "a.csv")
    with pytest.raises(InputError, match=r"1 column missing in .*a\.csv"):
        inputs(str(tmp_path / "a.csv"))
