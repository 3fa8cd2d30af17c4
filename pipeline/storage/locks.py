"""Locks on files that nobody waits for: who comes second is told so."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.storage.atomic import working_folder


class LockedError(RuntimeError):
    """Another job holds the lock of the run, store or registry."""


@contextlib.contextmanager
def held(path: Path, message: str) -> Iterator[None]:
    """Hold a lock file, made with its folder if it is not there, for the time of a `with` block.

    Raises:
        LockedError: with the message, where another process holds it.
    """
    working_folder(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(message) from None
    try:
        yield
    finally:
        lock.release()
