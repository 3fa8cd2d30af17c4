"""Locks on files: who comes second is told so, at once or after as long as the work may take."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pipeline.storage.atomic import working_folder


class LockedError(RuntimeError):
    """Another job holds the lock of the run, store or registry."""


@contextlib.contextmanager
def held(path: Path, message: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file, made with its folder if it is not there, for the time of a `with` block.

    Args:
        path: the lock file; it stays behind when the lock is released.
        message: what to say where another holds it.
        patience: seconds to wait for the other; none where its work takes longer than anybody waits.

    Raises:
        LockedError: with the message, where another holds it for longer than that.
    """
    working_folder(path.parent)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        raise LockedError(message) from None
    try:
        yield
    finally:
        lock.release()
