import numpy as np
import pyarrow as pa
import pytest

from pipeline.stages.ingest import spool as module
from pipeline.stages.ingest.spool import Spool

PARTS = [pa.table({"n": pa.array(range(start, stop))}) for start, stop in ((0, 3), (3, 4), (4, 10))]
WHOLE = pa.concat_tables(PARTS)


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool.tmp") as filled:
        for part in PARTS:
            filled.append(part)
        yield filled


@pytest.mark.parametrize("order", [[*range(10)], [*range(9, -1, -1)], [9, 0, 4, 3, 3], [2, 3], []], ids=str)
def test_rows_come_in_the_order_asked_for(spool, order):
    places = np.array(order, np.int64)
    assert spool.rows(places)["n"].to_pylist() == WHOLE.take(pa.array(places))["n"].to_pylist()


@pytest.mark.parametrize("size", [1, 3, 10, 50])
def test_chunks_put_together_are_the_rows(spool, monkeypatch, size):
    monkeypatch.setattr(module, "OUTPUT_ROWS", size)
    order = np.random.default_rng(4).permutation(10)
    chunks = list(spool.chunks(order))
    assert max(chunk.num_rows for chunk in chunks) <= size
    assert pa.concat_tables(chunks).equals(WHOLE.take(pa.array(order)))


def test_its_file_has_no_name_once_it_can_be_read(spool, tmp_path):
    assert (tmp_path / "spool.tmp").exists()
    spool.rows(np.array([1]))
    assert list(tmp_path.iterdir()) == []


def test_a_spool_that_was_never_read_leaves_no_file(tmp_path):
    with Spool(tmp_path / "spool.tmp") as spool:
        spool.append(PARTS[0])
    assert list(tmp_path.iterdir()) == []


def test_an_empty_spool_gives_nothing_back(tmp_path):
    with Spool(tmp_path / "spool.tmp") as spool, pytest.raises(ValueError, match="must hold rows before it can give"):
        spool.rows(np.array([0]))
