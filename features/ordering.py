"""The numba loops that bring rows into (group, time) order and back.

They visit rows in order of time and keep one place per group, so that what they touch at any moment is one cache line
per group: a stable counting sort reads and writes memory once.
"""

import numpy as np
from numpy.typing import NDArray

from features.compilation import compiled
from features.kernels import NO_EVENT, Int8, Int32, Int64

NO_LABEL = np.int8(np.iinfo(np.int8).min)
"""What a null label is read as."""


@compiled
def shifted(ids: Int64, lowest: int, codes: Int32) -> None:
    """Fill ids - lowest."""
    for row in range(len(ids)):
        codes[row] = ids[row] - lowest


@compiled
def group_sizes(codes: Int32, sizes: Int64) -> None:
    """Add each code's number of rows to `sizes`; null codes (-1) have no group."""
    for code in codes:
        if code >= 0:
            sizes[code] += 1


@compiled
def group_ranks(codes: Int32, order: Int32, cursor: Int64, rank: Int32) -> None:
    """Fill each row's place in (group, time) order by a counting sort; -1 for null codes.

    `order` lists the rows by time; empty, the rows are in order already. `cursor` holds where each group begins and is
    used up.
    """
    for step in range(len(codes)):
        row = order[step] if len(order) else step
        code = codes[row]
        if code < 0:
            rank[row] = -1
        else:
            rank[row] = cursor[code]
            cursor[code] += 1


@compiled
def pair_codes(other: Int32, starts: Int32, codes: int, pairs: Int32) -> int:
    """Number the pairs (group, other code) as they appear, -1 where other is null, and return how many there are."""
    pair_of = np.full(codes, -1, np.int32)
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
def scatter(values: NDArray[np.generic], rank: Int32, ordered: NDArray[np.generic]) -> None:
    """Put each value at its row's place in (group, time) order."""
    for row in range(len(rank)):
        place = rank[row]
        if place >= 0:
            ordered[np.uint64(place)] = values[row]


@compiled
def gather(ordered: NDArray[np.generic], rank: Int32, missing: np.generic, values: NDArray[np.generic]) -> None:
    """Bring values in (group, time) order back to row order, `missing` where the row has no group."""
    for row in range(len(rank)):
        place = rank[row]
        values[row] = ordered[np.uint64(place)] if place >= 0 else missing


@compiled
def label_keys(label: Int8, available: Int64, keys: Int64) -> np.int64:
    """Fill the keys that `kernels.label_events` sorts, and return how many labels are neither 0, 1 nor NO_LABEL.

    NO_EVENT stands for a time that is null, too.
    """
    strange = np.int64(0)
    for row in range(len(keys)):
        strange += label[row] != 0 and label[row] != 1 and label[row] != NO_LABEL
        known = label[row] >= 0 and available[row] != NO_EVENT
        keys[row] = 2 * available[row] + label[row] if known else NO_EVENT
    return strange
