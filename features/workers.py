"""Threads that share a list of work."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Self, TypeVar

from features.scratch import Scratch

Item = TypeVar("Item")
Made = TypeVar("Made")


class Workers:
    """The calling thread and `threads` - 1 others; whichever is free takes the next piece of work.

    An executor's own map makes a future of every piece, and waking the caller for each costs as much as a small piece.
    """

    def __init__(self, threads: int) -> None:
        self._helpers = threads - 1
        self._pool = ThreadPoolExecutor(max(self._helpers, 1))
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

        helpers = [self._pool.submit(share) for _ in range(min(self._helpers, len(pieces) - 1))]
        share()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
        return [made[place] for place in range(len(pieces))]

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """Memory that nobody else works in, until the end of the block."""
        try:
            scratch = self._idle.pop()
        except IndexError:
            scratch = Scratch()
        yield scratch
        scratch.clear()
        self._idle.append(scratch)
