"""The numba loops under the window features: one forward pass each, over rows ordered by (group, time).

Legend: n rows lie in g groups. `starts` [g + 1] holds where each group begins and, last, where the final one ends, so
group k is rows starts[k]:starts[k + 1]. `left` and `right` [n] are the first row inside and the first row behind each
row's window. Within a group both only move forward, which is why every loop here is linear. The last arguments are
filled. No loop knows of threads: a caller gives each thread its own groups, so the bits do not depend on how many there
are.
"""

import numpy as np
from numpy.typing import NDArray

from features.windows.compilation import compiled
from features.windows.finish import deviation, quotient, square
from features.windows.finish import seconds as in_seconds

Bool = NDArray[np.bool_]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

NO_EVENT = np.int64(np.iinfo(np.int64).min)
"""Key of a row whose label never becomes available."""

ONE = np.uint64(1)
SIGN_BIT = np.uint64(1 << 63)


@compiled
def running_totals(amount: Int64, high: UInt64, low: UInt64) -> None:
    """Fill the sum of all amounts before each row, in 128 bits: a carry from the low word goes into the high one.

    Args:
        amount: minor units ≥ 0 [n].
        high: upper 64 bits of each sum, and last that of all rows [n + 1].
        low: lower 64 bits [n + 1].
    """
    high[0] = low[0] = 0
    for row in range(len(amount)):
        term = np.uint64(amount[row])
        low[row + 1] = low[row] + term
        high[row + 1] = high[row] + np.uint64(low[row + 1] < term)


@compiled
def running_squares(amount: Int64, high: UInt64, low: UInt64) -> None:
    """Fill the sum of all squared amounts before each row, in 128 bits.

    Args:
        amount: minor units ≥ 0 [n].
        high: upper 64 bits of each sum, and last that of all rows [n + 1].
        low: lower 64 bits [n + 1].
    """
    high[0] = low[0] = 0
    for row in range(len(amount)):
        term_high, term_low = square(np.uint64(amount[row]))
        low[row + 1] = low[row] + term_low
        high[row + 1] = high[row] + term_high + np.uint64(low[row + 1] < term_low)


@compiled
def window_sums(high: UInt64, low: UInt64, left: Int32, right: Int32, sums: Int64) -> np.int64:
    """Fill the sum of each window from running totals and return how many windows need more than 63 bits.

    Args:
        high: of the running totals [n + 1].
        low: of the running totals [n + 1].
        left: first row inside each window [n].
        right: first row behind each window [n].
        sums: minor units [n].
    """
    overflows = np.int64(0)
    for row in range(len(sums)):
        first, end = np.uint64(left[row]), np.uint64(right[row])
        sum_low = low[end] - low[first]
        sum_high = high[end] - high[first] - np.uint64(low[end] < low[first])
        overflows += sum_high != np.uint64(0) or sum_low >= SIGN_BIT
        sums[row] = np.int64(sum_low)
    return overflows


@compiled
def window_deviations(high: UInt64, low: UInt64, left: Int32, right: Int32, sums: Int64, deviations: Float64) -> None:
    """Fill the sample standard deviation of each window from running squares and exact sums, NaN under two rows.

    Args:
        high: of the running squares [n + 1].
        low: of the running squares [n + 1].
        left: first row inside each window [n].
        right: first row behind each window [n].
        sums: of each window, minor units [n].
        deviations: in minor units [n].
    """
    for row in range(len(sums)):
        first, end = left[row], right[row]
        square_low = low[end] - low[first]
        square_high = high[end] - high[first] - np.uint64(low[end] < low[first])
        deviations[row] = deviation(square_high, square_low, np.uint64(sums[row]), end - first)


@compiled
def window_extremes(
    amount: Int64, starts: Int32, left: Int32, right: Int32, largest: bool, queue: Int32, extremes: Float64
) -> None:
    """Fill the largest (or smallest) amount of each window, NaN where empty, with a monotone queue (Lemire, 2006).

    Args:
        amount: minor units ≥ 0 [n].
        starts: where each group begins [g + 1].
        left: first row inside each window [n].
        right: first row behind each window [n].
        largest: the largest amount; otherwise the smallest.
        queue: memory, overwritten [n].
        extremes: minor units [n].
    """
    for group in range(len(starts) - 1):
        head = tail = 0
        next_row = starts[group]
        for row in range(starts[group], starts[group + 1]):
            while next_row < right[row]:
                value = amount[next_row]
                while tail > head and (amount[queue[tail - 1]] < value if largest else amount[queue[tail - 1]] > value):
                    tail -= 1
                queue[tail] = next_row
                tail += 1
                next_row += 1
            while head < tail and queue[head] < left[row]:
                head += 1
            extremes[row] = amount[queue[head]] if head < tail else np.nan


@compiled
def neighbours(other: Int32, starts: Int32, last_row: Int32, previous: Int32, following: Int32) -> None:
    """Fill where in its group each row's `other` code stood last and stands next; -1 and n where nowhere.

    Args:
        other: codes of another entity, -1 for null [n].
        starts: where each group begins [g + 1].
        last_row: memory, overwritten [codes].
        previous: row before it with the same code [n].
        following: row behind it with the same code [n].
    """
    last_row[:] = -1
    for group in range(len(starts) - 1):
        first = starts[group]
        for row in range(first, starts[group + 1]):
            following[row] = len(other)
            previous[row] = -1
            code = other[row]
            if code >= 0:
                if last_row[code] >= first:
                    previous[row] = last_row[code]
                    following[last_row[code]] = row
                last_row[code] = row


@compiled
def window_distinct(
    other: Int32, previous: Int32, following: Int32, starts: Int32, left: Int32, right: Int32, distinct: Int32
) -> None:
    """Fill how many different codes each window holds: rows whose code has no earlier row inside; nulls never count.

    Args:
        other: codes of another entity, -1 for null [n].
        previous: as `neighbours` fills it [n].
        following: as `neighbours` fills it [n].
        starts: where each group begins [g + 1].
        left: first row inside each window [n].
        right: first row behind each window [n].
        distinct: how many codes [n].
    """
    for group in range(len(starts) - 1):
        low_row = high_row = starts[group]
        seen = 0
        for row in range(starts[group], starts[group + 1]):
            while high_row < right[row]:
                seen += other[high_row] >= 0 and previous[high_row] < low_row
                high_row += 1
            while low_row < left[row]:
                seen -= other[low_row] >= 0 and following[low_row] >= high_row
                low_row += 1
            distinct[row] = seen


@compiled
def seconds_since_last(time: Int64, starts: Int32, reach: int, seconds: Float32) -> None:
    """Fill the seconds since the group's last strictly earlier row, NaN where there is none within reach.

    Args:
        time: microseconds, increasing within a group [n].
        starts: where each group begins [g + 1].
        reach: how far back rows are seen, microseconds.
        seconds: since then [n].
    """
    for group in range(len(starts) - 1):
        first = starts[group]
        earlier = -1
        for row in range(first, starts[group + 1]):
            if row > first and time[row] > time[row - 1]:
                earlier = row - 1
            seen = earlier >= 0 and time[row] - time[earlier] <= reach
            seconds[row] = in_seconds(time[row] - time[earlier]) if seen else np.nan


@compiled
def first_seen(time: Int64, starts: Int32, reach: int, flags: Float32) -> None:
    """Fill 1 where the group has no strictly earlier row within reach, else 0.

    Args:
        time: microseconds, increasing within a group [n].
        starts: where each group begins [g + 1].
        reach: how far back rows are seen, microseconds.
        flags: 0 or 1 [n].
    """
    for group in range(len(starts) - 1):
        first = starts[group]
        earlier = -1
        for row in range(first, starts[group + 1]):
            if row > first and time[row] > time[row - 1]:
                earlier = row - 1
            flags[row] = earlier < 0 or time[row] - time[earlier] > reach


@compiled
def label_events(keys: Int64, starts: Int32, available: Int64, event_starts: Int32, frauds_before: Int32) -> None:
    """Gather each group's labels in the order in which they became available, and count the frauds before each.

    A key is 2·(microsecond at which the label became available) + label, or NO_EVENT, so sorting keys sorts by time.
    A constant delay leaves them sorted already; then nothing is sorted.

    Args:
        keys: of each row's label, in order of the rows [n].
        starts: where each group begins [g + 1].
        available: microsecond of each label that became available, groups one after the other [n, the rest unused].
        event_starts: where in `available` each group begins and, last, how many there are [g + 1].
        frauds_before: frauds before each place of `available`, and before its end [n + 1].
    """
    filled = 0
    frauds_before[0] = 0
    for group in range(len(starts) - 1):
        first = event_starts[group] = filled
        in_order = True
        for row in range(starts[group], starts[group + 1]):
            if keys[row] != NO_EVENT:
                in_order &= filled == first or available[filled - 1] <= keys[row]
                available[filled] = keys[row]
                filled += 1
        if not in_order:
            available[first:filled] = np.sort(available[first:filled])
        for event in range(first, filled):
            frauds_before[event + 1] = frauds_before[event] + np.int32(available[event] & 1)
            available[event] >>= 1
    event_starts[len(starts) - 1] = filled


@compiled
def differences(before: Int32, left: Int32, right: Int32, values: Int32) -> None:
    """Fill how much a running count grew between two places.

    Args:
        before: count before each place [places + 1].
        left: the first place [n].
        right: the second place [n].
        values: the growth [n].
    """
    for row in range(len(values)):
        values[row] = before[right[row]] - before[left[row]]


@compiled
def quotients(numerator: NDArray[np.generic], denominator: NDArray[np.generic], values: Float64) -> None:
    """Fill numerator / denominator, NaN where the denominator is 0.

    Args:
        numerator: [n].
        denominator: [n].
        values: the quotients [n].
    """
    for row in range(len(values)):
        values[row] = quotient(numerator[row], denominator[row])
