"""The loops that follow ids to other groups against sets over all pairs of rows, and what they tell of a table."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from features.windows import bounds, fraud_elsewhere
from features.windows.fraud_elsewhere import NEVER, known_elsewhere
from features.windows.kernels import NO_EVENT
from features.windows.source_arrays import Source
from features.windows.workers import Workers
from tests.fixtures.random_tables import SECOND, START, random_table, table_of, transaction


@pytest.fixture
def rows():
    """Groups of rows with many ties: time, starts, when known or NEVER, a label key or NO_EVENT, and a code."""
    rng = np.random.default_rng(4)
    sizes = [1, 0, 50, 30, 2]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    time = np.concatenate([np.sort(rng.integers(0, 25, size)) for size in sizes])
    keys = np.where(rng.random(83) < 0.2, NO_EVENT, 2 * (time + rng.integers(0, 9, 83)) + (rng.random(83) < 0.5))
    return time, starts, keys, rng.integers(-1, 4, 83).astype(np.int32)


def test_the_first_known_of_later_frauds_elsewhere_is_found(rows):
    time, starts, keys, places = rows
    found, expected = np.empty(83, np.int64), []
    first_tied = np.empty(83, np.int32)
    bounds.tied_rows(time, starts, False, first_tied)
    fraud_elsewhere.first_known_after(first_tied, keys, places, starts, found)
    for first, end in pairwise(starts):
        for row in range(first, end):
            later = [other for other in range(first, end) if time[other] > time[row] and places[other] >= 0]
            moments = [keys[o] // 2 for o in later if keys[o] != NO_EVENT and keys[o] % 2 and places[o] != places[row]]
            expected.append(min(moments, default=NEVER))
    assert found.tolist() == expected


@pytest.mark.parametrize("width", [1, 6, 40])
def test_each_id_counts_once_from_when_it_was_known_to_the_end_of_its_last_window(rows, width):
    time, starts, keys, codes = rows
    known = np.where((keys % 2 == 1) & (codes >= 0), time + 1 + keys % 7, NEVER)
    known = np.array([min(known[(time >= t) & (codes == c)], default=NEVER) for t, c in zip(time, codes, strict=True)])
    previous = [
        max(
            (o for o in range(starts[np.searchsorted(starts, row, side="right") - 1], row) if codes[o] == code),
            default=-1,
        )
        for row, code in enumerate(codes)
    ]
    counts, expected = np.empty(83, np.int32), []
    spans = np.empty((2, 83), np.int64)
    fraud_elsewhere.window_compromised(time, known, np.array(previous, np.int32), starts, width, spans, counts)
    for first, end in pairwise(starts):
        for now in time[first:end]:
            inside = [row for row in range(first, end) if now - width <= time[row] < now and known[row] < now]
            expected.append(len({int(codes[row]) for row in inside}))
    assert counts.tolist() == expected


def told(table, threads=1):
    with Workers(threads) as workers:
        return known_elsewhere(Source(table, workers), entity=("merchant_id",), other="card_id")


def test_rows_are_told_in_the_order_of_the_table_and_null_ids_nothing():
    frauds = [transaction(5, "a", 2, 100, 1, 3), transaction(6, None, 2, 100, 1, 0)]
    visits = [transaction(1, card, 1, 100, 0, 0) for card in ("b", None, "a")]
    at_the_same_place = transaction(2, "a", 2, 100, 0, 0)
    known = START + 8 * SECOND
    assert told(table_of([*frauds, *visits, at_the_same_place])).tolist() == [NEVER] * 4 + [known, NEVER]


def test_neither_threads_nor_chunks_nor_blocks_change_what_is_told(monkeypatch):
    table = random_table(np.random.default_rng(2), rows=600, seconds=300)
    names = pa.array([f"{card}{row % 17}" for row, card in enumerate(table["card_id"].to_pylist())])
    table = table.set_column(1, "card_id", names)
    whole = told(table)
    monkeypatch.setattr("features.windows.groups.CHUNK_ROWS", 32)
    monkeypatch.setattr("features.windows.groups.ROW_BLOCK", 50)
    for threads in (1, 3):
        assert told(table, threads).tolist() == whole.tolist()
    assert (whole < NEVER).mean() > 0.3
