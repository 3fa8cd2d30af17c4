"""Durability on disk: one flush for all answers that wait, which are sent in the order of the log."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pipeline.serve.refusal import RefusalError
from pipeline.state.log_writer import LogFailedError

LOST = "the log could not be flushed to the disk, so nobody knows whether the event will be there"


class GroupCommit:
    """Lets answers wait until their events are on the disk.

    Attributes:
        safe: events before this offset are there.
        flushes: how many there were.
    """

    def __init__(self, sync: Callable[[], int]) -> None:
        self.safe = 0
        self.flushes = 0
        self._sync = sync
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._flushing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="harbor-flush")

    async def reached(self, offset: int) -> None:
        """Return when the event at an offset is on the disk.

        Raises:
            RefusalError: 503, it cannot be written there.
        """
        if offset < self.safe:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append((offset, waiter))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await waiter

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                try:
                    self.safe = await loop.run_in_executor(self._thread, self._sync)
                except (OSError, LogFailedError):
                    self._fail()
                    return
                self.flushes += 1
                self._release()
        finally:
            self._flushing = None

    def _release(self) -> None:
        later = [each for each in self._waiting if each[0] >= self.safe]
        for _, waiter in sorted((each for each in self._waiting if each[0] < self.safe), key=lambda each: each[0]):
            if not waiter.done():
                waiter.set_result(None)
        self._waiting = deque(later)

    def _fail(self) -> None:
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(RefusalError(503, LOST))
        self._waiting.clear()
