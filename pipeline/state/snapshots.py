"""Snapshots of a serving folder: what its log comes to at an offset, so that a start need not read all of it.

They are made beside the serving process by one that reads the same log. The digests that serving publishes in its log
must be those of the state that the log comes to, and so must the answers: a standing proof that what is served is what
the log says.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from features.online.id_keys import IdKeys
from pipeline.state.event_log import NOTE
from pipeline.state.history_state import HistoryState, id_keys
from pipeline.state.log_following import followed
from pipeline.state.log_scan import Segment, segments_since
from pipeline.state.state_files import StateFolder, checked_state, write_next_state
from pipeline.storage.errors import InputError
from pipeline.storage.locks import held

STATE, SNAPSHOTS = "state", "snapshots"
KEPT = 3
"""Snapshots that stay: the newest, and two to fall back to."""
DIGEST, AT = "digest", "at"
"""Keys of a note that publishes the digest of the state behind the events before an offset."""


@dataclass(frozen=True)
class Reached:
    """Where a log has come to.

    Attributes:
        history: the state there.
        offset: how many events are behind it.
        differing: values that the log answered otherwise than its own events do.
        digests: published digests that were compared.
        wrong: of these, those that are not the state's: the offsets.
    """

    history: HistoryState
    offset: int
    differing: int = 0
    digests: int = 0
    wrong: tuple[int, ...] = ()


def newest_snapshot(folder: Path, start: StateFolder, *, keys: IdKeys, end: int | None) -> tuple[Reached, list[str]]:
    """The newest snapshot that is whole, or where the log began, and why each newer one was left aside.

    Args:
        folder: of serving.
        start: where its log began.
        keys: how ids become keys.
        end: offset behind the last event; a snapshot beyond it saw events that the log has lost. None: nobody knows.

    Raises:
        InputError: where the log began cannot be read either.
    """
    faults: list[str] = []
    for offset, path in _snapshots(folder):
        try:
            if end is not None and offset > end:
                raise InputError(f"{path} must lie within the log, which ends at {end:,}")
            return Reached(_loaded(path, start, keys, offset), offset), faults
        except (InputError, OSError) as error:
            faults.append(str(error))
    return Reached(start.loaded(keys), 0), faults


def log_end(folder: Path, start: StateFolder, *, answers: bool = True) -> Reached:
    """The state behind a log, from its newest snapshot on; every digest and answer on the way is compared.

    Raises:
        InputError: the log is damaged, or not the one of its state.
    """
    reached, _ = newest_snapshot(folder, start, keys=id_keys(None), end=None)
    history, offset, differing, digests = reached.history, reached.offset, 0, 0
    wrong: list[int] = []
    for segment in segments_since(folder, offset, features_sha256=start.manifest["features_sha256"]):
        for part, digest in _parts(segment):
            step = followed(history, part, answers=answers)
            history, differing = step.history, differing + step.differing
            offset = part.first + len(part)
            if digest is not None:
                digests += 1
                wrong += [offset] * (history.state.digest() != digest)
    return Reached(history, offset, differing, digests, tuple(wrong))


def compacted(folder: Path, place: Path | None = None) -> tuple[Reached, Path | None]:
    """Write the state that a log comes to, if it is what serving says.

    Args:
        folder: of the log.
        place: a folder for the state; None for a snapshot beside the log, which the next start begins with.

    Returns:
        Where the log has come to, and what was written; None where digests or answers differ, and nothing was.

    Raises:
        InputError: the log is damaged, or not the one of its state.
        LockedError: another process is writing a snapshot.
    """
    start = checked_state(folder / STATE)
    if place is not None:
        return _written(place, start, log_end(folder, start))
    with held(folder / SNAPSHOTS / "lock", f"another process is writing a snapshot of {folder}"):
        reached = log_end(folder, start)
        written = _written(folder / SNAPSHOTS / f"{reached.offset:020d}", start, reached)
        for _, old in list(_snapshots(folder))[KEPT:]:
            shutil.rmtree(old)
        return written


def _written(place: Path, start: StateFolder, reached: Reached) -> tuple[Reached, Path | None]:
    if reached.wrong or reached.differing:
        return reached, None
    write_next_state(place, start, reached.history)
    return reached, place


def _snapshots(folder: Path) -> Iterator[tuple[int, Path]]:
    """The newest first."""
    found = [path for path in (folder / SNAPSHOTS).glob("*") if re.fullmatch(r"[0-9]{20}", path.name)]
    yield from ((int(path.name), path) for path in sorted(found, reverse=True))


def _loaded(path: Path, start: StateFolder, keys: IdKeys, offset: int) -> HistoryState:
    stored = checked_state(path)
    for name in ("features_sha256", "hash_key_check", "key_column"):
        if stored.manifest[name] != start.manifest[name]:
            raise InputError(f"{path} must be a snapshot of the state in {start.folder}, but {name} is another")
    history = stored.loaded(keys)
    if offset and history.state.digest() != stored.manifest["digest"]:
        raise InputError(f"{path} must have the digest of its manifest")
    return history


def _parts(segment: Segment) -> Iterator[tuple[Segment, str | None]]:
    """The records up to each published digest, and those behind the last one."""
    begin = segment.first
    for number in (segment.heads["kind"] == NOTE).nonzero()[0].tolist():
        note = segment.event(number).row
        if DIGEST in note and begin <= note[AT] <= segment.first + number:
            yield segment.part(begin, note[AT]), str(note[DIGEST])
            begin = note[AT]
    yield segment.part(begin, segment.first + len(segment)), None
