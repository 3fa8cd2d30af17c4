"""Groups of few rows as their rows alone, without a head: most pairs of a card and a merchant meet once or twice.

Such a group is a region of 4, 8 or 16 words. It is unfolded into a head that belongs to nobody whenever a row of it is
in hand, and its windows are moved there from the beginning, which takes no longer than finding the group. With a row
more than the largest region holds it gets a head of its own and keeps it. Legend of a region, in words:

    the first word of its key, with how many rows it holds and the region's size in the bits above | the second | rows

Legend of what is unfolded: a head, room for `MOST_ROWS` words of rows, and last the address of the region, 0 where the
group is new.
"""

from features.online.arena import LATENESS, NEWEST, NEXT, give_back, list_of, region
from features.online.chains import CAPACITY, DIRECTORY, END, FIRST, first_from, row_at
from features.online.key_tables import VALUE_BITS, put, replace
from features.online.records import HIGH, KIND, LOW, RIGHT, STORE, WINDOW
from features.online.row_insertion import kept_moments
from features.windows.compilation import compiled
from features.windows.kernels import Int64

FEWEST_WORDS, MOST_WORDS = 4, 16
SHIFT = 4
"""Log2 of the rows of a block of such a store: as many as any region holds, and one more."""
UNFOLDED_WORDS = 2 * (1 << SHIFT) + 1
"""Words behind the head of what is unfolded: rows of a time and an amount, and the region's address."""
ROWS, SIZE = VALUE_BITS, VALUE_BITS + 8
"""The bits of the first word from which on it says how many rows there are, and how many words."""
BITS = 255


@compiled
def group_in_hand(memory: Int64, store: int, at: int, high: int, low: int) -> int:
    """The head of a group: its own, or one that it is unfolded into until another group of the store is asked for.

    Args:
        memory: the state.
        store: address of a store that keeps small groups.
        at: what the store's table says of the group; 0 where it is new.
        high: first word of its key.
        low: second one.
    """
    if at and memory[at] >> ROWS == 0:
        return at
    head, blank, words = memory[store + STORE.unfolded], memory[store + STORE.blank], memory[store + STORE.head]
    for word in range(words):
        memory[head + word] = memory[blank + word]
    memory[head + HIGH], memory[head + LOW], memory[head + RIGHT] = high, low, 1
    windows = memory[store + STORE.first_window]
    for window in range(windows, windows + memory[store + STORE.windows] * len(WINDOW), len(WINDOW)):
        memory[head + memory[window + WINDOW.at]] = 1
    kind = memory[store + STORE.rows]
    chain, block, rows, width = head + memory[kind + KIND.at], head + words, 0, memory[kind + KIND.width]
    if at:
        rows = memory[at] >> ROWS & BITS
        for word in range(rows * width):
            memory[block + width + word] = memory[at + 2 + word]
    memory[chain + DIRECTORY], memory[chain + CAPACITY] = block, 1
    memory[chain + FIRST], memory[chain + END] = 1, 1 + rows
    memory[block + UNFOLDED_WORDS - 1] = at
    return int(head)


@compiled
def is_unfolded(memory: Int64, store: int, head: int) -> bool:
    """Whether a head belongs to nobody."""
    return bool(head == memory[store + STORE.unfolded])


@compiled
def fold_group(memory: Int64, store: int) -> None:
    """Keep the rows of the group that is unfolded, where it was, in a larger region, or under a head of its own."""
    head, kind = memory[store + STORE.unfolded], memory[store + STORE.rows]
    chain, width = head + memory[kind + KIND.at], memory[kind + KIND.width]
    at = memory[head + memory[store + STORE.head] + UNFOLDED_WORDS - 1]
    room = 1 << (memory[at] >> SIZE & BITS) if at else 0
    first, end = memory[chain + FIRST], memory[chain + END]
    if at and 2 + (end - first) * width > room:
        first = _first_kept(memory, store, head)
    needed = 2 + (end - first) * width
    if needed > MOST_WORDS:
        _take_root(memory, store, at, first)
        return
    words = max(room, FEWEST_WORDS)
    while words < needed:
        words *= 2
    if words > room:
        at = _moved(memory, store, at, words)
    exponent = 0
    while 1 << exponent < words:
        exponent += 1
    memory[at], memory[at + 1] = memory[head + HIGH] | (end - first) << ROWS | exponent << SIZE, memory[head + LOW]
    _copy_rows(memory, chain, kind, first, at + 2)


@compiled
def _first_kept(memory: Int64, store: int, head: int) -> int:
    """The first row that a window or a question about last moments can still reach."""
    kind = memory[store + STORE.rows]
    chain, earliest = head + memory[kind + KIND.at], memory[NEWEST] - memory[LATENESS]
    first, end = memory[chain + FIRST], memory[chain + END]
    position = first_from(memory, chain, kind, first, end, earliest - memory[store + STORE.keep])
    return kept_moments(memory, store, head, position, earliest) if memory[store + STORE.moments] else position


@compiled
def _moved(memory: Int64, store: int, at: int, words: int) -> int:
    """A region of so many words for the group that is unfolded, which is at another place or new."""
    head = memory[store + STORE.unfolded]
    new = region(memory, words, list_of(words))
    _settle(memory, store, at, new)
    memory[new] = memory[head + HIGH]
    return new


@compiled
def _settle(memory: Int64, store: int, at: int, new: int) -> None:
    """Let the table of the store lead to another place, and give the old one back."""
    head, table = memory[store + STORE.unfolded], memory[store + STORE.table]
    if at == 0:
        put(memory, table, memory[head + HIGH], memory[head + LOW], new)
        return
    replace(memory, table, memory[head + HIGH], memory[head + LOW], new)
    give_back(memory, at, list_of(1 << (memory[at] >> SIZE & BITS)))


@compiled
def _take_root(memory: Int64, store: int, at: int, first: int) -> None:
    """A head of its own for the group that is unfolded."""
    words, kind = memory[store + STORE.head], memory[store + STORE.rows]
    unfolded = memory[store + STORE.unfolded]
    head = memory[NEXT]
    memory[NEXT] = head + words
    for word in range(words):
        memory[head + word] = memory[unfolded + word]
    block = region(memory, memory[kind + KIND.width] << SHIFT, memory[kind + KIND.unused])
    chain, old = head + memory[kind + KIND.at], unfolded + memory[kind + KIND.at]
    _copy_rows(memory, old, kind, first, block + memory[kind + KIND.width])
    memory[chain + DIRECTORY], memory[chain + END] = block, 1 + memory[old + END] - first
    _settle(memory, store, at, head)


@compiled
def _copy_rows(memory: Int64, chain: int, kind: int, first: int, to: int) -> None:
    width = memory[kind + KIND.width]
    for position in range(first, memory[chain + END]):
        row = row_at(memory, chain, kind, position)
        for word in range(width):
            memory[to + word] = memory[row + word]
        to += width
