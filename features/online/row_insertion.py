"""A row put where it belongs in its groups, and every window that it belongs to made to know it.

Rows of a group are in order of time, those of one time in order of arrival. A row that comes late moves the rows behind
it, enters the sums of windows that had passed it, and stands between the links of its ids: so whatever the order in
which rows came, a state is asked as if they had come in order.
"""

import numpy as np

from features.online.answers import ABSENT
from features.online.arena import LATENESS, NEWEST
from features.online.chains import END, FIRST, drop_before, first_from, opened, row_at
from features.online.extreme_queues import enqueue, forget_until
from features.online.moving_windows import count_row
from features.online.records import KIND, NEVER_DROPPED, NOW, OTHER, RIGHT, STORE, WINDOW
from features.windows.compilation import compiled
from features.windows.kernels import Int64

NO_TIME = int(np.iinfo(np.int64).min)
NO_LATER_TIME = int(np.iinfo(np.int64).max)


@compiled
def cover_rows(memory: Int64, store: int, head: int, first: int) -> None:
    """Let the queues of extremes know the rows from position `first` on that windows have passed."""
    if memory[store + STORE.largest] < 0 and memory[store + STORE.smallest] < 0:
        return
    rows = memory[store + STORE.rows]
    for position in range(first, memory[head + RIGHT]):
        row = row_at(memory, head + memory[rows + KIND.at], rows, position)
        _enqueue_extremes(memory, store, head, row)


@compiled
def insert_row(memory: Int64, store: int, groups: int, place: int, time: int, amount: int) -> None:
    """Insert a row into its group of the store at `place`; `groups` is the address of the heads of its groups."""
    head = memory[groups + place]
    kind = memory[store + STORE.rows]
    chain = head + memory[kind + KIND.at]
    drop_old_rows(memory, store, head)
    end = memory[chain + END]
    position = end
    if memory[chain + FIRST] < end and memory[row_at(memory, chain, kind, end - 1)] > time:
        position = first_from(memory, chain, kind, memory[chain + FIRST], end, time + 1)
    row = opened(memory, chain, kind, position)
    memory[row] = time
    if memory[store + STORE.amount] >= 0:
        memory[row + memory[store + STORE.amount]] = amount
    _link(memory, store, groups, place, row)
    if time < memory[head + NOW]:
        _let_windows_know(memory, store, head, row)


@compiled
def drop_old_rows(memory: Int64, store: int, head: int) -> None:
    """Let rows go that no window and no question about last moments can reach, when a block is full."""
    kind = memory[store + STORE.rows]
    chain = head + memory[kind + KIND.at]
    if memory[chain + END] & ((1 << memory[kind + KIND.shift]) - 1) != 0:
        return
    earliest = memory[NEWEST] - memory[LATENESS]
    position = memory[head + RIGHT]
    windows = memory[store + STORE.first_window]
    for window in range(windows, windows + memory[store + STORE.windows] * len(WINDOW), len(WINDOW)):
        position = min(position, memory[head + memory[window + WINDOW.at]])
    first = memory[chain + FIRST]
    if first == position or memory[row_at(memory, chain, kind, first)] >= earliest - memory[store + STORE.keep]:
        return
    position = first_from(memory, chain, kind, first, position, earliest - memory[store + STORE.keep])
    if memory[store + STORE.moments]:
        position = kept_moments(memory, store, head, position, earliest)
    drop_before(memory, chain, kind, position)


@compiled
def kept_moments(memory: Int64, store: int, head: int, position: int, earliest: int) -> int:
    """The position, or an earlier one of the first row of the last moments that may be asked about."""
    kind = memory[store + STORE.rows]
    chain = head + memory[kind + KIND.at]
    first, end = memory[chain + FIRST], memory[chain + END]
    place = (
        first
        if memory[store + STORE.moments] == NEVER_DROPPED
        else first_from(memory, chain, kind, first, end, earliest)
    )
    for _ in range(memory[store + STORE.moments]):
        if place == first:
            break
        then = memory[row_at(memory, chain, kind, place - 1)]
        place = first_from(memory, chain, kind, first, place, then)
    if memory[store + STORE.reach] < earliest - memory[row_at(memory, chain, kind, first)]:
        place = max(place, first_from(memory, chain, kind, first, end, earliest - memory[store + STORE.reach]))
    return min(position, place)


@compiled
def _link(memory: Int64, store: int, groups: int, place: int, row: int) -> None:
    """Fill a row's other groups and, where they are counted, when each came before and comes behind."""
    for number in range(memory[store + STORE.others]):
        other = memory[store + STORE.first_other] + number * len(OTHER)
        code = memory[groups + memory[other + OTHER.store]]
        memory[row + memory[other + OTHER.code]] = code
        if number >= memory[store + STORE.counted]:
            continue
        if code == ABSENT:
            memory[row + memory[other + OTHER.previous]], memory[row + memory[other + OTHER.following]] = (
                NO_LATER_TIME,
                NO_TIME,
            )
            continue
        pair, times = memory[groups + memory[other + OTHER.pair]], memory[other + OTHER.rows]
        previous, following = _around(memory, pair + memory[times + KIND.at], times, memory[row])
        memory[row + memory[other + OTHER.previous]], memory[row + memory[other + OTHER.following]] = (
            previous,
            following,
        )
        chain, kind = memory[groups + place] + memory[memory[store + STORE.rows] + KIND.at], memory[store + STORE.rows]
        if previous != NO_TIME:
            _relink(
                memory,
                chain,
                kind,
                row,
                memory[other + OTHER.code],
                memory[other + OTHER.previous],
                memory[other + OTHER.following],
            )
        if following != NO_LATER_TIME:
            _relink(
                memory,
                chain,
                kind,
                row,
                memory[other + OTHER.code],
                memory[other + OTHER.following],
                memory[other + OTHER.previous],
            )


@compiled
def _around(memory: Int64, chain: int, kind: int, time: int) -> tuple[int, int]:
    """The last time at or before, and the first one behind, `time`."""
    first, end = memory[chain + FIRST], memory[chain + END]
    place = end
    if first < end and memory[row_at(memory, chain, kind, end - 1)] > time:
        place = first_from(memory, chain, kind, first, end, time + 1)
    previous = memory[row_at(memory, chain, kind, place - 1)] if place > first else NO_TIME
    return previous, memory[row_at(memory, chain, kind, place)] if place < end else NO_LATER_TIME


@compiled
def _relink(memory: Int64, chain: int, kind: int, row: int, code: int, link: int, back: int) -> None:
    """Let the neighbour of a new row, the one of its id at the time in its word `link`, be linked `back` to it.

    Of several rows of the id at that time, it is the one that was linked to where the new row's own link back goes.
    """
    end = memory[chain + END]
    position = first_from(memory, chain, kind, memory[chain + FIRST], end, memory[row + link])
    while position < end:
        neighbour = row_at(memory, chain, kind, position)
        if memory[neighbour] != memory[row + link]:
            return
        same = neighbour != row and memory[neighbour + code] == memory[row + code]
        if same and memory[neighbour + back] == memory[row + back]:
            memory[neighbour + back] = memory[row]
            return
        position += 1


@compiled
def _let_windows_know(memory: Int64, store: int, head: int, row: int) -> None:
    """Bring a late row into the windows that have passed it."""
    memory[head + RIGHT] += 1
    now, time = memory[head + NOW], memory[row]
    windows = memory[store + STORE.first_window]
    for window in range(windows, windows + memory[store + STORE.windows] * len(WINDOW), len(WINDOW)):
        at = head + memory[window + WINDOW.at]
        if time < now - memory[window + WINDOW.width]:
            memory[at] += 1
            continue
        count_row(memory, store, at, row, 1)
        for number in range(memory[store + STORE.counted]):
            other = memory[store + STORE.first_other] + number * len(OTHER)
            if (
                memory[row + memory[other + OTHER.previous]] < now - memory[window + WINDOW.width]
                and memory[row + memory[other + OTHER.following]] >= now
            ):
                memory[at + memory[store + STORE.seen] + number] += 1
    _enqueue_extremes(memory, store, head, row)


@compiled
def _enqueue_extremes(memory: Int64, store: int, head: int, row: int) -> None:
    limit = memory[NEWEST] - memory[LATENESS] - memory[store + STORE.keep]
    if memory[store + STORE.largest] >= 0:
        kind = memory[store + STORE.largest]
        forget_until(memory, head + memory[kind + KIND.at], kind, limit)
        enqueue(memory, head + memory[kind + KIND.at], kind, memory[row], memory[row + memory[store + STORE.amount]])
    if memory[store + STORE.smallest] >= 0:
        kind = memory[store + STORE.smallest]
        forget_until(memory, head + memory[kind + KIND.at], kind, limit)
        enqueue(memory, head + memory[kind + KIND.at], kind, memory[row], -memory[row + memory[store + STORE.amount]])
