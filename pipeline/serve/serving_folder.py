"""The folder of a serving process: where it began, its log, its index and its snapshots, and one process at a time.

state/       what the first event met             <offset>.seg   the log
snapshots/   what it came to, by offset           index.sqlite   where each transaction stands in it
lock         held by the process that serves      torn-*.bin     what was cut off a log's end
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.state.event_log import MAGIC, START_BYTES, SUFFIX, log_segments
from pipeline.state.log_scan import Segment, scanned
from pipeline.state.snapshots import STATE
from pipeline.state.state_files import StateFolder, checked_state
from pipeline.storage.atomic import replaced_folder, sync_folder, write_bytes
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held

LOCK = "lock"
SAME = ("features_sha256", "hash_key_check", "key_column")
"""Keys of a manifest that a folder goes on with for all its time."""


@dataclass(frozen=True)
class TornEnd:
    """What a process that was killed left at the end of a log.

    Attributes:
        segment: the segment it was cut off.
        place: the byte from which on it was.
        size: bytes.
        aside: where they are kept.
    """

    segment: Path
    place: int
    size: int
    aside: Path


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Be the one process that serves from a folder.

    Raises:
        LockedError: another one is.
        InputError: the folder cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(folder / LOCK, f"another server is at work on {folder}"))
        except OSError as error:
            raise InputError(f"{folder} must be a folder that can be written to: {error.strerror}") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"{folder} must be a folder that can be written to, but files cannot be made there")
        yield


def begun_state(folder: Path, start: StateFolder) -> StateFolder:
    """Where serving began: `start` itself on the first call, which a copy of is kept.

    Args:
        folder: of serving.
        start: a state of the same features.

    Raises:
        InputError: the folder serves other features or other keys, or a log lies there without its beginning.
    """
    place = folder / STATE
    if not place.exists():
        if any(folder.glob(f"*{SUFFIX}")):
            raise InputError(f"{folder} must hold the state that its log began with, but {STATE}/ is missing")
        with replaced_folder(place) as made:
            shutil.copytree(start.folder, made, dirs_exist_ok=True)
    begun = checked_state(place)
    if other := [name for name in SAME if begun.manifest[name] != start.manifest[name]]:
        raise InputError(
            f"{folder} must go on with the state that it began with, but {', '.join(other)} of {start.folder} "
            f"{'is another' if len(other) == 1 else 'are others'}: take a new folder"
        )
    return begun


def cut_torn_end(folder: Path, *, features_sha256: str) -> tuple[int, TornEnd | None]:
    """Cut a log behind its last whole record, and keep aside what was there.

    Returns:
        The offset behind the last event, and what was cut; None where the log ends in a whole record.

    Raises:
        InputError: the last segment is damaged: behind what is no record there is one.
    """
    _remove_unbegun(folder)
    segments = log_segments(folder)
    if not segments:
        return 0, None
    first, path = segments[-1]
    segment = scanned(path, first, features_sha256=features_sha256)
    end = first + len(segment)
    if not segment.torn:
        return end, None
    place = int(segment.places[-1])
    aside = folder / f"torn-{path.stem}-{place}.bin"
    write_bytes(aside, segment.content[place:])
    with path.open("rb+") as stream:
        stream.truncate(place)
        os.fsync(stream.fileno())
    return end, TornEnd(path, place, segment.torn, aside)


def writable_end(last: Segment | None) -> Path | None:
    """The segment that a writer can go on with; None where it must begin a new one."""
    return last.path if last is not None and last.magic == MAGIC and not last.torn else None


def _remove_unbegun(folder: Path) -> None:
    """A last segment that was made, and that nothing whole was written to."""
    for path in sorted(folder.glob(f"*{SUFFIX}"))[-1:]:
        if path.stat().st_size < START_BYTES:
            path.unlink()
            sync_folder(folder)
