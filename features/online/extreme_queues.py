"""The largest amounts of a group's windows: a queue of rows that no later row exceeds, whatever the window's length.

All windows end at the same moment, so the largest amount of each is that of the queue's first row inside it (Lemire,
2006, with one queue for many windows). Rows are kept by time, not by place, so a late row moves nothing but what stands
behind it. For the smallest amounts signs are changed.
"""

from features.online.chains import BLOCKS_DROPPED, END, FIRST, close, drop_before, first_from, opened, row_at
from features.online.records import KIND
from features.windows.compilation import compiled
from features.windows.kernels import Int64


@compiled
def enqueue(memory: Int64, queue: int, kind: int, time: int, amount: int) -> None:
    """Put in a row that windows have passed, unless a later one exceeds it; earlier ones that it exceeds go."""
    place = first_from(memory, queue, kind, memory[queue + FIRST], memory[queue + END], time + 1)
    if place < memory[queue + END] and memory[row_at(memory, queue, kind, place) + 1] >= amount:
        return
    while place > memory[queue + FIRST] and memory[row_at(memory, queue, kind, place - 1) + 1] <= amount:
        place -= 1
        close(memory, queue, kind, place)
    row = opened(memory, queue, kind, place)
    memory[row], memory[row + 1] = time, amount


@compiled
def forget_until(memory: Int64, queue: int, kind: int, time: int) -> None:
    """Let some of the rows before `time` go."""
    first, end = memory[queue + FIRST], memory[queue + END]
    last = min(end, first + (BLOCKS_DROPPED << memory[kind + KIND.shift]))
    while first < last and memory[row_at(memory, queue, kind, first)] < time:
        first += 1
    drop_before(memory, queue, kind, first)


@compiled
def largest_from(memory: Int64, queue: int, kind: int, edge: int) -> tuple[int, int]:
    """Time and amount of the largest row at or behind `edge`; a time before `edge` where there is none."""
    place = first_from(memory, queue, kind, memory[queue + FIRST], memory[queue + END], edge)
    if place == memory[queue + END]:
        return edge - 1, 0
    row = row_at(memory, queue, kind, place)
    return memory[row], memory[row + 1]
