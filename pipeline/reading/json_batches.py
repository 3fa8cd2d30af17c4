"""Records of a file of JSON lines as a stream of batches: every value as the text that stands there.

Numbers are not parsed, so an id of twenty digits and an amount keep every digit, as they do in CSV. A line that is no
object is a broken record; its neighbours are read.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa

from pipeline.reading.byte_stream import ByteStream
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

LINE_BYTES = 16 << 20
MARK = b"\xef\xbb\xbf"
Record = dict[str, str | None]


def json_names(file: SourceFile, encoding: str = "utf-8") -> list[str]:
    """The names that stand in any record, in the order in which they come first: a service leaves out what is null."""
    names: dict[str, None] = {}
    for record in _records(file, encoding):
        if isinstance(record, dict):
            names.update(dict.fromkeys(record))
    return list(names)


def json_batches(
    file: SourceFile, columns: Sequence[str], encoding: str = "utf-8", *, rows: int
) -> Iterator[SourceBatch]:
    """All records of a file, only the columns asked for, at most `rows` at a time.

    Raises:
        InputError: a line is longer than any record can be.
    """
    batch = _Batch(columns)
    for record in _records(file, encoding):
        batch.add(record)
        if len(batch.row) == rows:
            yield batch.given()
    yield batch.given()


@dataclass
class _Batch:
    """The records since the last batch, and how many there have been."""

    columns: Sequence[str]
    number: int = 0
    spare: int = 0
    row: list[int] = field(default_factory=list)
    values: list[list[str | None]] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)

    def add(self, record: Record | str | None) -> None:
        """Take in a record, the reason why it is none, or a blank line."""
        if record is None:
            self.spare += 1
            return
        self.number += 1
        if isinstance(record, dict):
            values = [record.get(name) for name in self.columns]
            if all(value is None or isinstance(value, str) for value in values):
                self.row.append(self.number)
                self.values.append(values)
                return
            record = "record: must hold plain values, no lists and no objects"
        self.broken.append((self.number, record))

    def given(self) -> SourceBatch:
        """Give the records away."""
        columns = zip(*self.values, strict=True) if self.values else ([] for _ in self.columns)
        arrays = [pa.array(list(column), pa.string()) for column in columns]
        row, broken = np.array(self.row, np.int64), tuple(self.broken)
        self.row, self.values, self.broken = [], [], []
        return SourceBatch(pa.table(arrays, names=list(self.columns)), row, broken, self.spare)


def _records(file: SourceFile, encoding: str) -> Iterator[Record | str | None]:
    """Each line as a record, as the reason why it is none, or as None where it is blank."""
    with ByteStream(file.path, encoding) as stream:
        lines = io.BufferedReader(cast(Any, _Readable(stream)), 1 << 20)
        number = 0
        while line := lines.readline(LINE_BYTES + 1):
            number += 1
            if len(line) > LINE_BYTES:
                raise InputError(f"{file.place}: a line must have at most {LINE_BYTES:,} bytes, line {number} has more")
            line = line.removeprefix(MARK) if number == 1 else line
            yield _record(line) if line.strip() else None


class _Readable(io.RawIOBase):
    """What a buffer needs of a stream that gives bytes."""

    def __init__(self, inner: ByteStream) -> None:
        self._inner = cast(BinaryIO, inner)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._inner.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def _record(line: bytes) -> Record | str:
    try:
        value = json.loads(line.decode(), object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=str)
    except UnicodeDecodeError:
        return "record: must be UTF-8 text, or the preset must say its encoding"
    except RecursionError:
        return "record: must not be nested so deeply"
    except _RepeatedNameError:
        return "record: must have each name once"
    except json.JSONDecodeError:
        return "record: must be one JSON object on a line"
    return value if isinstance(value, dict) else "record: must be one JSON object on a line"


class _RepeatedNameError(Exception):
    """A name that stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {name: ("true" if value else "false") if isinstance(value, bool) else value for name, value in pairs}
    if len(found) < len(pairs):
        raise _RepeatedNameError
    return found
