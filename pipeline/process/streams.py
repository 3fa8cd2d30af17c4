"""Standard output and error that neither end a job nor tell what must not be told.

A terminal may lack a character, and whoever reads a pipe may leave before the job is done: neither is a fault of the
work. What libraries write to standard error by themselves, warnings and tracebacks of threads, is masked on its way.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from pipeline.process.terminal import shown_line

GONE = (errno.EPIPE, errno.EIO, errno.EBADF)
"""What a write ends in where nobody reads any more: a closed pipe, a terminal that went, a descriptor that is none."""
RECORD = '{"time": '
"""What a line of a JSON log begins with; it was masked when it was made, and numbers in it must stay numbers."""


class LastingStream:
    """A text stream that drops what nobody can read any more; with `mask`, whole lines pass through it first."""

    def __init__(self, inner: TextIO, mask: Callable[[str], str] | None = None) -> None:
        self._inner, self._mask, self._line = inner, mask, ""

    def write(self, text: str) -> int:
        """Take in text; what is masked goes on line by line, so that no number is cut in two.

        Raises:
            TypeError: it is no text; libraries tell a binary stream by its taking bytes.
        """
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._mask is None:
            self._send(text)
            return len(text)
        *lines, self._line = f"{self._line}{text}".split("\n")
        for line in lines:
            self._send(f"{self._masked(line)}\n")
        return len(text)

    def flush(self) -> None:
        """Send the line that was begun, and what the stream holds back."""
        rest, self._line = self._line, ""
        self._send(self._masked(rest))
        self._quietly(self._inner.flush)

    @contextlib.contextmanager
    def unmasked(self) -> Iterator[None]:
        """Meanwhile, what is written goes on as it is."""
        self.flush()
        mask, self._mask = self._mask, None
        try:
            yield
        finally:
            self._mask = mask

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _masked(self, line: str) -> str:
        return line if self._mask is None or line.startswith(RECORD) else self._mask(line)

    def _send(self, text: str) -> None:
        if text:
            self._quietly(lambda: self._inner.write(text))

    def _quietly(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            if error.errno not in GONE:
                raise
            _point_nowhere(self._inner)


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """Meanwhile, standard output and error are such streams, and show a mark for what their encoding lacks."""
    before = sys.stdout, sys.stderr
    with contextlib.ExitStack() as stack:
        for name, mask in (("stdout", None), ("stderr", library_line)):
            inner = getattr(sys, name) or stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
            if hasattr(inner, "reconfigure"):
                inner.reconfigure(errors="replace")
            setattr(sys, name, LastingStream(inner, mask))
        try:
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                cast(TextIO, stream).flush()
            sys.stdout, sys.stderr = before


@contextlib.contextmanager
def own_words() -> Iterator[None]:
    """Meanwhile, standard error takes what is written as it is: colours, and texts that are fit to be shown."""
    stream = sys.stderr
    if not isinstance(stream, LastingStream):
        yield
        return
    with stream.unmasked():
        yield


def library_line(line: str) -> str:
    """A line that a library wrote as a person gets it; of a bar that is drawn over itself, the last state."""
    return shown_line(line.rstrip("\r").rpartition("\r")[2])


def _point_nowhere(stream: TextIO) -> None:
    """Let a descriptor that nobody reads swallow the rest, or the interpreter stumbles over it once more at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
