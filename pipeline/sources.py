"""Section [data]: which files a job reads, and by which preset."""

import glob
import os
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath

from features.schema.preset import Preset, preset_from_dict
from pipeline.sections import DataConfig
from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.download_cache import cached_copies, matching_objects
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.object_store import StoreError

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


def preset_path(name_or_path: str) -> Path:
    """Where a preset's file lies: shipped under its name, or the user's own `.toml`.

    Raises:
        InputError: no such preset.
    """
    if re.fullmatch(r"[a-z][a-z0-9_]*", name_or_path):
        for folder in _preset_folders():
            if (folder / f"{name_or_path}.toml").is_file():
                return folder / f"{name_or_path}.toml"
        known = sorted({path.stem for folder in _preset_folders() for path in folder.glob("*.toml")})
        raise InputError(
            f"data.preset must be one of {', '.join(known)} or the path of a .toml file, got {name_or_path!r}"
        )
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        raise InputError(
            f"data.preset must be a shipped name or the path of a .toml file that exists, got {name_or_path!r}"
        )
    return path


def load_preset(data: DataConfig) -> Preset:
    """The preset of section [data], with the user's own columns.

    Raises:
        InputError: no such preset, not TOML, or faults in it.
    """
    path = preset_path(data.preset)
    try:
        return preset_from_dict(
            tomllib.loads(path.read_text("utf-8")), categorical=data.categorical, numeric=data.numeric
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, *INPUT_ERRORS) as error:
        raise InputError(f"{path}: {error}") from error


def _preset_folders() -> tuple[Path, Path]:
    """In an installed wheel, and in a checkout."""
    package = Path(str(resources.files("pipeline")))
    return package / "presets", package.parent / "data" / "presets"


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
