"""The writing end of a log: records go behind one another into segments, and one that did not go whole ends it.

A record is on its way to the disk when `append` returns, and survives the end of this process; it survives a loss of
power behind the next `sync`. After a write that failed nothing more is written: what is in memory is ahead of the log
then, and only a new start, which reads the log, knows where it really ends.
"""

import contextlib
import os
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from pipeline.state.event_log import LARGEST_SEGMENT, START_BYTES, SUFFIX, segment_start
from pipeline.storage.atomic import sync_folder

SEGMENT_BYTES = 1 << 28


class LogFailedError(RuntimeError):
    """The log could not be written, and takes nothing until the process has begun anew."""


class LogWriter:
    """Appends records to a log that ends at an offset.

    The first record opens a segment, or goes behind those of the last one where that has room. `offset` is that of the
    next record, `segment` and `place` are the first offset of the last one's segment and its byte there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offset: int,
        features_sha256: str,
        last: Path | None = None,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Begin behind the last event.

        Args:
            folder: of the log.
            offset: of the next event.
            features_sha256: of the state's specification.
            last: a segment of today's format that ends in a whole record, to go on with.
            segment_bytes: at which the next segment begins.
        """
        self.folder, self.offset = folder, offset
        self.segment, self.place, self.size = offset, 0, 0
        self.is_writable = True
        self._start, self._limit = segment_start(features_sha256), min(segment_bytes, LARGEST_SEGMENT)
        self._file: int | None = None
        self._exchange = Lock()
        if last is not None and last.stat().st_size < self._limit:
            self._file = os.open(last, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self.segment, self.size = int(last.stem), last.stat().st_size

    def append(self, record: bytes) -> int:
        """Write a record whole, and say its offset.

        Raises:
            LogFailedError: the system did not take it, or did not take an earlier one.
        """
        return self.append_block(record, 1)

    def append_block(self, records: bytes, count: int) -> int:
        """Write records that follow one another, all of them or none, and say the offset of the first.

        `place` is that of the first one then.

        Args:
            records: their bytes.
            count: how many they are.

        Raises:
            LogFailedError: as `append`.
        """
        self.check_writable()
        try:
            if self._file is None or self.size >= self._limit:
                self._next_segment()
            self._write(records if self.size else self._start + records)
        except OSError as error:
            self.is_writable = False
            self._undo()
            raise _failed(error, self.folder) from error
        self.place = self.size or START_BYTES
        self.size = self.place + len(records)
        self.offset += count
        return self.offset - count

    def check_writable(self) -> None:
        """Refuse to change anything once a write has failed.

        Raises:
            LogFailedError: one has.
        """
        if not self.is_writable:
            raise LogFailedError(f"{self.folder} takes nothing more since a write failed: start the server anew")

    def sync(self) -> int:
        """Bring all that is appended to the disk; another thread may append meanwhile.

        Returns:
            The offset up to which everything is safe.

        Raises:
            LogFailedError: the system could not, or a write failed before.
        """
        self.check_writable()
        with self._exchange:
            offset = self.offset
            try:
                if self._file is not None:
                    os.fdatasync(self._file)
            except OSError as error:
                # what the system could not write it may forget, and a second call would say that all is well
                self.is_writable = False
                raise _failed(error, self.folder) from error
        return offset

    def close(self) -> None:
        """Let go of the segment."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next_segment(self) -> None:
        path = self.folder / f"{self.offset:020d}{SUFFIX}"
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with self._exchange:
            before, self._file = self._file, file
            self.segment, self.size = self.offset, 0
            if before is not None:
                os.fdatasync(before)
                os.close(before)
        sync_folder(self.folder)

    def _write(self, content: bytes) -> None:
        assert self._file is not None, "a segment is open"
        written = os.write(self._file, content)
        while written < len(content):
            more = os.write(self._file, content[written:])
            if more == 0:
                raise OSError("the system took a part of the record")
            written += more

    def _undo(self) -> None:
        """Take back what went of a record; where that fails too, the next start cuts it off."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)


def _failed(error: OSError, folder: Path) -> LogFailedError:
    return LogFailedError(f"{folder} must take every event, but the system refused a write: {error.strerror or error}")
