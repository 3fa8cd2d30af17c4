"""Files and bundles that a command names by address: fetched before the work, sent after it."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipeline.storage.addresses import is_remote, local_path
from pipeline.storage.atomic import output_path
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.object_store import opened


@contextlib.contextmanager
def local_file(text: str) -> Iterator[Path]:
    """A file to read: where it lies, or a temporary copy of an object.

    Raises:
        InputError: there is no such object.
    """
    if not is_remote(text):
        yield local_path(text)
        return
    with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
        place = opened(text)
        path = Path(folder) / PurePosixPath(place.path).name
        try:
            place.fetch(path)
        except FileNotFoundError as error:
            raise InputError(str(error)) from None
        with named_by_address(path, text):
            yield path


@contextlib.contextmanager
def written_file(text: str) -> Iterator[Path]:
    """A path to write to: the file itself, or one that is sent to the store once the `with` block did not raise.

    Raises:
        InputError: no file can be there.
    """
    if not is_remote(text):
        yield output_path(local_path(text))
        return
    with tempfile.TemporaryDirectory(prefix="harbor-") as folder:
        place = opened(text)
        path = Path(folder) / PurePosixPath(place.path).name
        yield path
        place.send(path)


def sent_beside(path: Path, text: str) -> str:
    """Where a file that was written beside a fetched one ends up: sent to the store, where that came from one."""
    if not is_remote(text):
        return str(path)
    beside = opened(text.rpartition("/")[0]).child(path.name)
    beside.send(path)
    return beside.uri


@contextlib.contextmanager
def named_by_address(path: Path, text: str) -> Iterator[None]:
    """Messages name what the user named, not the temporary copy."""
    try:
        yield
    except INPUT_ERRORS as error:
        raise InputError(str(error).replace(str(path), text)) from error
