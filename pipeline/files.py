"""Files that appear whole or not at all, tables with checksums, and the folder of one run.

A plain write that is killed leaves torn files, and a flipped bit in a Parquet page reads back as wrong data without a
word. So every output is written under a temporary name, flushed to disk and renamed; every table carries page
checksums, verified on reading.
"""

import contextlib
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError

DONE = "DONE"
TEMPORARY = ".partial-"
PREVIOUS = ".previous-"
ROW_GROUP = 1 << 18


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content as hexadecimal digits, read in pieces of one MiB."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: object) -> str:
    """The SHA-256 of a value's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextlib.contextmanager
def replaced_file(final: Path) -> Iterator[Path]:
    """A temporary name that takes the place of `final` at the end of a `with` block that did not raise.

    A reader sees the old file or the new one, whatever is killed when.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f"{TEMPORARY}{os.getpid()}-{final.name}")
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(final)
        sync_folder(final.parent)
    finally:
        temporary.unlink(missing_ok=True)


def output_path(path: Path) -> Path:
    """The path itself, if a file can be written there; folders that are not there yet are made on writing.

    Raises:
        InputError: it is a folder, or lies below something that is none.
    """
    if path.is_dir():
        raise InputError(f"{path} must be a file to write, but it is a folder")
    above = next((each for each in path.parents if each.exists()), None)
    if above is not None and not above.is_dir():
        raise InputError(f"{path} must lie in a folder, but {above} is none")
    return path


def working_folder(path: Path) -> Path:
    """The folder itself, made with those above it where it is not there.

    Raises:
        InputError: something else than a folder is in its place, or above it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"{path} must be a folder, but it is none, or lies below something that is none") from None
    return path


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole."""
    with replaced_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON; numbers that are not finite become null, so that any reader can parse it."""
    write_text(path, json.dumps(json_ready(value), indent=2, sort_keys=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        InputError: the file is not JSON, or not to be read; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} must be JSON, but it cannot be read as such: {error}") from error


def json_ready(value: object) -> Any:
    """A value with numpy scalars and arrays, paths, tuples and non-finite numbers turned into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return json_ready(value.tolist())
    if isinstance(value, np.generic):
        return json_ready(value.item())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_table(path: Path, table: pa.Table) -> None:
    """Write Parquet with page checksums; the same table gives the same bytes."""
    pq.write_table(table, path, row_group_size=ROW_GROUP, **parquet_options(table.schema))


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How every Parquet file is written.

    Only text gets a dictionary: for measured numbers it is built, found useless and given up, at twice the time.
    """
    text = [each.name for each in schema if pa.types.is_string(each.type) or pa.types.is_dictionary(each.type)]
    return {"compression": "zstd", "write_page_checksum": True, "use_dictionary": text}


def read_table(path: Path, *, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
    """Read Parquet and verify its page checksums.

    Raises:
        InputError: the file is missing, cut short or changed since it was written.
    """
    try:
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} must be a whole Parquet file, but it cannot be read: {error}") from error


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, without which a rename may be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replaced_folder(final: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `final` at the end of a `with` block that did not raise.

    Every file is flushed before the rename. The folder that stood there is moved aside first and removed afterwards;
    `restore_interrupted` puts it back should a kill fall between the two renames.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.with_name(f"{TEMPORARY}{final.name}")
    previous = final.with_name(f"{PREVIOUS}{final.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        _sync_tree(temporary)
        if final.exists():
            shutil.rmtree(previous, ignore_errors=True)
            final.rename(previous)
        temporary.rename(final)
        sync_folder(final.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(previous, ignore_errors=True)


def restore_interrupted(parent: Path) -> None:
    """Undo what a kill left in a folder: temporaries go; a folder moved aside and not yet replaced comes back."""
    for leftover in sorted(parent.glob(f"{TEMPORARY}*")):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)
    for previous in sorted(parent.glob(f"{PREVIOUS}*")):
        final = previous.with_name(previous.name.removeprefix(PREVIOUS))
        if final.exists():
            shutil.rmtree(previous, ignore_errors=True)
        else:
            previous.rename(final)


def folder_checksums(folder: Path) -> dict[str, dict[str, Any]]:
    """sha256 and size in bytes of every file below a folder except its DONE, by relative name in sorted order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / DONE)
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in files
    }


def _sync_tree(folder: Path) -> None:
    for path in [*sorted(folder.rglob("*")), folder]:
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())


@dataclass(frozen=True)
class Completion:
    """What a stage's DONE says: the fingerprint it ran under, the files it left, and when, where and how long."""

    fingerprint: str
    files: dict[str, dict[str, Any]]
    details: dict[str, Any]


def write_done(folder: Path, *, fingerprint: str, details: dict[str, Any]) -> None:
    """Write DONE, the last file of a stage's folder."""
    write_json(folder / DONE, {"fingerprint": fingerprint, **details, "files": folder_checksums(folder)})


def read_done(folder: Path) -> Completion | None:
    """The completion of a stage's folder, or None where it was never finished or its DONE is not readable."""
    try:
        content = json.loads((folder / DONE).read_text(encoding="utf-8"))
        details = {key: value for key, value in content.items() if key not in ("fingerprint", "files")}
        return Completion(content["fingerprint"], content["files"], details)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def changed_files(folder: Path, done: Completion) -> list[str]:
    """Names of files that are missing, added or different from what DONE recorded."""
    now = folder_checksums(folder)
    return sorted(name for name in now.keys() | done.files.keys() if now.get(name) != done.files.get(name))
