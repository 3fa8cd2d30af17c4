"""Tables from keys of 128 bits to addresses, in parts that grow one by one.

A table that doubled as a whole would stop everything for as long as all of its keys take; a part has a thousandth of
them. A key is in the part that its upper bits name, at the first free slot behind the place of its lower ones.
"""

import numpy as np

from features.online.arena import give_back, list_of, region
from features.windows.compilation import compiled
from features.windows.kernels import Int64

PARTS_BITS = 10
PARTS = 1 << PARTS_BITS
PART_WORDS = 3
"""Where the slots of a part are, for how many there is room, and how many are taken."""
TABLE_WORDS = PARTS * PART_WORDS
HIGH, LOW, VALUE = range(3)
SLOT_WORDS = 4
"""A key, its value, and a word that makes the size a power of two."""
FEWEST_SLOTS = 4


@compiled
def found(memory: Int64, table: int, high: int, low: int) -> int:
    """The value of a key, 0 where it has none."""
    part, place = _place(table, high, low)
    capacity = memory[part + 1]
    if capacity == 0:
        return 0
    slot = memory[part] + (place & (capacity - 1)) * SLOT_WORDS
    while memory[slot + VALUE] != 0 and (memory[slot + HIGH] != high or memory[slot + LOW] != low):
        place += 1
        slot = memory[part] + (place & (capacity - 1)) * SLOT_WORDS
    return int(memory[slot + VALUE])


@compiled
def put(memory: Int64, table: int, high: int, low: int, value: int) -> None:
    """Give a key that has none a value that is not 0."""
    part, _ = _place(table, high, low)
    if 4 * (memory[part + 2] + 1) > 3 * memory[part + 1]:
        _grow(memory, table, part)
    _put(memory, table, part, high, low, value)
    memory[part + 2] += 1


@compiled
def take_out(memory: Int64, table: int, high: int, low: int) -> None:
    """Forget a key that is there; the keys behind it move to where they would be found without it."""
    part, place = _place(table, high, low)
    start, last = memory[part], memory[part + 1] - 1
    hole = place & last
    while memory[start + hole * SLOT_WORDS + HIGH] != high or memory[start + hole * SLOT_WORDS + LOW] != low:
        hole = (hole + 1) & last
    memory[part + 2] -= 1
    step = (hole + 1) & last
    while memory[start + step * SLOT_WORDS + VALUE] != 0:
        slot = start + step * SLOT_WORDS
        wanted = _place(table, memory[slot + HIGH], memory[slot + LOW])[1] & last
        if (step - wanted) & last >= (step - hole) & last:
            for word in range(SLOT_WORDS):
                memory[start + hole * SLOT_WORDS + word] = memory[slot + word]
            hole = step
        step = (step + 1) & last
    memory[start + hole * SLOT_WORDS + VALUE] = 0


@compiled
def _put(memory: Int64, table: int, part: int, high: int, low: int, value: int) -> None:
    place = _place(table, high, low)[1]
    slot = memory[part] + (place & (memory[part + 1] - 1)) * SLOT_WORDS
    while memory[slot + VALUE] != 0:
        place += 1
        slot = memory[part] + (place & (memory[part + 1] - 1)) * SLOT_WORDS
    memory[slot + HIGH], memory[slot + LOW], memory[slot + VALUE] = high, low, value


@compiled
def _grow(memory: Int64, table: int, part: int) -> None:
    """Twice the slots of a part."""
    old, capacity = memory[part], memory[part + 1]
    wider = max(2 * capacity, FEWEST_SLOTS)
    memory[part] = region(memory, wider * SLOT_WORDS, list_of(wider * SLOT_WORDS))
    memory[part + 1] = wider
    memory[memory[part] : memory[part] + wider * SLOT_WORDS] = 0
    for slot in range(old, old + capacity * SLOT_WORDS, SLOT_WORDS):
        if memory[slot + VALUE] != 0:
            _put(memory, table, part, memory[slot + HIGH], memory[slot + LOW], memory[slot + VALUE])
    if capacity:
        give_back(memory, old, list_of(capacity * SLOT_WORDS))


@compiled
def _place(table: int, high: int, low: int) -> tuple[int, int]:
    """The part of a key, and where in it to begin: a mix of all bits (splitmix64; Steele et al., 2014)."""
    mixed = np.uint64(high) ^ (np.uint64(low) * np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    part = np.int64(mixed >> np.uint64(64 - PARTS_BITS))
    return int(table + part * PART_WORDS), int(np.int64(mixed & np.uint64(0xFFFFFFFF)))
