"""Files and folders that appear whole or not at all.

A plain write that is killed leaves torn files. So every output is written under a temporary name, flushed to disk and
renamed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.storage.errors import InputError

TEMPORARY = ".partial-"


PREVIOUS = ".previous-"


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


def _sync_tree(folder: Path) -> None:
    for path in [*sorted(folder.rglob("*")), folder]:
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
