"""Threads that work beside the caller, and the memory that each keeps."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")
Made = TypeVar("Made")
AnyNumber = TypeVar("AnyNumber", bound=np.generic)

BLOCK = 1 << 25
"""Bytes asked for at once: so many that they come in huge pages, and only pages that are written to take memory."""
LINE = 64
"""Bytes of a cache line."""


class Workers:
    """The calling thread and `threads` - 1 others; whichever is free takes the next piece of work.

    An executor's own map makes a future of every piece, and waking the caller for each costs as much as a small piece.
    """

    def __init__(self, threads: int) -> None:
        self._others = threads - 1
        self._pool = ThreadPoolExecutor(max(self._others, 1))
        self._idle: list[Scratch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self._pool.shutdown()

    def map(self, work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
        """The work's results in the order of the items. A fault is raised, and no further piece is begun.

        Work may call this again: who finds no thread free does all pieces alone.
        """
        pieces = list(enumerate(items))
        made: dict[int, Made] = {}
        waiting = iter(pieces)

        def share() -> None:
            try:
                for place, item in waiting:
                    made[place] = work(item)
            except BaseException:
                list(waiting)
                raise

        others = [self._pool.submit(share) for _ in range(min(self._others, len(pieces) - 1))]
        share()
        for other in others:
            if not other.cancel():
                other.result()
        return [made[place] for place in range(len(pieces))]

    @contextmanager
    def scratch(self) -> "Iterator[Scratch]":
        """Memory that nobody else works in, until the end of the block."""
        try:
            scratch = self._idle.pop()
        except IndexError:
            scratch = Scratch()
        yield scratch
        scratch.clear()
        self._idle.append(scratch)


class Scratch:
    """Arrays for one thread, all of which end at once.

    Memory that goes back to the system after every array comes back page by page, which takes longer than most loops.
    """

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint8]] = []
        self._full = 0
        self._used = 0

    def empty(self, rows: int, dtype: type[AnyNumber]) -> NDArray[AnyNumber]:
        """An array [rows] of whatever was there."""
        size = rows * np.dtype(dtype).itemsize
        if size > BLOCK:
            return np.empty(rows, dtype)
        if self._used + size > BLOCK:
            self._full, self._used = self._full + 1, 0
        if self._full == len(self._blocks):
            self._blocks.append(np.empty(BLOCK, np.uint8))
        array = self._blocks[self._full][self._used : self._used + size]
        self._used += -(-size // LINE) * LINE
        return array.view(dtype)

    def clear(self) -> None:
        """End all arrays: what is asked for next takes their place."""
        self._full = self._used = 0
