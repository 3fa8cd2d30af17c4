"""The numba loops that find where each row's window begins and ends, or where it stands among its group's labels.

Legend as in `features.windows.kernels`. Within a group times and places only grow, so one merge finds them all.
"""

import numpy as np

from features.windows.compilation import compiled
from features.windows.kernels import ONE, Int32, Int64


@compiled
def first_moments(
    time: Int64, starts: Int32, moments: Int64, moment_starts: Int32, shift: int, after: bool, places: Int32
) -> None:
    """Fill where, among its group's `moments`, the first one at or (`after`) behind time - shift stands.

    A merge of two sorted lists in which every step moves on in one of them by arithmetic: which one is a coin toss, and
    a branch would be mispredicted at every other row. Unsigned places spare numba's check for negative indices.

    Args:
        time: microseconds, increasing within a group [n].
        starts: where each group's rows begin [g + 1].
        moments: microseconds, increasing within a group [m].
        moment_starts: where each group's moments begin [g + 1].
        shift: microseconds before each row's time.
        after: skip moments at exactly time - shift.
        places: into `moments`; the end of the group's where all of them are earlier [n].
    """
    lag = np.int64(shift) - np.int64(after)
    for group in range(len(starts) - 1):
        row, stop = np.uint64(starts[group]), np.uint64(starts[group + 1])
        place, end = np.uint64(moment_starts[group]), np.uint64(moment_starts[group + 1])
        while row < stop and place < end:
            earlier = np.uint64(moments[place] < time[row] - lag)
            places[row] = place
            place += earlier
            row += ONE - earlier
        while row < stop:
            places[row] = place
            row += ONE


@compiled
def tied_rows(time: Int64, starts: Int32, after: bool, places: Int32) -> None:
    """Fill the first row of the group at, or (`after`) the first one behind, each row's own time.

    Args:
        time: microseconds, increasing within a group [n].
        starts: where each group begins [g + 1].
        after: the first row behind all ties, otherwise the first of the ties.
        places: of that row; the end of the group where there is none [n].
    """
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
