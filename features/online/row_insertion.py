"""A row put where it belongs in its groups, and every window that it belongs to made to know it.

Rows of a group are in order of time, those of one time in order of arrival. A row that comes late moves the rows behind
it, enters the sums of windows that had passed it, and stands between the links of its ids: so whatever the order in
which rows came, a state is asked as if they had come in order.
"""

import numpy as np

from features.online.answers import ABSENT
from features.online.arena import LATENESS, NEWEST
from features.online.chains import END, FIRST, Kind, drop_before, first_from, opened, row_at
from features.online.extreme_queues import enqueue, forget_until
from features.online.moving_windows import Store, count_row
from features.online.plan import NEVER_DROPPED, NOW, RIGHT, Tables
from features.windows.compilation import compiled
from features.windows.kernels import Int64

NO_TIME = int(np.iinfo(np.int64).min)
NO_LATER_TIME = int(np.iinfo(np.int64).max)


@compiled
def cover_rows(memory: Int64, tables: Tables, store: Store, head: int, first: int) -> None:
    """Let the queues of extremes know the rows from position `first` on that windows have passed."""
    if store.largest < 0 and store.smallest < 0:
        return
    rows = tables.kinds[store.rows]
    for position in range(first, memory[head + RIGHT]):
        row = row_at(memory, head + rows.at, rows, position)
        _enqueue_extremes(memory, tables, store, head, row)


@compiled
def insert_row(memory: Int64, tables: Tables, store: Store, groups: int, place: int, time: int, amount: int) -> None:
    """Insert a row into its group of the store at `place`; `groups` is the address of the heads of its groups."""
    head = memory[groups + place]
    kind = tables.kinds[store.rows]
    chain = head + kind.at
    drop_old_rows(memory, tables, store, head)
    end = memory[chain + END]
    position = end
    if memory[chain + FIRST] < end and memory[row_at(memory, chain, kind, end - 1)] > time:
        position = first_from(memory, chain, kind, memory[chain + FIRST], end, time + 1)
    row = opened(memory, chain, kind, position)
    memory[row] = time
    if store.amount >= 0:
        memory[row + store.amount] = amount
    _link(memory, tables, store, groups, place, row)
    if time < memory[head + NOW]:
        _let_windows_know(memory, tables, store, head, row)


@compiled
def drop_old_rows(memory: Int64, tables: Tables, store: Store, head: int) -> None:
    """Let rows go that no window and no question about last moments can reach, when a block is full."""
    kind = tables.kinds[store.rows]
    chain = head + kind.at
    if memory[chain + END] & ((1 << kind.shift) - 1) != 0:
        return
    earliest = memory[NEWEST] - memory[LATENESS]
    position = memory[head + RIGHT]
    for place in range(store.first_window, store.first_window + store.windows):
        position = min(position, memory[head + tables.windows[place].at])
    first = memory[chain + FIRST]
    if first == position or memory[row_at(memory, chain, kind, first)] >= earliest - store.keep:
        return
    position = first_from(memory, chain, kind, first, position, earliest - store.keep)
    if store.moments:
        position = _kept_moments(memory, tables, store, head, position, earliest)
    drop_before(memory, chain, kind, position)


@compiled
def _kept_moments(memory: Int64, tables: Tables, store: Store, head: int, position: int, earliest: int) -> int:
    """The position, or an earlier one of the first row of the last moments that may be asked about."""
    kind = tables.kinds[store.rows]
    chain = head + kind.at
    first, end = memory[chain + FIRST], memory[chain + END]
    place = first if store.moments == NEVER_DROPPED else first_from(memory, chain, kind, first, end, earliest)
    for _ in range(store.moments):
        if place == first:
            break
        then = memory[row_at(memory, chain, kind, place - 1)]
        place = first_from(memory, chain, kind, first, place, then)
    if store.reach < earliest - memory[row_at(memory, chain, kind, first)]:
        place = max(place, first_from(memory, chain, kind, first, end, earliest - store.reach))
    return min(position, place)


@compiled
def _link(memory: Int64, tables: Tables, store: Store, groups: int, place: int, row: int) -> None:
    """Fill a row's other groups and, where they are counted, when each came before and comes behind."""
    for number in range(store.others):
        other = tables.others[store.first_other + number]
        code = memory[groups + other.store]
        memory[row + other.code] = code
        if number >= store.counted:
            continue
        if code == ABSENT:
            memory[row + other.previous], memory[row + other.following] = NO_LATER_TIME, NO_TIME
            continue
        pair, times = memory[groups + other.pair], tables.kinds[tables.stores[other.pair].rows]
        previous, following = _around(memory, pair + times.at, times, memory[row])
        memory[row + other.previous], memory[row + other.following] = previous, following
        chain, kind = memory[groups + place] + tables.kinds[store.rows].at, tables.kinds[store.rows]
        if previous != NO_TIME:
            _relink(memory, chain, kind, row, other.code, other.previous, other.following)
        if following != NO_LATER_TIME:
            _relink(memory, chain, kind, row, other.code, other.following, other.previous)


@compiled
def _around(memory: Int64, chain: int, kind: Kind, time: int) -> tuple[int, int]:
    """The last time at or before, and the first one behind, `time`."""
    first, end = memory[chain + FIRST], memory[chain + END]
    place = end
    if first < end and memory[row_at(memory, chain, kind, end - 1)] > time:
        place = first_from(memory, chain, kind, first, end, time + 1)
    previous = memory[row_at(memory, chain, kind, place - 1)] if place > first else NO_TIME
    return previous, memory[row_at(memory, chain, kind, place)] if place < end else NO_LATER_TIME


@compiled
def _relink(memory: Int64, chain: int, kind: Kind, row: int, code: int, link: int, back: int) -> None:
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
def _let_windows_know(memory: Int64, tables: Tables, store: Store, head: int, row: int) -> None:
    """Bring a late row into the windows that have passed it."""
    memory[head + RIGHT] += 1
    now, time = memory[head + NOW], memory[row]
    for place in range(store.first_window, store.first_window + store.windows):
        window = tables.windows[place]
        at = head + window.at
        if time < now - window.width:
            memory[at] += 1
            continue
        count_row(memory, store, at, row, 1)
        for number in range(store.counted):
            other = tables.others[store.first_other + number]
            if memory[row + other.previous] < now - window.width and memory[row + other.following] >= now:
                memory[at + store.seen + number] += 1
    _enqueue_extremes(memory, tables, store, head, row)


@compiled
def _enqueue_extremes(memory: Int64, tables: Tables, store: Store, head: int, row: int) -> None:
    limit = memory[NEWEST] - memory[LATENESS] - store.keep
    if store.largest >= 0:
        kind = tables.kinds[store.largest]
        forget_until(memory, head + kind.at, kind, limit)
        enqueue(memory, head + kind.at, kind, memory[row], memory[row + store.amount])
    if store.smallest >= 0:
        kind = tables.kinds[store.smallest]
        forget_until(memory, head + kind.at, kind, limit)
        enqueue(memory, head + kind.at, kind, memory[row], -memory[row + store.amount])
