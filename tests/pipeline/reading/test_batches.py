import gzip
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.reading import batches
from pipeline.reading.batches import header, source_batches, table_batches
from pipeline.reading.sources import source_files
from pipeline.storage.errors import InputError
from tests.fixtures.source_files import source

TABLE = pa.table({"a": [1, 2, 3, 4, 5], "b": ["p", "q", "r", "s", "t"]})


@pytest.fixture
def parquet(tmp_path):
    pq.write_table(TABLE, tmp_path / "rows.parquet", write_page_checksum=True)
    return source_files(str(tmp_path / "rows.parquet"))[0]


def test_a_parquet_header_has_types_and_a_csv_header_bytes(parquet, tmp_path):
    assert header(parquet, delimiter=",") == TABLE.schema
    assert header(source(tmp_path, "a;b\n1;2\n"), delimiter=";") == pa.schema([("a", pa.binary()), ("b", pa.binary())])


def test_a_name_that_stands_twice_in_a_header_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"data\.csv: column names must differ, got twice: 'a'"):
        header(source(tmp_path, "a,b,a\n1,2,3\n"), delimiter=",")


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_batches_put_together_are_the_file_and_rows_are_numbered_from_one(parquet, monkeypatch, size):
    monkeypatch.setattr(batches, "BATCH_ROWS", size)
    found = list(source_batches(parquet, columns=["b"], delimiter=","))
    assert max(batch.table.num_rows for batch in found) <= size
    assert pa.concat_tables([batch.table for batch in found])["b"].equals(TABLE["b"])
    assert np.concatenate([batch.row for batch in found]).tolist() == [1, 2, 3, 4, 5]


def test_a_table_in_memory_comes_in_the_same_form_as_a_file(parquet, monkeypatch):
    monkeypatch.setattr(batches, "BATCH_ROWS", 2)
    pairs = zip(source_batches(parquet, columns=["a"], delimiter=","), table_batches(TABLE, columns=["a"]), strict=True)
    for read, held in pairs:
        assert read.table.equals(held.table)
        assert read.row.tolist() == held.row.tolist()


def test_a_flipped_bit_in_a_parquet_page_is_refused_by_the_file(parquet):
    content = bytearray(parquet.path.read_bytes())
    chunk = pq.read_metadata(parquet.path).row_group(0).column(0)
    content[(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1] ^= 1
    parquet.path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"rows\.parquet: cannot be read to its end"):
        list(source_batches(parquet, columns=["a"], delimiter=","))


def test_a_gzip_stream_that_ends_early_is_refused_by_the_file(tmp_path):
    whole = gzip.compress(b"a\n" + b"1\n" * 10_000)
    with pytest.raises(InputError, match=r"data\.csv\.gz: cannot be read"):
        list(source_batches(source(tmp_path, whole[:-9], "data.csv.gz"), columns=["a"], delimiter=","))


def test_text_of_another_encoding_is_refused_with_the_key_that_would_read_it(tmp_path):
    wide = source(tmp_path, "a\n1\n".encode("utf-16"))
    with pytest.raises(
        InputError, match=r'data\.csv: must be UTF-8, but begins with a UTF-16 mark: say encoding = "utf-16"'
    ):
        header(wide, delimiter=",")
    assert header(wide, delimiter=",", encoding="utf-16").names == ["a"]
    batches = list(source_batches(wide, columns=["a"], delimiter=",", encoding="utf-16"))
    assert pa.concat_tables([batch.table for batch in batches])["a"].to_pylist() == [b"1"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"x\0y", "holds binary data"), (b'[{"a": 1}]', "holds one list of them")]
)
def test_what_is_neither_rows_nor_parquet_is_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=rf"data\.csv: must be .*{said}"):
        header(source(tmp_path, content), delimiter=",")


def test_json_lines_have_the_names_of_all_records_and_no_types(tmp_path):
    file = source(tmp_path, '{"a": 1}\n{"b": 2}\n', "rows.jsonl")
    assert header(file, delimiter=",") == pa.schema([("a", pa.binary()), ("b", pa.binary())])
    assert next(source_batches(file, columns=["b"], delimiter=",")).table["b"].to_pylist() == [None, "2"]


def test_times_of_twelve_bytes_are_no_nanoseconds(tmp_path):
    never = pa.array([datetime(9999, 12, 31)], pa.timestamp("us"))  # noqa: DTZ001 - the file has no zone
    pq.write_table(pa.table({"t": never}), tmp_path / "rows.parquet", use_deprecated_int96_timestamps=True)
    batch = next(source_batches(source_files(str(tmp_path / "rows.parquet"))[0], columns=["t"], delimiter=","))
    assert batch.table["t"].cast(pa.timestamp("us")).equals(pa.chunked_array([never]))
