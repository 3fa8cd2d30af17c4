import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows import groups
from features.windows.groups import Codes, id_codes, in_chunk_order, in_row_order, joined_codes, time_groups
from features.windows.workers import Scratch, Workers

IDS = {
    "narrow integers": pa.chunked_array([[7, 5, None], [7, 6]]),
    "wide integers": pa.chunked_array([[10**15, -(10**15), None], [10**15, 0]]),
    "unsigned": pa.chunked_array([pa.array([2**64 - 1, 2**64 - 3, None, 2**64 - 1, 2**64 - 2], pa.uint64())]),
    "text": pa.chunked_array([["b", "a", None], ["b", ""]]),
    "dictionaries": pa.chunked_array(
        [pa.array(["b", "a", None]).dictionary_encode(), pa.array(["b", ""]).dictionary_encode()]
    ),
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_equal_ids_have_one_code_and_null_none(ids):
    with Workers(1) as workers:
        codes = id_codes(ids, name="id", workers=workers)
    values = codes.values.tolist()
    assert values[0] == values[3]
    assert len({values[0], values[1], values[4]}) == 3
    assert values[2] == -1
    assert max(values) < codes.count


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()])
def test_a_column_without_an_id_has_no_code(kind):
    with Workers(1) as workers:
        assert id_codes(pa.chunked_array([pa.nulls(3, kind)]), name="id", workers=workers).values.tolist() == [-1] * 3
        assert id_codes(pa.chunked_array([], kind), name="id", workers=workers).values.size == 0


rows = st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 9)), max_size=40)


def grouped(rows, workers, monkeypatch):
    monkeypatch.setattr(groups, "CHUNK_ROWS", 8)
    monkeypatch.setattr(groups, "ROW_BLOCK", 7)
    codes = np.array([code for code, _ in rows], np.int32)
    order = np.argsort([time for _, time in rows], kind="stable").astype(np.int32)
    return codes, order, time_groups(Codes(codes, 7), order=order, workers=workers)


@given(rows=rows, threads=st.sampled_from([1, 3]))
@settings(deadline=None, max_examples=60)
def test_chunks_hold_whole_groups_in_order_of_time(rows, threads):
    with Workers(threads) as workers, pytest.MonkeyPatch.context() as patch:
        codes, order, found = grouped(rows, workers, patch)
        number = in_chunk_order(np.arange(len(rows)), found, workers=workers)
    for chunk in found.chunks:
        inside = [row for row in order.tolist() if chunk.first <= codes[row] < chunk.end]
        assert number[chunk.places].tolist() == inside
        ranks = chunk.ranks(Scratch())
        own = chunk.in_group_order(number, ranks, Scratch())
        assert own.tolist() == sorted(inside, key=lambda row: codes[row])
    assert found.rows == (codes >= 0).sum()


@given(rows=rows)
@settings(deadline=None, max_examples=40)
def test_values_come_back_to_their_rows(rows):
    with Workers(2) as workers, pytest.MonkeyPatch.context() as patch:
        codes, _, found = grouped(rows, workers, patch)
        there = in_chunk_order(np.arange(len(rows)), found, workers=workers)
        back = in_row_order(there, found, missing=np.int64(-5), workers=workers)
    assert back.tolist() == [row if codes[row] >= 0 else -5 for row in range(len(rows))]


@given(rows=rows, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_two_rows_share_a_pair_where_they_share_both_ids(rows, seed):
    other = np.random.default_rng(seed).integers(-1, 3, len(rows)).astype(np.int32)
    with Workers(2) as workers, pytest.MonkeyPatch.context() as patch:
        codes, _, found = grouped(rows, workers, patch)
        pairs = joined_codes(Codes(other, 3), groups=found, workers=workers).values
    both = [(code, o) if code >= 0 and o >= 0 else None for code, o in zip(codes.tolist(), other.tolist(), strict=True)]
    assert [pair == -1 for pair in pairs] == [pair is None for pair in both]
    assert len({*zip(both, pairs.tolist(), strict=True)}) == len({*both}) == len({*pairs.tolist()})
