"""The numba loops that compare a row with its group's k-th last moment before it.

Legend as in `features.windows.kernels`. A moment is a time at which the group has rows; rows of one time are one
moment, so their order decides nothing. `first_tied` [n] is the first row of each row's own moment, `first` and `end`
[n] are the first row of the k-th last moment before it and the first row behind that moment. Each loop touches each
moment once, however many rows share it.
"""

import numpy as np

from features.windows.compilation import compiled
from features.windows.finish import seconds as in_seconds
from features.windows.kernels import Float32, Float64, Int32, Int64


@compiled
def moments_before(first_tied: Int32, starts: Int32, k: int, first: Int32, end: Int32) -> None:
    """Fill where the k-th last moment before each row begins and ends, -1 where the group has fewer.

    Args:
        first_tied: first row of each row's own moment [n].
        starts: where each group begins [g + 1].
        k: 1 for the last moment before the row's own.
        first: first row of that moment [n].
        end: first row behind that moment [n].
    """
    for group in range(len(starts) - 1):
        for row in range(starts[group], starts[group + 1]):
            behind = place = first_tied[row]
            steps = 0
            while steps < k and place > starts[group]:
                behind, place = place, first_tied[place - 1]
                steps += 1
            first[row] = place if steps == k else -1
            end[row] = behind if steps == k else -1


@compiled
def forget_beyond(time: Int64, reach: int, first: Int32, end: Int32) -> None:
    """Take a moment for none where it is further back than `reach`.

    Args:
        time: microseconds [n].
        reach: microseconds.
        first: as `moments_before` fills it [n].
        end: as `moments_before` fills it [n].
    """
    for row in range(len(first)):
        if first[row] >= 0 and time[row] - time[first[row]] > reach:
            first[row] = end[row] = -1


@compiled
def largest_of_moments(amount: Int64, first_tied: Int32, largest: Int64) -> None:
    """Fill the largest amount of each moment at the first of its rows; the other places keep what was there.

    Args:
        amount: minor units ≥ 0 [n].
        first_tied: first row of each row's own moment [n].
        largest: minor units [n].
    """
    for row in range(len(amount)):
        moment = first_tied[row]
        largest[moment] = amount[row] if moment == row else max(largest[moment], amount[row])


@compiled
def values_at(values: Int64, first: Int32, found: Float64) -> None:
    """Fill the value that stands at each moment's first row, NaN where there is no moment.

    Args:
        values: at the first row of each moment [n].
        first: as `moments_before` fills it [n].
        found: [n].
    """
    for row in range(len(found)):
        found[row] = values[first[row]] if first[row] >= 0 else np.nan


@compiled
def seconds_since(time: Int64, first: Int32, seconds: Float32) -> None:
    """Fill the seconds since each moment, NaN where there is none.

    Args:
        time: microseconds [n].
        first: as `moments_before` fills it [n].
        seconds: since then [n].
    """
    for row in range(len(seconds)):
        seconds[row] = in_seconds(time[row] - time[first[row]]) if first[row] >= 0 else np.nan


@compiled
def same_codes(other: Int32, first_tied: Int32, first: Int32, end: Int32, seen_at: Int32, flags: Float32) -> None:
    """Fill 1 where the moment has a row with the row's own `other` code, else 0; NaN without a moment or a code.

    Args:
        other: codes of another entity, -1 for null [n].
        first_tied: first row of each row's own moment [n].
        first: as `moments_before` fills it [n].
        end: as `moments_before` fills it [n].
        seen_at: memory, overwritten [codes].
        flags: 0 or 1 [n].
    """
    seen_at[:] = -1
    for row in range(len(flags)):
        moment = first_tied[row]
        if moment == row:
            for earlier in range(first[row], end[row]):
                if other[earlier] >= 0:
                    seen_at[other[earlier]] = moment
        known = first[row] >= 0 and other[row] >= 0
        flags[row] = seen_at[other[row]] == moment if known else np.nan
