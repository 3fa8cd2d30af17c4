"""Tables and JSON come back as they were written, or not at all."""

import pyarrow as pa
import pytest

from pipeline.storage.content import json_ready, read_table, write_table


def test_one_flipped_byte_of_a_table_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, pa.table({"x": list(range(10_000))}))
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"t\.parquet must be a whole Parquet file"):
        read_table(path)


def test_the_same_table_gives_the_same_bytes(tmp_path):
    table = pa.table({"x": [1.5, None], "s": ["a", "b"]})
    for name in ("a", "b"):
        write_table(tmp_path / name, table)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_json_never_holds_what_other_readers_refuse():
    assert json_ready({"a": float("nan"), "b": (1, float("inf")), 3: {"c"}}) == {"a": None, "b": [1, None], "3": ["c"]}
