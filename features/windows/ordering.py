"""The numba loops that bring rows into (group, time) order and back, in two stable counting sorts.

The first one brings rows into chunks of whole groups, which are few, so that it reads and writes along few lines; the
second one puts the rows of a chunk in order of their groups and never leaves the cache. A single sort by group would
touch a cache line per group at any moment and wait for memory at every other row.

Legend: `order` lists rows by time; empty, the rows are in that order already. `chunk_of` is each code's chunk. Null
codes are -1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.windows.compilation import compiled
from features.windows.kernels import NO_EVENT, Int8, Int32, Int64

NO_LABEL = np.int8(np.iinfo(np.int8).min)
"""What a null label is read as."""


@compiled
def shifted(ids: NDArray[np.integer[Any]], lowest: np.integer[Any], codes: Int32) -> None:
    """Fill ids - lowest; both are of one type, and the difference is small."""
    for row in range(len(ids)):
        codes[row] = ids[row] - lowest


@compiled
def group_sizes(codes: Int32, sizes: Int64) -> None:
    """Add each code's number of rows to `sizes`."""
    for code in codes:
        if code >= 0:
            sizes[code] += 1


@compiled
def chunk_sizes(codes: Int32, order: Int32, chunk_of: Int32, sizes: Int64) -> None:
    """Add each chunk's number of rows to `sizes`."""
    for step in range(len(order) if len(order) else len(codes)):
        code = codes[order[step]] if len(order) else codes[step]
        if code >= 0:
            sizes[chunk_of[np.uint64(code)]] += 1


@compiled
def chunk_places(codes: Int32, order: Int32, chunk_of: Int32, cursor: Int64, places: Int32, ordered: Int32) -> None:
    """Fill each row's place in (chunk, time) order, -1 for null codes, and the code at each place.

    `cursor` holds where the next row of each chunk goes, and is used up.
    """
    for step in range(len(order) if len(order) else len(codes)):
        row = order[step] if len(order) else step
        code = codes[row]
        if code < 0:
            places[row] = -1
        else:
            chunk = np.uint64(chunk_of[np.uint64(code)])
            place = cursor[chunk]
            places[row] = place
            ordered[place] = code
            cursor[chunk] = place + 1


@compiled
def group_ranks(codes: Int32, first: int, cursor: Int64, ranks: Int32) -> None:
    """Fill each row's rank in the (group, time) order of its chunk, whose codes begin with `first`.

    `cursor` holds where each group of the chunk begins, and is used up.
    """
    for row in range(len(codes)):
        group = np.uint64(codes[row] - first)
        ranks[row] = cursor[group]
        cursor[group] += 1


@compiled
def pair_codes(other: Int32, starts: Int32, pair_of: Int32, pairs: Int32) -> int:
    """Number the pairs (group, other code) as they appear, -1 where other is null, and return how many there are.

    `pair_of` is memory for a number per code.
    """
    pair_of[:] = -1
    found = 0
    for group in range(len(starts) - 1):
        first_pair = found
        for row in range(starts[group], starts[group + 1]):
            code = other[row]
            if code < 0:
                pairs[row] = -1
                continue
            if pair_of[code] < first_pair:
                pair_of[code] = found
                found += 1
            pairs[row] = pair_of[code]
    return found


@compiled
def scatter(values: NDArray[np.generic], places: Int32, ordered: NDArray[np.generic]) -> None:
    """Put each value at its row's place; rows at -1 have none."""
    for row in range(len(places)):
        place = places[row]
        if place >= 0:
            ordered[np.uint64(place)] = values[row]


@compiled
def gather(ordered: NDArray[np.generic], places: Int32, missing: np.generic, values: NDArray[np.generic]) -> None:
    """Take each row's value from its place, `missing` for rows at -1."""
    for row in range(len(places)):
        place = places[row]
        values[row] = ordered[np.uint64(place)] if place >= 0 else missing


@compiled
def gather_quotients(
    ordered: NDArray[np.generic], places: Int32, divisor: np.float64, values: NDArray[np.generic]
) -> None:
    """Take each row's value from its place and divide it, in float64 whatever the types."""
    for row in range(len(places)):
        values[row] = ordered[np.uint64(places[row])] / divisor


@compiled
def strange_labels(label: Int8) -> np.int64:
    """How many labels are neither 0, 1 nor NO_LABEL."""
    strange = np.int64(0)
    for row in range(len(label)):
        strange += label[row] != 0 and label[row] != 1 and label[row] != NO_LABEL
    return strange


@compiled
def label_keys(label: Int8, available: Int64, keys: Int64) -> None:
    """Fill the keys that `kernels.label_events` sorts; NO_EVENT stands for a time that is null, too."""
    for row in range(len(keys)):
        known = label[row] >= 0 and available[row] != NO_EVENT
        keys[row] = 2 * available[row] + label[row] if known else NO_EVENT
