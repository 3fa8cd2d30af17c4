"""Memory that is used again and again."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

AnyNumber = TypeVar("AnyNumber", bound=np.generic)

BLOCK = 1 << 25
"""Bytes asked for at once: so many that they come in huge pages, and only pages that are written to take memory."""

LINE = 64
"""Bytes of a cache line."""


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
