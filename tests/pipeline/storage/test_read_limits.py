import numpy as np
import pyarrow as pa
import pytest

from pipeline.storage import read_limits
from pipeline.storage.errors import InputError
from pipeline.storage.read_limits import check_column_count, check_expansion, check_row_count, check_texts


def test_columns_are_counted():
    check_column_count(["a"] * 10_000, place="x")
    with pytest.raises(InputError, match="x: must have at most 10,000 columns, got 10,001"):
        check_column_count(["a"] * 10_001, place="x")


def test_rows_need_bytes_to_tell_them_apart():
    check_row_count(50_000_000, size=500_000_000, place="x")
    check_row_count(100_000, size=2_000, place="x")
    with pytest.raises(InputError, match="got 50,000,000 rows in 1,100,000 bytes: they repeat themselves"):
        check_row_count(50_000_000, size=1_100_000, place="x")


def test_a_compressed_file_may_grow_so_far():
    check_expansion(2_000_000_000, size=100_000_000, place="x")
    with pytest.raises(InputError, match="must expand to at most 200 times its size, 1,000,000 bytes hold more"):
        check_expansion(300_000_000, size=1_000_000, place="x")


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_long_value_is_refused_by_its_column_and_without_a_character_of_it(kind):
    fine = pa.table({"n": [1, 2], "c": pa.array(["y" * 65_536, None], pa.string()).cast(kind)})
    check_texts(fine, place="x")
    long = pa.table({"n": [1, 2], "c": pa.array(["y" * 65_537, None], pa.string()).cast(kind)})
    with pytest.raises(InputError, match=r"^x: 'c' must have values of at most 65,536 bytes, got 65,537$"):
        check_texts(long, place="x")


def test_a_dictionary_counts_as_large_as_its_rows_would_be(monkeypatch):
    monkeypatch.setattr(read_limits, "LARGEST_BATCH", 1_000)
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(11, np.int32)), pa.array(["y" * 100]))
    with pytest.raises(InputError, match="x: 'c' must have at most 1,000 bytes in 11 rows, got 1,100"):
        check_texts(pa.table({"c": column}), place="x")
