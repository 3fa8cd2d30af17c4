"""Labels of a group by when they became known, frauds and legitimate ones apart.

Two sorted lists say all that is asked of labels: how many of each a window holds, which is the last one, and which
frauds are behind the last legitimate one. A label that comes late, changes or is withdrawn is put in or taken out where
it belongs, and whoever asks next searches anew.
"""

from features.online.answers import ABSENT
from features.online.arena import LATENESS, NEWEST, STORE_COUNT, STORES
from features.online.chains import END, FIRST, close, drop_before, first_from, opened, row_at
from features.online.records import KIND, STORE
from features.windows.compilation import compiled
from features.windows.kernels import NO_EVENT, Int64


@compiled
def change_labels(memory: Int64, groups: int, old: int, new: int) -> None:
    """Take a row's label out of all of its groups, and put another in.

    Args:
        memory: the state.
        groups: address of the heads of the row's groups, one a store.
        old: 2·(microsecond at which it became known) + label; NO_EVENT where there was none.
        new: the same of the label that it has from now on.
    """
    if old == new:
        return
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        head = memory[groups + place]
        if memory[store + STORE.frauds] < 0 or head == ABSENT:
            continue
        if old != NO_EVENT and (old & 1 or memory[store + STORE.legits] >= 0):
            _take_out(memory, store, head, old)
        if new != NO_EVENT and (new & 1 or memory[store + STORE.legits] >= 0):
            _put_in(memory, store, head, new)


@compiled
def _put_in(memory: Int64, store: int, head: int, key: int) -> None:
    kind = memory[store + STORE.frauds] if key & 1 else memory[store + STORE.legits]
    chain, time, earliest = (
        head + memory[kind + KIND.at],
        key >> 1,
        memory[NEWEST] - memory[LATENESS] - memory[store + STORE.label_keep],
    )
    if time < earliest:
        return
    first, end = memory[chain + FIRST], memory[chain + END]
    if end & ((1 << memory[kind + KIND.shift]) - 1) == 0:
        drop_before(memory, chain, kind, first_from(memory, chain, kind, first, end, earliest))
        first = memory[chain + FIRST]
    if first < end and memory[row_at(memory, chain, kind, end - 1)] > time:
        end = first_from(memory, chain, kind, first, end, time + 1)
    memory[opened(memory, chain, kind, end)] = time


@compiled
def _take_out(memory: Int64, store: int, head: int, key: int) -> None:
    """A label that is too old to be in any window may be gone already."""
    kind = memory[store + STORE.frauds] if key & 1 else memory[store + STORE.legits]
    chain, time = head + memory[kind + KIND.at], key >> 1
    end = memory[chain + END]
    place = first_from(memory, chain, kind, memory[chain + FIRST], end, time)
    if place < end and memory[row_at(memory, chain, kind, place)] == time:
        close(memory, chain, kind, place)
