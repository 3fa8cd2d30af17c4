"""Tables from keys of 128 bits to where what they name is kept, in parts that grow one by one.

A table that doubled as a whole would stop everything for as long as all of its keys take; a part has a thousandth of
them. A key is in the part that its upper bits name, at the first free slot behind the place of its lower ones.

A slot is one word: a value, and above it bits of the key's mix, which tell nearly all other keys apart and give a key's
place again when its part grows. The key itself stands where the value leads: the first two words there.
"""

import numpy as np

from features.online.arena import give_back, list_of, region
from features.online.chains import row_at
from features.windows.compilation import compiled
from features.windows.kernels import Int64

CHAIN, KIND, MASK = range(3)
"""Words before the parts: the chain of whose rows values are the places, counted from 1 on, or 0 where values are
addresses; the record of its kind; and which bits of the first word belong to the key."""
HEADER_WORDS = 3
PARTS_BITS = 10
PARTS = 1 << PARTS_BITS
PART_WORDS = 3
"""Where the slots of a part are, for how many there is room, and how many are taken."""
TABLE_WORDS = HEADER_WORDS + PARTS * PART_WORDS
FEWEST_SLOTS = 4
VALUE_BITS = 40
VALUES = (1 << VALUE_BITS) - 1
"""The bits of a slot that are its value."""
TAGS = (1 << (63 - VALUE_BITS)) - 1


@compiled
def found(memory: Int64, table: int, high: int, low: int) -> int:
    """The value of a key, 0 where it has none."""
    part, tag = _place(table, high, low)
    if memory[part + 1] == 0:
        return 0
    return int(memory[_slot(memory, table, part, tag, high, low)] & VALUES)


@compiled
def put(memory: Int64, table: int, high: int, low: int, value: int) -> None:
    """Give a key that has none a value that is not 0."""
    part, tag = _place(table, high, low)
    if 4 * (memory[part + 2] + 1) > 3 * memory[part + 1]:
        _grow(memory, part)
    _put(memory, part, tag << VALUE_BITS | value)
    memory[part + 2] += 1


@compiled
def replace(memory: Int64, table: int, high: int, low: int, value: int) -> None:
    """Give a key that is there another value; where the old one leads, the key must still stand."""
    part, tag = _place(table, high, low)
    memory[_slot(memory, table, part, tag, high, low)] = tag << VALUE_BITS | value


@compiled
def take_out(memory: Int64, table: int, high: int, low: int) -> None:
    """Forget a key that is there; the keys behind it move to where they would be found without it."""
    part, tag = _place(table, high, low)
    start, last = memory[part], memory[part + 1] - 1
    hole = _slot(memory, table, part, tag, high, low) - start
    memory[part + 2] -= 1
    step = (hole + 1) & last
    while memory[start + step] != 0:
        wanted = memory[start + step] >> VALUE_BITS & last
        if (step - wanted) & last >= (step - hole) & last:
            memory[start + hole] = memory[start + step]
            hole = step
        step = (step + 1) & last
    memory[start + hole] = 0


@compiled
def _slot(memory: Int64, table: int, part: int, tag: int, high: int, low: int) -> int:
    """The address of a key's slot, or of the free one where it would be."""
    start, last = memory[part], memory[part + 1] - 1
    place = tag & last
    while memory[start + place] != 0:
        slot = memory[start + place]
        if slot >> VALUE_BITS == tag:
            at = _key(memory, table, slot & VALUES)
            if memory[at] & memory[table + MASK] == high and memory[at + 1] == low:
                break
        place = (place + 1) & last
    return int(start + place)


@compiled
def _key(memory: Int64, table: int, value: int) -> int:
    chain = memory[table + CHAIN]
    return row_at(memory, chain, memory[table + KIND], value - 1) if chain else value


@compiled
def _put(memory: Int64, part: int, slot: int) -> None:
    start, last = memory[part], memory[part + 1] - 1
    place = slot >> VALUE_BITS & last
    while memory[start + place] != 0:
        place = (place + 1) & last
    memory[start + place] = slot


@compiled
def _grow(memory: Int64, part: int) -> None:
    """Twice the slots of a part."""
    old, capacity = memory[part], memory[part + 1]
    wider = max(2 * capacity, FEWEST_SLOTS)
    memory[part] = region(memory, wider, list_of(wider))
    memory[part + 1] = wider
    memory[memory[part] : memory[part] + wider] = 0
    for slot in range(old, old + capacity):
        if memory[slot] != 0:
            _put(memory, part, memory[slot])
    if capacity:
        give_back(memory, old, list_of(capacity))


@compiled
def _place(table: int, high: int, low: int) -> tuple[int, int]:
    """The part of a key, and the bits that its slot keeps: a mix of all bits (splitmix64; Steele et al., 2014)."""
    mixed = np.uint64(high) ^ (np.uint64(low) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    part = np.int64(mixed >> np.uint64(64 - PARTS_BITS))
    return int(table + HEADER_WORDS + part * PART_WORDS), int(np.int64(mixed & np.uint64(TAGS)))
