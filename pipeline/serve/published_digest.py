"""Digests of a state that are made of a copy, beside the thread that changes it."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.state.snapshots import AT, DIGEST


class PublishedDigest:
    """One digest at a time; one that is asked for while another is made is left out."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._found: Future[str] | None = None
        self._at = 0

    def begin(self, words: NDArray[np.int64], at: int) -> None:
        """Make the digest of a copy of a state.

        Args:
            words: the copy.
            at: how many events are behind it.
        """
        if self._found is None:
            self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="digest")
            self._found, self._at = self._thread.submit(_digest_of, words), at

    def taken(self) -> dict[str, Any] | None:
        """What a note says of the digest, once, as soon as it is there."""
        if self._found is None or not self._found.done():
            return None
        found, self._found = self._found.result(), None
        return {DIGEST: found, AT: self._at}

    def close(self) -> None:
        """Let the thread end."""
        if self._thread is not None:
            self._thread.shutdown()


def _digest_of(words: NDArray[np.int64]) -> str:
    return hashlib.sha256(words.data).hexdigest()
