"""Every source row ends in exactly one place."""

import numpy as np
import pyarrow as pa
import pytest

from features.schema.canonical_columns import Reading
from features.times import time_microseconds
from pipeline.reading import csv_batches
from pipeline.sections import DataConfig
from pipeline.stages.ingest.first_pass import FirstPass
from pipeline.stages.ingest.inputs import source_inputs
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.stages.ingest.spool import Spool
from pipeline.storage.errors import InputError
from tests.fixtures.ingested import no_simulation
from tests.oracles.bad_input import HEADER, csv, good_rows, text


@pytest.fixture
def passed(tmp_path):
    """Reads sources and gives the pass and the rows that it put aside."""
    with Spool(tmp_path / "spool.tmp") as spool:

        def run(source, *, as_of=None, progress=lambda _: None):
            config = DataConfig(source=str(source))
            preset = load_preset(config)
            inputs = source_inputs(config, preset=preset, simulate=no_simulation)
            first = FirstPass(Reading(preset, inputs[0].plan, 0, as_of, None), spool)
            for each in inputs:
                first.read(each, progress)
            rows = len(first.times())
            return first, spool.rows(np.arange(rows)) if rows else None

        yield run


def spoilt():
    rows = good_rows()
    rows[3]["amount"] = "-1"
    return rows


def test_rows_are_accepted_quarantined_or_after_as_of(passed, tmp_path):
    as_of = time_microseconds("2024-03-02T00:00:00Z")  # rows come every hour from 08:00 of the day before: 17 up to it
    first, table = passed(csv(tmp_path, text(spoilt())), as_of=as_of)
    assert (first.rows_in, first.quarantine.count, first.after_as_of, table.num_rows) == (17, 1, 23, 16)


def test_what_is_put_aside_keeps_the_order_of_the_source(passed, tmp_path):
    first, table = passed(csv(tmp_path, text(spoilt()[::-1])))
    ids = [f"t{n:03d}" for n in reversed(range(40)) if n != 3]
    assert table["transaction_id"].to_pylist() == ids
    assert first.times().tolist() == table["event_time"].cast(pa.int64()).to_pylist()
    assert len(first.taken_keys()) == 39
    assert len(first.taken_keys()) == 0


@pytest.mark.parametrize("block", [300, 1 << 20])
def test_a_row_that_is_rejected_later_is_found_again_by_file_and_number(passed, tmp_path, monkeypatch, block):
    monkeypatch.setattr(csv_batches, "CSV_BLOCK_BYTES", block)
    csv(tmp_path, text(spoilt()[:20]), "a.csv")
    csv(tmp_path, text(spoilt()[20:]), "b.csv")
    first, _ = passed(f"{tmp_path}/*.csv")
    first.reject(np.array([2, 3, 25]), ["second", "second", "second"])
    table = first.quarantine.table()
    found = list(zip(table["source_file"].to_pylist(), table["row"].to_pylist(), strict=True))
    assert found == [("a.csv", 3), ("a.csv", 4), ("a.csv", 5), ("b.csv", 7)]  # row 4 of a.csv was bad from the start


def test_progress_counts_the_records_of_all_files(passed, tmp_path):
    csv(tmp_path, text(spoilt()[:20]), "a.csv")
    csv(tmp_path, text(spoilt()[20:]), "b.csv")
    told = []
    first, _ = passed(f"{tmp_path}/*.csv", progress=told.append)
    assert told == [20, 40]
    assert first.rows_of == {"a.csv": 20, "b.csv": 20}


def test_an_id_that_is_text_in_one_file_and_a_number_in_another_is_refused(passed, tmp_path):
    numbered = [row | {"card_id": str(n)} for n, row in enumerate(good_rows())]
    csv(tmp_path, text(good_rows()), "a.csv")
    parquet = pa.table({name: [row[name] for row in numbered] for name in HEADER})
    parquet = parquet.set_column(2, "card_id", pa.array(range(len(numbered))))
    pa.parquet.write_table(parquet, tmp_path / "b.parquet")
    with pytest.raises(InputError, match=r"1 column must have one type in all files\n  'card_id': int64 in b\.parquet"):
        passed(f"{tmp_path}/*.*")
