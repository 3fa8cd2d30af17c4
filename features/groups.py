"""Rows brought into (group, time) order once per entity: dense codes for the ids, then a counting sort."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features import ordering

AnyNumber = TypeVar("AnyNumber", bound=np.generic)

ROW_BLOCK = 1 << 18
"""Rows that one thread moves between row order and group order at a time."""


@dataclass(frozen=True)
class Codes:
    """Ids as whole numbers: `values` int32 [N], -1 for null, all below `count`."""

    values: NDArray[np.int32]
    count: int


@dataclass(frozen=True)
class Groups:
    """Where each row stands once rows are ordered by (group, time).

    `rank` int32 [N] is the place of each row, -1 where the id is null; group g is places starts[g]:starts[g + 1].
    """

    rank: NDArray[np.int32]
    starts: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Rows that belong to a group."""
        return int(self.starts[-1])


def id_codes(ids: pa.ChunkedArray, *, name: str) -> Codes:
    """Dense codes of a column of ids; which code an id gets has no influence on any feature.

    Whole numbers in a narrow range are shifted; everything else goes through a dictionary.

    Raises:
        ValueError: the ids are neither strings nor integers (a float has already lost digits of a long id).
    """
    if pa.types.is_integer(ids.type):
        limits = pc.min_max(ids).as_py()
        lowest, highest = limits["min"], limits["max"]
        if lowest is None:
            return Codes(np.full(len(ids), -1, np.int32), 1)
        if highest - lowest <= 4 * len(ids) + 1024:
            return _shifted(ids, lowest, highest - lowest + 1)
    elif not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) or pa.types.is_dictionary(ids.type)):
        raise ValueError(f"'{name}': ids must be strings or integers, got {ids.type}")
    encoded = (ids if pa.types.is_dictionary(ids.type) else pc.dictionary_encode(ids)).unify_dictionaries()
    values = [pc.fill_null(chunk.indices, -1).to_numpy() for chunk in encoded.chunks]
    count = len(encoded.chunk(0).dictionary) if encoded.num_chunks else 0
    return Codes(np.concatenate([np.empty(0, np.int32), *values], dtype=np.int32), max(count, 1))


def time_groups(codes: Codes, *, order: NDArray[np.int32]) -> Groups:
    """Rows ordered by (code, time), a counting sort stable in `order`, the rows by time (empty: already in order)."""
    sizes = np.zeros(codes.count + 1, np.int64)
    ordering.group_sizes(read_only(codes.values), sizes[1:])
    starts = np.cumsum(sizes)
    rank = np.empty(len(codes.values), np.int32)
    ordering.group_ranks(read_only(codes.values), read_only(order), starts[:-1].copy(), rank)
    return Groups(rank, starts)


def joined_codes(other: Codes, *, groups: Groups, pool: Executor) -> Codes:
    """Codes of the pairs (group, other id), null where the row has no group or no other id."""
    ordered = in_group_order(other.values, groups, pool=pool)
    pairs = np.empty(groups.rows, np.int32)
    starts = groups.starts.astype(np.int32)
    count = ordering.pair_codes(ordered, starts, other.count, pairs)
    return Codes(in_row_order(pairs, groups, missing=np.int32(-1), pool=pool), max(int(count), 1))


def in_group_order(values: NDArray[AnyNumber], groups: Groups, *, pool: Executor) -> NDArray[AnyNumber]:
    """The values of rows that have a group, in (group, time) order."""
    ordered = np.empty(groups.rows, values.dtype)
    values = read_only(values)

    def move(rows: slice) -> None:
        ordering.scatter(values[rows], read_only(groups.rank[rows]), ordered)

    over_blocks(move, len(values), pool)
    return ordered


def in_row_order(
    ordered: NDArray[AnyNumber], groups: Groups, *, missing: AnyNumber, pool: Executor
) -> NDArray[AnyNumber]:
    """Values in (group, time) order brought back to row order, `missing` where the row has no group."""
    values = np.empty(len(groups.rank), ordered.dtype)
    fill_in_row_order(values, ordered, groups, missing=missing, pool=pool)
    return values


def fill_in_row_order(
    values: NDArray[AnyNumber], ordered: NDArray[AnyNumber], groups: Groups, *, missing: AnyNumber, pool: Executor
) -> None:
    """The same into memory that is there already: fresh memory costs more than the values it is for."""

    def move(rows: slice) -> None:
        ordering.gather(ordered, read_only(groups.rank[rows]), missing, values[rows])

    over_blocks(move, len(values), pool)


def group_chunks(groups: Groups, *, rows: int) -> list[tuple[int, int]]:
    """Consecutive ranges of groups of about `rows` rows each, the work of one thread at a time."""
    targets = np.arange(rows, groups.rows, rows, dtype=np.int64)
    cuts = np.searchsorted(groups.starts, targets)
    edges = np.unique(np.concatenate([[0], cuts, [len(groups.starts) - 1]]))
    return [(int(first), int(end)) for first, end in pairwise(edges)]


def over_blocks(work: Callable[[slice], None], rows: int, pool: Executor) -> None:
    """Do `work` on all rows, a block at a time, in the pool's threads; few rows are not worth a thread."""
    blocks = [slice(first, min(first + ROW_BLOCK, rows)) for first in range(0, rows, ROW_BLOCK)]
    for _ in map(work, blocks) if len(blocks) == 1 else pool.map(work, blocks):
        pass


def read_only(values: NDArray[AnyNumber]) -> NDArray[AnyNumber]:
    """A view that cannot be written to, so that numba compiles one version for arrow's buffers and for ours."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def _shifted(ids: pa.ChunkedArray, lowest: int, count: int) -> Codes:
    if ids.type == pa.int64() and not ids.null_count:
        values = np.empty(len(ids), np.int32)
        ordering.shifted(read_only(ids.to_numpy()), lowest, values)
        return Codes(values, count)
    wide = ids if ids.type.bit_width == 64 else ids.cast(pa.int64())
    moved = pc.cast(pc.subtract(wide, pa.scalar(lowest, wide.type)), pa.int32())
    return Codes(np.asarray(pc.fill_null(moved, -1).to_numpy()), count)
