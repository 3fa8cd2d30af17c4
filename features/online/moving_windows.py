"""The windows of a group brought to another moment: rows come in at one end and go at the other.

What a window sums up is kept in whole numbers, so a row that goes takes away exactly what it brought. How many
different ids a window holds follows from each row's links in time: a row brings a new id where the id's row before it
is earlier than the window, and takes it along where the id's row behind it is not in the window. All windows end at the
same moment, so their largest amounts are found in one queue (`extreme_queues`).

Legend: `head` is the address of a group's head, `store` that of its store's record, `window` that of a window's record.
"""

import numpy as np

from features.online.chains import END, FIRST, row_at, sought
from features.online.records import KIND, NOW, OTHER, RIGHT, STORE, WINDOW
from features.windows.compilation import compiled
from features.windows.finish import square
from features.windows.kernels import Int64

FEW = 64
"""Rows that go one by one whatever else could be done."""


@compiled
def move_windows(memory: Int64, store: int, head: int, time: int) -> None:
    """Let the windows of a group end at `time`."""
    if memory[store + STORE.rows] >= 0:
        if time >= memory[head + NOW]:
            _advance(memory, store, head, time)
        else:
            _retreat(memory, store, head, time)
    memory[head + NOW] = time


@compiled
def count_row(memory: Int64, store: int, window: int, row: int, sign: int) -> None:
    """Add a row's amount to a window's sums, or (`sign` -1) take it away."""
    count_amounts(memory, store, window, row, row + 1, sign)


@compiled
def count_amounts(memory: Int64, store: int, window: int, row: int, end: int, sign: int) -> None:
    """The same of all rows from an address on that lie side by side before `end`."""
    if memory[store + STORE.total] < 0:
        return
    width, amount, total = memory[memory[store + STORE.rows] + KIND.width], memory[store + STORE.amount], 0
    for each in range(row + amount, end + amount, width):
        total += memory[each]
    memory[window + memory[store + STORE.total]] += sign * total
    if memory[store + STORE.square] < 0:
        return
    squares = window + memory[store + STORE.square]
    for each in range(row + amount, end + amount, width):
        high, low = square(np.uint64(memory[each]))
        old = np.uint64(memory[squares + 1])
        if sign > 0:
            new = old + low
            memory[squares] += np.int64(high) + np.int64(new < old)
        else:
            new = old - low
            memory[squares] -= np.int64(high) + np.int64(old < low)
        memory[squares + 1] = np.int64(new)


@compiled
def _advance(memory: Int64, store: int, head: int, time: int) -> None:
    kind = memory[store + STORE.rows]
    windows = memory[store + STORE.first_window]
    windows_end = windows + memory[store + STORE.windows] * len(WINDOW)
    chain = head + memory[kind + KIND.at]
    right, end, before = memory[head + RIGHT], memory[chain + END], memory[head + NOW]
    while right < end:
        row = row_at(memory, chain, kind, right)
        if memory[row] >= time:
            break
        for window in range(windows, windows_end, len(WINDOW)):
            count_row(memory, store, head + memory[window + WINDOW.at], row, 1)
            _count_ids_before(
                memory, store, head + memory[window + WINDOW.at], row, before - memory[window + WINDOW.width], 1
            )
        right += 1
    memory[head + RIGHT] = right
    for window in range(windows, windows_end, len(WINDOW)):
        _leave(memory, store, head, window, time)


@compiled
def _leave(memory: Int64, store: int, head: int, window: int, time: int) -> None:
    """Let rows that are too old leave a window; where fewer stay than go, those that stay are summed up anew."""
    kind = memory[store + STORE.rows]
    chain, at, right, edge = (
        head + memory[kind + KIND.at],
        head + memory[window + WINDOW.at],
        memory[head + RIGHT],
        time - memory[window + WINDOW.width],
    )
    left = memory[at]
    if left == right or memory[row_at(memory, chain, kind, left)] >= edge:
        return
    first = min(sought(memory, chain, kind, left, edge), right)
    memory[at] = first
    if first - left <= FEW or first - left <= right - first:
        _take_rows_away(memory, store, head, at, left, first, time)
        return
    for word in range(1, memory[store + STORE.seen] + memory[store + STORE.counted]):
        memory[at + word] = 0
    _add_rows(memory, store, head, at, first, right, edge)


@compiled
def _take_rows_away(memory: Int64, store: int, head: int, window: int, first: int, end: int, time: int) -> None:
    """Take what the rows from position `first` on brought, a block at a time: after a silence there are millions."""
    kind = memory[store + STORE.rows]
    chain, width = head + memory[kind + KIND.at], memory[kind + KIND.width]
    while first < end:
        row, rows = _rows_of_block(memory, chain, kind, first, end)
        count_amounts(memory, store, window, row, row + rows * width, -1)
        for number in range(memory[store + STORE.counted]):
            link = memory[memory[store + STORE.first_other] + number * len(OTHER) + OTHER.following]
            seen = 0
            for each in range(row + link, row + rows * width + link, width):
                seen += memory[each] >= time
            memory[window + memory[store + STORE.seen] + number] -= seen
        first += rows


@compiled
def _add_rows(memory: Int64, store: int, head: int, window: int, first: int, end: int, edge: int) -> None:
    """Count the rows from position `first` on, a block at a time."""
    kind = memory[store + STORE.rows]
    chain, width = head + memory[kind + KIND.at], memory[kind + KIND.width]
    while first < end:
        row, rows = _rows_of_block(memory, chain, kind, first, end)
        count_amounts(memory, store, window, row, row + rows * width, 1)
        for number in range(memory[store + STORE.counted]):
            link = memory[memory[store + STORE.first_other] + number * len(OTHER) + OTHER.previous]
            seen = 0
            for each in range(row + link, row + rows * width + link, width):
                seen += memory[each] < edge
            memory[window + memory[store + STORE.seen] + number] += seen
        first += rows


@compiled
def _rows_of_block(memory: Int64, chain: int, kind: int, first: int, end: int) -> tuple[int, int]:
    """The address of the row at position `first`, and how many from there on lie in one block before `end`."""
    size = 1 << memory[kind + KIND.shift]
    return row_at(memory, chain, kind, first), min(size - (first & (size - 1)), end - first)


@compiled
def _retreat(memory: Int64, store: int, head: int, time: int) -> None:
    kind = memory[store + STORE.rows]
    windows = memory[store + STORE.first_window]
    windows_end = windows + memory[store + STORE.windows] * len(WINDOW)
    chain = head + memory[kind + KIND.at]
    right, first, before = memory[head + RIGHT], memory[chain + FIRST], memory[head + NOW]
    while right > first:
        row = row_at(memory, chain, kind, right - 1)
        if memory[row] < time:
            break
        right -= 1
        for window in range(windows, windows_end, len(WINDOW)):
            at = head + memory[window + WINDOW.at]
            if right < memory[at]:
                memory[at] = right
            else:
                count_row(memory, store, at, row, -1)
                _count_ids_before(memory, store, at, row, before - memory[window + WINDOW.width], -1)
    memory[head + RIGHT] = right
    for window in range(windows, windows_end, len(WINDOW)):
        _come_back(memory, store, head, window, time)


@compiled
def _come_back(memory: Int64, store: int, head: int, window: int, time: int) -> None:
    """Let rows that had become too old into a window again."""
    kind = memory[store + STORE.rows]
    chain, at = head + memory[kind + KIND.at], head + memory[window + WINDOW.at]
    left, first = memory[at], memory[chain + FIRST]
    while left > first:
        row = row_at(memory, chain, kind, left - 1)
        if memory[row] < time - memory[window + WINDOW.width]:
            break
        left -= 1
        count_row(memory, store, at, row, 1)
        _count_ids_behind(memory, store, at, row, time, 1)
    memory[at] = left


@compiled
def _count_ids_before(memory: Int64, store: int, window: int, row: int, edge: int, sign: int) -> None:
    """Count a row's ids where their row before it is earlier than `edge`."""
    for number in range(memory[store + STORE.counted]):
        other = memory[store + STORE.first_other] + number * len(OTHER)
        if memory[row + memory[other + OTHER.previous]] < edge:
            memory[window + memory[store + STORE.seen] + number] += sign


@compiled
def _count_ids_behind(memory: Int64, store: int, window: int, row: int, time: int, sign: int) -> None:
    """Count a row's ids where their row behind it is not earlier than `time`."""
    for number in range(memory[store + STORE.counted]):
        other = memory[store + STORE.first_other] + number * len(OTHER)
        if memory[row + memory[other + OTHER.following]] >= time:
            memory[window + memory[store + STORE.seen] + number] += sign
