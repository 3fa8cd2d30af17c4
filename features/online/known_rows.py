"""Which rows were accepted: so that one that comes twice counts once, and a label finds its row and the label before.

Rows stand in order of arrival in a chain, and a table has each row's place by its key. A row that is older than the
state remembers leaves both. Legend of a known row, in words:

    KEY_HIGH KEY_LOW | TIME AMOUNT | LABEL | the group of each id
"""

import numpy as np
from numpy.typing import NDArray

from features.online.answers import ABSENT
from features.online.arena import KNOWN, KNOWN_KIND, NEWEST, REMEMBERED, STORE_COUNT, STORES
from features.online.chains import END, FIRST, WORDS, drop_before, opened, row_at
from features.online.key_tables import found, put, take_out
from features.online.records import KIND, KNOWN_WORDS, STORE
from features.windows.compilation import compiled
from features.windows.kernels import Int64

KEY_HIGH, KEY_LOW, TIME, AMOUNT, LABEL = range(KNOWN_WORDS)
FORGOTTEN_AT_ONCE = 4
"""Rows forgotten for one that comes, at most: more than one, so that none stays for good."""


@compiled
def known_row(memory: Int64, chain: int, kind: int, high: int, low: int) -> int:
    """The address of the row with a key, 0 where there is none; the address holds until the next row is accepted."""
    place = found(memory, chain + WORDS, high, low)
    return row_at(memory, chain, kind, place - 1) if place else 0


@compiled
def labels_of(memory: Int64, keys: Int64, are_known: NDArray[np.bool_], labels: Int64) -> None:
    """Mark the rows that are known by their keys [n, 2], and fill in their labels [n]."""
    for place in range(len(keys)):
        row = known_row(memory, memory[KNOWN], memory[KNOWN_KIND], keys[place, 0], keys[place, 1])
        if row:
            are_known[place], labels[place] = True, memory[row + LABEL]


@compiled
def remember_row(memory: Int64, chain: int, groups: int, event: Int64) -> None:
    """Let a row be known by its key, and forget some of those that are too old.

    Args:
        memory: the state.
        chain: address of the chain of known rows.
        groups: address of the heads of the row's groups, one a store.
        event: the row's own words: those before the groups.
    """
    kind = memory[KNOWN_KIND]
    _forget_rows(memory, chain, kind)
    position = memory[chain + END]
    row = opened(memory, chain, kind, position)
    memory[row : row + KNOWN_WORDS] = event
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        if memory[store + STORE.left] < 0:
            memory[row + KNOWN_WORDS + memory[store + STORE.last]] = memory[groups + place]
    put(memory, chain + WORDS, event[KEY_HIGH], event[KEY_LOW], position + 1)


@compiled
def has_content(memory: Int64, row: int, groups: int, event: Int64) -> bool:
    """Whether a known row has this time and amount, and these groups."""
    if memory[row + TIME] != event[TIME] or memory[row + AMOUNT] != event[AMOUNT]:
        return False
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        alone = memory[store + STORE.left] < 0
        if alone and memory[row + KNOWN_WORDS + memory[store + STORE.last]] != memory[groups + place]:
            return False
    return True


@compiled
def groups_of_known(memory: Int64, row: int, groups: int) -> None:
    """Fill the heads of a known row's groups, where the id alone has one."""
    for place in range(memory[STORE_COUNT]):
        store = memory[STORES] + place * len(STORE)
        if memory[store + STORE.left] < 0:
            memory[groups + place] = memory[row + KNOWN_WORDS + memory[store + STORE.last]]
        else:
            memory[groups + place] = ABSENT


@compiled
def _forget_rows(memory: Int64, chain: int, kind: int) -> None:
    """Rows leave their table one by one, and the chain a block at a time."""
    first, block = memory[chain + FIRST], (1 << memory[kind + KIND.shift]) - 1
    for _ in range(FORGOTTEN_AT_ONCE):
        if first == memory[chain + END]:
            return
        row = row_at(memory, chain, kind, first)
        if memory[row + TIME] >= memory[NEWEST] - memory[REMEMBERED]:
            return
        take_out(memory, chain + WORDS, memory[row + KEY_HIGH], memory[row + KEY_LOW])
        first += 1
        if first & block == 0:
            drop_before(memory, chain, kind, first)
        else:
            memory[chain + FIRST] = first
