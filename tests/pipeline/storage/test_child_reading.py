"""Whatever reading a file does to the process that reads it, this one goes on and says what happened."""

import os
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.storage.child_reading import batches_from_child, schema_from_child
from pipeline.storage.errors import InputError

BATCHES = pa.table({"a": range(10), "b": list("abcdefghij")}).to_batches(max_chunksize=4)


def test_batches_come_as_they_were_read():
    assert list(batches_from_child(lambda: iter(BATCHES), refusal="x.parquet: cannot be read")) == BATCHES


def test_a_file_without_batches_gives_none():
    assert list(batches_from_child(lambda: iter(()), refusal="x: cannot be read")) == []


def test_a_reader_that_asks_for_too_much_memory_is_refused():
    def greedy():
        yield pa.record_batch({"a": np.zeros(1 << 27)})

    with pytest.raises(InputError, match=r"^x: cannot be read, it asks for more than 64 MiB of memory at once$"):
        list(batches_from_child(greedy, refusal="x: cannot be read", memory=64 << 20))


def test_a_reader_that_dies_is_told_by_its_signal():
    def dying():
        yield BATCHES[0]
        os.kill(os.getpid(), signal.SIGSEGV)

    with pytest.raises(InputError, match=r"x: cannot be read, it brings its reader down \(signal 11\)"):
        list(batches_from_child(dying, refusal="x: cannot be read"))


def test_what_a_reader_complains_of_is_passed_on_after_the_batches_before_it():
    def damaged():
        yield BATCHES[0]
        raise OSError("page 7 is torn\nand more")

    found = batches_from_child(damaged, refusal="x: cannot be read")
    assert next(found) == BATCHES[0]
    with pytest.raises(InputError, match=r"^x: cannot be read, page 7 is torn$"):
        next(found)


def test_whoever_stops_early_leaves_no_child_behind():
    def endless():
        while True:
            yield BATCHES[0]

    before = children()
    found = batches_from_child(endless, refusal="x: cannot be read")
    next(found)
    assert len(children() - before) == 1
    found.close()
    assert children() <= before


def children():
    """The processes that this one has begun and not yet seen the end of."""
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


def test_a_schema_comes_with_its_types_and_deep_nesting_is_cut(tmp_path):
    deep = pa.int8()
    for _ in range(300):
        deep = pa.struct([("a", deep)])
    schema = schema_from_child(
        lambda: pa.schema([("a", pa.timestamp("us", "UTC")), ("b", pa.list_(pa.int8())), ("c", deep)]), refusal="x"
    )
    assert schema.types == [pa.timestamp("us", "UTC"), pa.list_(pa.int8()), pa.list_(pa.null())]
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    assert schema_from_child(lambda: pq.read_schema(tmp_path / "a.parquet"), refusal="x").names == ["a"]
