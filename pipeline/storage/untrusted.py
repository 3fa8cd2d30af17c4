"""Files of unknown origin: read without following links or waiting for pipes, parsed without being believed."""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

from pipeline.storage.errors import InputError


def plain_content(path: Path, *, limit: int) -> bytes:
    """The content of a plain file of at most `limit` bytes; a link is not followed, a pipe not waited for.

    Raises:
        InputError: it is anything else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InputError(f"{path} must be a plain file, but it cannot be opened: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{path} must be a plain file, but it is none")
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise InputError(f"{path} must have at most {limit:,} bytes, got more")
    return content


def plain_files(folder: Path) -> tuple[dict[str, int], list[str]]:
    """Sizes of the plain files below a folder by relative name, and a fault for whatever else is there."""
    sizes: dict[str, int] = {}
    faults = []
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = Path(entry.path).relative_to(folder).as_posix()
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    sizes[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    faults.append(
                        f"{shown_name(name)}: must be a plain file, is {'a link' if entry.is_symlink() else 'none'}"
                    )
    return sizes, sorted(faults)


def plain_checksum(path: Path) -> str:
    """SHA-256 of a plain file as hexadecimal digits, read in pieces."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parsed_json(content: bytes, *, name: str) -> Any:
    """The value of strict JSON: UTF-8, no key twice, no NaN, no nesting beyond reason.

    Raises:
        InputError: it is not; the message names the file and not what it says.
    """
    try:
        return json.loads(content.decode(), object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _without_content(error)
        raise InputError(f"{name} must be strict JSON, but {reason}") from None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(_: str) -> Any:
    raise ValueError("it holds a number that JSON does not know (NaN or Infinity)")


def _without_content(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it cannot be parsed at line {error.lineno}, column {error.colno}"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def shown_name(name: str) -> str:
    """A foreign name as it can be printed."""
    return repr(name if len(name) <= 80 else f"{name[:77]}...")
