"""The numba loops that find where each row's window begins and ends, or where it stands among its group's labels.

Legend as in `features.kernels`. Within a group times and places only grow, so one merge finds them all.
"""

import numpy as np

from features.windows.compilation import compiled
from features.windows.kernels import ONE, Int32, Int64

MANY = np.uint64(64)
"""Rows of a group whose quarters are worth four searches."""
FEW = np.uint64(4)
"""Steps that are not worth counting ahead."""


@compiled
def first_moments(
    time: Int64, starts: Int32, moments: Int64, moment_starts: Int32, shift: int, after: bool, places: Int32
) -> None:
    """Fill where, among its group's sorted `moments`, the first one at or (`after`) behind time - shift stands.

    A step of this merge waits for the one before it, so the four quarters of a large group are merged side by side: the
    processor works on one while the others wait.
    """
    lag = np.int64(shift) - np.int64(after)
    for group in range(len(starts) - 1):
        place, end = np.uint64(moment_starts[group]), np.uint64(moment_starts[group + 1])
        row, stop = np.uint64(starts[group]), np.uint64(starts[group + 1])
        if stop - row < MANY:
            _merge(time, row, stop, moments, place, end, lag, places)
            continue
        quarter = (stop - row) >> np.uint64(2)
        stop_0 = row_1 = row + quarter
        stop_1 = row_2 = row_1 + quarter
        stop_2 = row_3 = row_2 + quarter
        place_1 = _first_at(moments, place, end, time[row_1] - lag)
        place_2 = _first_at(moments, place_1, end, time[row_2] - lag)
        place_3 = _first_at(moments, place_2, end, time[row_3] - lag)
        row_0, place_0 = row, place
        while True:
            # a step moves on by one row or by one moment, so this many go past no end
            steps = min(stop_0 - row_0, stop_1 - row_1, stop_2 - row_2, stop - row_3, end - place_3)
            steps = min(steps, end - place_0, end - place_1, end - place_2)
            if steps < FEW:
                break
            for _ in range(steps):
                places[row_0], places[row_1], places[row_2], places[row_3] = place_0, place_1, place_2, place_3
                earlier_0 = np.uint64(moments[place_0] < time[row_0] - lag)
                earlier_1 = np.uint64(moments[place_1] < time[row_1] - lag)
                earlier_2 = np.uint64(moments[place_2] < time[row_2] - lag)
                earlier_3 = np.uint64(moments[place_3] < time[row_3] - lag)
                place_0, row_0 = place_0 + earlier_0, row_0 + (ONE - earlier_0)
                place_1, row_1 = place_1 + earlier_1, row_1 + (ONE - earlier_1)
                place_2, row_2 = place_2 + earlier_2, row_2 + (ONE - earlier_2)
                place_3, row_3 = place_3 + earlier_3, row_3 + (ONE - earlier_3)
        _merge(time, row_0, stop_0, moments, place_0, end, lag, places)
        _merge(time, row_1, stop_1, moments, place_1, end, lag, places)
        _merge(time, row_2, stop_2, moments, place_2, end, lag, places)
        _merge(time, row_3, stop, moments, place_3, end, lag, places)


@compiled
def tied_rows(time: Int64, starts: Int32, after: bool, places: Int32) -> None:
    """Fill the first row of the group at, or (`after`) the first one behind, each row's own time."""
    for group in range(len(starts) - 1):
        first, stop = np.uint64(starts[group]), np.uint64(starts[group + 1])
        if after:
            place, row = stop, stop
            while row > first:
                row -= ONE
                places[row] = place
                place = row if row > first and time[row - ONE] != time[row] else place
        else:
            place, row = first, first
            while row < stop:
                place = row if row > first and time[row - ONE] != time[row] else place
                places[row] = place
                row += ONE


@compiled
def _merge(
    time: Int64,
    row: np.uint64,
    stop: np.uint64,
    moments: Int64,
    place: np.uint64,
    end: np.uint64,
    lag: np.int64,
    places: Int32,
) -> None:
    """Fill the first place from `place` on, or `end`, whose moment is not before time - lag, for a range of rows.

    A merge of two sorted lists in which every step moves on in one of them by arithmetic: which one is a coin toss, and
    a branch would be mispredicted at every other row. Unsigned places spare numba's check for negative indices.
    """
    while row < stop and place < end:
        earlier = np.uint64(moments[place] < time[row] - lag)
        places[row] = place
        place += earlier
        row += ONE - earlier
    while row < stop:
        places[row] = place
        row += ONE


@compiled
def _first_at(moments: Int64, first: np.uint64, end: np.uint64, moment: np.int64) -> np.uint64:
    """The first place from `first` on whose moment is not before `moment`, `end` where there is none."""
    while first < end:
        middle = (first + end) >> ONE
        if moments[middle] < moment:
            first = middle + ONE
        else:
            end = middle
    return first
