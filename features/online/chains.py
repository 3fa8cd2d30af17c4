"""Sorted rows in blocks of a fixed size: appending never moves a row, and a late row moves those behind it only.

A chain is four words: a directory of its blocks, how many blocks the directory has room for, and the positions of the
first row and behind the last one. Positions only grow, so a row's block follows from its position, and dropping the
oldest rows gives whole blocks back. A chain of one block has no directory: the word is the block. The first word of a
row is what rows are sorted by.
"""

from features.online.arena import give_back, list_of, region
from features.online.records import KIND
from features.windows.compilation import compiled
from features.windows.kernels import Int64

DIRECTORY, CAPACITY, FIRST, END = range(4)
WORDS = 4
"""Words of a chain."""
BLOCKS_DROPPED = 8
"""Blocks given back at once at most: more than one for each that comes, and few enough to be no pause."""


@compiled
def row_at(memory: Int64, chain: int, kind: int, position: int) -> int:
    """The address of the row at a position."""
    block = memory[chain + DIRECTORY]
    capacity = memory[chain + CAPACITY]
    if capacity > 1:
        block = memory[block + ((position >> memory[kind + KIND.shift]) & (capacity - 1))]
    return int(block + (position & ((1 << memory[kind + KIND.shift]) - 1)) * memory[kind + KIND.width])


@compiled
def first_from(memory: Int64, chain: int, kind: int, low: int, high: int, key: int) -> int:
    """The first of the positions `low` to `high` - 1 whose row is at or behind `key`; `high` where none is."""
    while low < high:
        middle = (low + high) >> 1
        if memory[row_at(memory, chain, kind, middle)] < key:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def sought(memory: Int64, chain: int, kind: int, hint: int, key: int) -> int:
    """The first position at or behind `key`, looked for from `hint` on in steps that double."""
    first, end = memory[chain + FIRST], memory[chain + END]
    low = high = min(max(hint, first), end)
    step = 1
    while high < end and memory[row_at(memory, chain, kind, high)] < key:
        low, high = high + 1, min(high + step, end)
        step *= 2
    step = 1
    while low > first and memory[row_at(memory, chain, kind, low - 1)] >= key:
        high, low = low - 1, max(low - step, first)
        step *= 2
    return first_from(memory, chain, kind, low, high, key)


@compiled
def opened(memory: Int64, chain: int, kind: int, position: int) -> int:
    """The address of a new row at a position; rows from there on move up by one."""
    if memory[chain + END] & ((1 << memory[kind + KIND.shift]) - 1) == 0:
        _add_block(memory, chain, kind)
    row = row_at(memory, chain, kind, memory[chain + END])
    for later in range(memory[chain + END] - 1, position - 1, -1):
        earlier = row_at(memory, chain, kind, later)
        for word in range(memory[kind + KIND.width]):
            memory[row + word] = memory[earlier + word]
        row = earlier
    memory[chain + END] += 1
    return row


@compiled
def close(memory: Int64, chain: int, kind: int, position: int) -> None:
    """Take the row at a position away; rows behind it move down by one."""
    row = row_at(memory, chain, kind, position)
    end = memory[chain + END] = memory[chain + END] - 1
    for earlier in range(position, end):
        later = row_at(memory, chain, kind, earlier + 1)
        for word in range(memory[kind + KIND.width]):
            memory[row + word] = memory[later + word]
        row = later
    if end & ((1 << memory[kind + KIND.shift]) - 1) == 0:
        give_back(memory, row_at(memory, chain, kind, end), memory[kind + KIND.unused])


@compiled
def drop_before(memory: Int64, chain: int, kind: int, position: int) -> None:
    """Let rows before a position go, a few blocks at a time."""
    block = memory[chain + FIRST] >> memory[kind + KIND.shift]
    last = min(position >> memory[kind + KIND.shift], block + BLOCKS_DROPPED)
    while block < last:
        give_back(memory, row_at(memory, chain, kind, block << memory[kind + KIND.shift]), memory[kind + KIND.unused])
        block += 1
        memory[chain + FIRST] = block << memory[kind + KIND.shift]


@compiled
def _add_block(memory: Int64, chain: int, kind: int) -> None:
    block = memory[chain + END] >> memory[kind + KIND.shift]
    if block - (memory[chain + FIRST] >> memory[kind + KIND.shift]) == memory[chain + CAPACITY]:
        _widen(memory, chain, kind)
    address = region(memory, memory[kind + KIND.width] << memory[kind + KIND.shift], memory[kind + KIND.unused])
    if memory[chain + CAPACITY] == 1:
        memory[chain + DIRECTORY] = address
    else:
        memory[memory[chain + DIRECTORY] + (block & (memory[chain + CAPACITY] - 1))] = address


@compiled
def _widen(memory: Int64, chain: int, kind: int) -> None:
    """Twice the room for blocks."""
    capacity = memory[chain + CAPACITY]
    if capacity:
        directory = region(memory, 2 * capacity, list_of(2 * capacity))
        first = memory[chain + FIRST] >> memory[kind + KIND.shift]
        for block in range(first, first + capacity):
            address = row_at(memory, chain, kind, block << memory[kind + KIND.shift])
            memory[directory + (block & (2 * capacity - 1))] = address
        if capacity > 1:
            give_back(memory, memory[chain + DIRECTORY], list_of(capacity))
        memory[chain + DIRECTORY] = directory
    memory[chain + CAPACITY] = max(2 * capacity, 1)
