"""Files of one JSON object a line, only ever appended to: a kill costs the line it cut short and no other.

A line counts once its newline is on disk. What stands after the last newline was never acknowledged: readers leave it
out, and whoever appends next removes it first, so that two lines never become one. One process appends at a time, by a
lock that the caller holds; any may read beside it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.storage.errors import InputError

BLOCK = 4096


def append_lines(path: Path, *objects: Mapping[str, Any]) -> None:
    """Append objects, a line each, in one write that is flushed to disk; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as stream:
        stream.truncate(_end_of_lines(stream))
        stream.write("".join(json.dumps(each) + "\n" for each in objects).encode())
        stream.flush()
        os.fsync(stream.fileno())


def whole_lines(path: Path) -> list[bytes]:
    """The finished lines of a file in order, without their newlines; none where there is no file."""
    return path.read_bytes().split(b"\n")[:-1] if path.exists() else []


def read_objects(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the finished lines in order.

    Raises:
        InputError: a finished line is no JSON object, which no kill explains; the message names file and line.
    """
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InputError(
                f"{path} must hold a JSON object a line, but line {number} cannot be read: {error}"
            ) from error
        if not isinstance(value, dict):
            raise InputError(f"{path} must hold a JSON object a line, got {type(value).__name__} in line {number}")
        yield value


def _end_of_lines(stream: BinaryIO) -> int:
    """Where the last finished line ends, looked for from the end: a journal is appended to thousands of times."""
    end = stream.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - BLOCK)
        stream.seek(start)
        newline = stream.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
