"""Which files a source means, sorted and each once."""

import glob
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.reading.byte_stream import ByteStream
from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.download_cache import cached_copies, matching_objects
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.store_errors import StoreError

PARQUET_MAGIC = b"PAR1"
BYTE_ORDER_MARKS = b"\xef\xbb\xbf\xff\xfe"
HEAD_BYTES = 4096
UNREADABLE = (OSError, EOFError, zlib.error)


@dataclass(frozen=True)
class SourceFile:
    """One input file.

    Attributes:
        path: what to open; of an object in a store, its local copy.
        name: what stands in reports: no folder of this machine, the same wherever the files lie.
        parquet: whether it is Parquet, else text.
        place: its path or address, as messages name it.
        json: whether its text is JSON lines, else CSV.
    """

    path: Path
    name: str
    parquet: bool
    place: str
    json: bool = False


@dataclass(frozen=True)
class _Found:
    """A file and where it comes from; the key orders files and tells two that are one."""

    path: Path
    place: str
    key: str


def source_files(source: str | tuple[str, ...]) -> tuple[SourceFile, ...]:
    """The files of a source, sorted, each once.

    Args:
        source: paths and patterns.

    Raises:
        InputError: what is missing, no regular file, listed twice, empty, or of no kind that is read; all at once.
    """
    wanted = (source,) if isinstance(source, str) else source
    entries = [_entry(text) for text in wanted]
    files = [file for own, _ in entries for file in own]
    found = [*_list_faults(wanted), *(fault for _, fault in entries), *_repeats(files), *map(_content_fault, files)]
    faults = [fault for fault in found if fault]
    if faults:
        raise InputError(faults_text(faults, "data.source"))
    return _named(files)


def _list_faults(wanted: Sequence[str]) -> list[str]:
    if not wanted:
        return ["data.source must name at least one file, got an empty list"]
    mixed = len({is_remote(text) for text in wanted}) > 1
    return ["files must be all local or all in object stores"] if mixed else []


def _entry(text: str) -> tuple[list[_Found], str]:
    """The files that one entry of the source stands for, or why there are none."""
    try:
        return (_objects(text), "") if is_remote(text) else _paths(text)
    except StoreError:
        raise  # an OSError too, but a store that does not answer may answer later: that is no fault of the source
    except InputError as error:
        return [], str(error)
    except OSError as error:
        return [], f"{text[:80]}: cannot be read ({error.strerror})"


def _objects(text: str) -> list[_Found]:
    """Local copies of the objects that fit an address."""
    objects = matching_objects(text)
    return [_Found(path, each.uri, f"/{each.path}") for path, each in zip(cached_copies(objects), objects, strict=True)]


def _paths(text: str) -> tuple[list[_Found], str]:
    if "\0" in text or not text.strip():
        return [], f"{text!r}: must be a path"
    path = local_path(text)
    if path.is_file():
        return [_local(path)], ""
    if glob.has_magic(str(path)) and not path.exists():
        return _fitting(path, text)
    return [], _no_file(path)


def _fitting(pattern: Path, text: str) -> tuple[list[_Found], str]:
    names = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = [_local(Path(name)) for name in names if Path(name).is_file()]
    return found, "" if found else f"{text}: no file fits this pattern"


def _no_file(path: Path) -> str:
    if path.is_dir():
        return f"{path}: is a folder; give a pattern such as '{path}/*.parquet'"
    return f"{path}: must be a regular file" if path.exists() else f"{path}: does not exist"


def _local(path: Path) -> _Found:
    return _Found(path, str(path), path.resolve().as_posix())


def _repeats(files: Sequence[_Found]) -> list[str]:
    keys = [file.key for file in files]
    return [f"{place}: is listed twice" for place in sorted({f.place for f in files if keys.count(f.key) > 1})]


def _content_fault(file: _Found) -> str:
    """Why a file can be neither text nor Parquet."""
    try:
        head = _head(file.path)
    except OSError as error:
        return f"{file.place}: cannot be read ({error.strerror})"
    if not head:
        return f"{file.place}: is empty"
    if head[:4] != PARQUET_MAGIC and file.path.suffix.lower() in (".parquet", ".pq"):
        return f"{file.place}: must be Parquet, but does not begin like it"
    return ""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _is_json(path: Path) -> bool:
    """Whether a text begins with an object: no CSV does."""
    try:
        with ByteStream(path) as stream:
            return stream.read(HEAD_BYTES).lstrip(BYTE_ORDER_MARKS).lstrip()[:1] == b"{"
    except UNREADABLE:
        return False


def _named(files: Sequence[_Found]) -> tuple[SourceFile, ...]:
    """The files under names that begin where their folders part, in the order of the names."""
    folder = os.path.commonpath([PurePosixPath(file.key).parent for file in files])
    named = [
        SourceFile(
            file.path,
            PurePosixPath(file.key).relative_to(folder).as_posix(),
            _head(file.path)[:4] == PARQUET_MAGIC,
            file.place,
            _is_json(file.path),
        )
        for file in files
    ]
    return tuple(sorted(named, key=lambda file: file.name))
