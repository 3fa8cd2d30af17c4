"""Rows brought into chunks of whole groups once per entity: dense codes for the ids, then a counting sort."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import InputError
from features.windows import ordering
from features.windows.workers import Scratch, Workers

AnyNumber = TypeVar("AnyNumber", bound=np.generic)

CHUNK_ROWS = 1 << 17
"""Rows of a chunk: few enough that its columns stay in cache, enough that chunks, each a stream of memory, are few."""

ROW_BLOCK = 1 << 17
"""Rows that one thread moves between row order and chunk order at a time."""


@dataclass(frozen=True)
class Codes:
    """Ids as whole numbers: `values` int32 [N], -1 for null, all below `count`."""

    values: NDArray[np.int32]
    count: int


@dataclass(frozen=True)
class Groups:
    """Where each row stands once rows are ordered by (chunk, time); a chunk is consecutive groups of about CHUNK_ROWS.

    Attributes:
        places: int32 [N], -1 where the id is null.
        codes: int32 [rows], the group of the row at each place.
        starts: int64 [groups + 1], how many rows earlier groups have.
        edges: int64 [chunks + 1], each chunk's first group and, last, the number of groups.
    """

    places: NDArray[np.int32]
    codes: NDArray[np.int32]
    starts: NDArray[np.int64]
    edges: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Rows that belong to a group."""
        return int(self.starts[-1])

    @property
    def chunks(self) -> list["ChunkRows"]:
        """The chunks in their order."""
        return [ChunkRows(self, int(first), int(end)) for first, end in pairwise(self.edges)]


@dataclass(frozen=True)
class ChunkRows:
    """The rows of groups `first` to `end` - 1, and how to put them in (group, time) order."""

    groups: Groups
    first: int
    end: int

    @property
    def places(self) -> slice:
        """Their places in (chunk, time) order."""
        return slice(int(self.groups.starts[self.first]), int(self.groups.starts[self.end]))

    @property
    def starts(self) -> NDArray[np.int32]:
        """int32 [groups + 1], where in the chunk each group begins and the last one ends."""
        starts = self.groups.starts[self.first : self.end + 1]
        within: NDArray[np.int64] = starts - starts[0]
        return within.astype(np.int32)

    def ranks(self, scratch: Scratch) -> NDArray[np.int32]:
        """int32 [rows], where in the chunk each row stands once they are in (group, time) order."""
        codes = self.groups.codes[self.places]
        ranks = scratch.empty(len(codes), np.int32)
        ordering.group_ranks(codes, self.first, self.starts[:-1].astype(np.int64), ranks)
        return read_only(ranks)

    def in_group_order(
        self, values: NDArray[AnyNumber], ranks: NDArray[np.int32], scratch: Scratch
    ) -> NDArray[AnyNumber]:
        """The chunk's part of values in (chunk, time) order, in (group, time) order."""
        ordered = scratch.empty(len(ranks), values.dtype.type)
        ordering.scatter(read_only(values[self.places]), ranks, ordered)
        return ordered


def id_codes(ids: pa.ChunkedArray, *, name: str, workers: Workers) -> Codes:
    """Dense codes of a column of ids; which code an id gets has no influence on any feature.

    Whole numbers in a narrow range are shifted; everything else goes through a dictionary.

    Raises:
        InputError: the ids are neither strings nor integers (a float has already lost digits of a long id).
    """
    if pa.types.is_integer(ids.type):
        limits = pc.min_max(ids).as_py()
        lowest, highest = limits["min"], limits["max"]
        if lowest is None:
            return Codes(np.full(len(ids), -1, np.int32), 1)
        if highest - lowest <= 4 * len(ids) + 1024:
            return _shifted(ids, lowest, highest - lowest + 1, workers)
    elif not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_dictionary(ids.type)):
        raise InputError(f"'{name}': ids must be strings or integers, got {ids.type}")
    encoded = (ids if pa.types.is_dictionary(ids.type) else pc.dictionary_encode(ids)).unify_dictionaries()
    values = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in encoded.chunks]
    count = len(encoded.chunk(0).dictionary) if encoded.num_chunks else 0
    return Codes(np.concatenate([np.empty(0, np.int32), *values], dtype=np.int32), max(count, 1))


def time_groups(codes: Codes, *, order: NDArray[np.int32], workers: Workers) -> Groups:
    """Rows ordered by (chunk, time), a counting sort stable in `order`, the rows by time (empty: already in order)."""
    values, order = read_only(codes.values), read_only(order)
    starts = np.zeros(codes.count + 1, np.int64)
    ordering.group_sizes(values, starts[1:])
    np.cumsum(starts, out=starts)
    inner = np.searchsorted(starts, np.arange(CHUNK_ROWS, starts[-1], CHUNK_ROWS))
    edges = np.unique(np.concatenate([[0], inner, [codes.count]]))
    chunk_of = np.repeat(np.arange(len(edges) - 1, dtype=np.int32), np.diff(edges))
    places, ordered = np.empty(len(values), np.int32), np.empty(starts[-1], np.int32)

    def part(rows: slice) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Codes, order and places of the rows that come at these steps."""
        return (values, order[rows], places) if len(order) else (values[rows], order, places[rows])

    def count(rows: slice) -> NDArray[np.int64]:
        sizes = np.zeros(len(edges) - 1, np.int64)
        ordering.chunk_sizes(*part(rows)[:2], chunk_of, sizes)
        return sizes

    def place(block: tuple[slice, NDArray[np.int64]]) -> None:
        own_codes, own_order, own_places = part(block[0])
        ordering.chunk_places(own_codes, own_order, chunk_of, block[1], own_places, ordered)

    blocks = row_blocks(len(values))
    sizes = np.array([starts[edges[:-1]], *workers.map(count, blocks)])
    workers.map(place, list(zip(blocks, np.cumsum(sizes, axis=0), strict=False)))
    return Groups(places, ordered, starts, edges)


def joined_codes(other: Codes, *, groups: Groups, workers: Workers) -> Codes:
    """Codes of the pairs (group, other id), null where the row has no group or no other id."""
    others = in_chunk_order(other.values, groups, workers=workers)
    pairs = np.empty(groups.rows, np.int32)

    def number(chunk: ChunkRows) -> int:
        with workers.scratch() as scratch:
            ranks = chunk.ranks(scratch)
            ordered, pair_of = scratch.empty(len(ranks), np.int32), scratch.empty(other.count, np.int32)
            found = ordering.pair_codes(chunk.in_group_order(others, ranks, scratch), chunk.starts, pair_of, ordered)
            ordering.gather(ordered, ranks, np.int32(-1), pairs[chunk.places])
        return int(found)

    ends = np.cumsum([0, *workers.map(number, groups.chunks)])
    for chunk, before in zip(groups.chunks, ends[:-1], strict=True):
        own = pairs[chunk.places]
        np.add(own, np.int32(before), out=own, where=own >= 0)
    return Codes(in_row_order(pairs, groups, missing=np.int32(-1), workers=workers), max(int(ends[-1]), 1))


def in_chunk_order(values: NDArray[AnyNumber], groups: Groups, *, workers: Workers) -> NDArray[AnyNumber]:
    """The values of rows that have a group, in (chunk, time) order."""
    values = read_only(values)
    return put_in_chunk_order(lambda rows: values[rows], values.dtype, groups, workers=workers)


def put_in_chunk_order(
    read: Callable[[slice], NDArray[AnyNumber]], dtype: np.dtype[AnyNumber], groups: Groups, *, workers: Workers
) -> NDArray[AnyNumber]:
    """The same of values that are made a block at a time, `read` being given the rows."""
    ordered = np.empty(groups.rows, dtype)

    def move(rows: slice) -> None:
        ordering.scatter(read_only(read(rows)), read_only(groups.places[rows]), ordered)

    over_blocks(move, len(groups.places), workers)
    return ordered


def in_row_order(
    ordered: NDArray[AnyNumber], groups: Groups, *, missing: AnyNumber, workers: Workers
) -> NDArray[AnyNumber]:
    """Values in (chunk, time) order brought back to row order, `missing` where the row has no group."""
    values = np.empty(len(groups.places), ordered.dtype)
    fill_in_row_order(values, ordered, groups, missing=missing, workers=workers)
    return values


def fill_in_row_order(
    values: NDArray[AnyNumber], ordered: NDArray[AnyNumber], groups: Groups, *, missing: AnyNumber, workers: Workers
) -> None:
    """The same into memory that is there already."""

    def move(rows: slice) -> None:
        ordering.gather(ordered, read_only(groups.places[rows]), missing, values[rows])

    over_blocks(move, len(values), workers)


def over_blocks(work: Callable[[slice], None], rows: int, workers: Workers) -> None:
    """Do `work` on all rows, a block at a time."""
    workers.map(work, row_blocks(rows))


def row_blocks(rows: int) -> list[slice]:
    """Consecutive blocks of at most ROW_BLOCK rows."""
    return [slice(first, min(first + ROW_BLOCK, rows)) for first in range(0, rows, ROW_BLOCK)]


def read_only(values: NDArray[AnyNumber]) -> NDArray[AnyNumber]:
    """A view that cannot be written to, so that numba compiles one version for arrow's buffers and for ours."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def _shifted(ids: pa.ChunkedArray, lowest: int, count: int, workers: Workers) -> Codes:
    whole = pc.fill_null(ids, lowest) if ids.null_count else ids
    numbers = read_only(whole.to_numpy())
    values = np.empty(len(ids), np.int32)

    def shift(rows: slice) -> None:
        ordering.shifted(numbers[rows], numbers.dtype.type(lowest), values[rows])

    over_blocks(shift, len(values), workers)
    if ids.null_count:
        values[pc.is_null(ids).to_numpy()] = -1
    return Codes(values, count)
