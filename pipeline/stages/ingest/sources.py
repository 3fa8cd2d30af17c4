"""Section [data]: which files a job reads, and by which preset."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.download_cache import cached_copies, matching_objects
from pipeline.storage.errors import InputError
from pipeline.storage.store_errors import StoreError

PARQUET_MAGIC, GZIP_MAGIC = b"PAR1", b"\x1f\x8b"


UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


HEAD_BYTES = 4096


@dataclass(frozen=True)
class SourceFile:
    """One input file.

    Attributes:
        path: what to open; of an object in a store, its local copy.
        name: what stands in reports: no folder of this machine, the same wherever the files lie.
        parquet: whether it is Parquet, else CSV.
        place: its path or address, as messages name it.
    """

    path: Path
    name: str
    parquet: bool
    place: str


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
        InputError: what is missing, no regular file, listed twice, empty, or neither CSV nor Parquet; all at once.
    """
    wanted = (source,) if isinstance(source, str) else source
    faults: list[str] = [] if wanted else ["data.source must name at least one file, got an empty list"]
    files: list[_Found] = []
    if len({is_remote(text) for text in wanted}) > 1:
        faults.append("files must be all local or all in object stores")
    for text in wanted:
        try:
            found, fault = _remote_files(text) if is_remote(text) else _paths(text)
        except StoreError:
            raise
        except OSError as error:
            found, fault = [], f"{text[:80]}: cannot be read ({error.strerror})"
        files += found
        faults += [fault] if fault else []
    keys = [file.key for file in files]
    faults += [f"{place}: is listed twice" for place in sorted({f.place for f in files if keys.count(f.key) > 1})]
    faults += [fault for file in files if (fault := _content_fault(file))]
    if faults:
        raise InputError(
            "\n".join(
                [f"{len(faults)} fault{'s' * (len(faults) > 1)} in data.source", *(f"  {fault}" for fault in faults)]
            )
        )
    folder = os.path.commonpath([PurePosixPath(key).parent for key in keys])
    named = [
        SourceFile(
            f.path, PurePosixPath(f.key).relative_to(folder).as_posix(), _head(f.path)[:4] == PARQUET_MAGIC, f.place
        )
        for f in files
    ]
    return tuple(sorted(named, key=lambda file: file.name))


def _remote_files(text: str) -> tuple[list[_Found], str]:
    """Local copies of the objects that one entry of the source stands for, or why there are none."""
    try:
        objects = matching_objects(text)
    except InputError as error:
        return [], str(error)
    copies = cached_copies(objects)
    return [_Found(path, each.uri, f"/{each.path}") for path, each in zip(copies, objects, strict=True)], ""


def _paths(text: str) -> tuple[list[_Found], str]:
    """The files that one entry of the source stands for, or why there are none."""
    if "\0" in text or not text.strip():
        return [], f"{text!r}: must be a path"
    try:
        path = local_path(text)
    except InputError as error:
        return [], str(error)
    if path.is_dir():
        return [], f"{path}: is a folder; give a pattern such as '{path}/*.parquet'"
    if path.is_file():
        return [_local(path)], ""
    if path.exists():
        return [], f"{path}: must be a regular file"
    if not glob.has_magic(str(path)):
        return [], f"{path}: does not exist"
    names = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    found = [_local(Path(name)) for name in names if Path(name).is_file()]
    return found, "" if found else f"{text}: no file fits this pattern"


def _local(path: Path) -> _Found:
    return _Found(path, str(path), path.resolve().as_posix())


def _content_fault(file: _Found) -> str:
    """Why a file can be neither CSV nor Parquet."""
    try:
        head = _head(file.path)
    except OSError as error:
        return f"{file.place}: cannot be read ({error.strerror})"
    if not head:
        return f"{file.place}: is empty"
    if head[:4] == PARQUET_MAGIC or head[:2] == GZIP_MAGIC:
        return ""
    if file.path.suffix.lower() in (".parquet", ".pq"):
        return f"{file.place}: must be Parquet, but does not begin like it"
    if head[:2] in UTF16_MARKS:
        return f"{file.place}: must be UTF-8, but begins with a UTF-16 mark"
    if b"\0" in head:
        return f"{file.place}: must be CSV or Parquet, but holds binary data"
    return ""


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
