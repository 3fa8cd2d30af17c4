"""The log of what a serving process accepted: every event in the order in which it was taken, with the answer it gave.

A folder holds `state/`, from which serving began, and segments `<offset of the first event>.seg`. A segment begins with
`MAGIC` and the SHA-256 of the state's features.json; then come records, each `length, CRC-32 of what follows` and

    kind, outcome, words, answers | moment, label before, words ... | answers ... | JSON

Whole numbers of 64 bits and answers of 32 are low byte first. `words` are those of `features.online.events`, so there
is no id in them but keyed hashes; those of a change of a label hold the hashes of its row's ids too. `moment` is when
the event is known: event_time of a row; of a change when it became available, of a withdrawal the newest event_time
when it came. JSON is of one object: `transaction_id`, and values of the columns that stand in the row itself.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.online.state import Outcome
from features.windows.kernels import NO_EVENT
from pipeline.storage.atomic import sync_folder
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json, plain_content

MAGIC = b"HARBOR\x01\n"
ROW, LABEL = 1, 2
FRAME, HEAD = struct.Struct("<II"), struct.Struct("<BBHIqq")
LARGEST_SEGMENT = 1 << 32
SUFFIX = ".seg"


@dataclass(frozen=True)
class LoggedEvent:
    """One event of a log.

    Attributes:
        kind: ROW or LABEL.
        words: as `features.online.events` reads them.
        moment: when it is known, microseconds.
        outcome: of a row, `features.online.state.Outcome`; of a label 1 where its row was known, else 0.
        old: of a label, the one before; NO_EVENT where there was none or it is not told.
        answers: what a row was answered, float32 [columns]; nothing where that was not kept.
        row: transaction_id and values of the row itself.
    """

    kind: int
    words: NDArray[np.int64]
    moment: int
    outcome: int = Outcome.EXACT
    old: int = int(NO_EVENT)
    answers: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    row: Mapping[str, Any] = field(default_factory=dict)

    def record(self) -> bytes:
        """As it stands in a segment."""
        head = HEAD.pack(self.kind, self.outcome, len(self.words), len(self.answers), self.moment, self.old)
        arrays = self.words.astype("<i8").tobytes() + self.answers.astype("<f4").tobytes()
        content = head + arrays + json.dumps(dict(self.row), allow_nan=False).encode()
        return FRAME.pack(len(content), zlib.crc32(content)) + content


class LogWriter:
    """Appends events to a segment of its own: what an earlier process left torn stays as it is."""

    def __init__(self, folder: Path, *, offset: int, features_sha256: str) -> None:
        path = folder / f"{offset:020d}{SUFFIX}"
        self._stream = path.open("xb", buffering=0)
        self._stream.write(MAGIC + bytes.fromhex(features_sha256))
        sync_folder(folder)

    def append(self, event: LoggedEvent) -> None:
        """Write an event; it survives the end of this process, however that comes."""
        self._stream.write(event.record())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()


def logged_events(folder: Path, *, features_sha256: str) -> list[LoggedEvent]:
    """All events of a log in the order in which they were accepted.

    A segment may end in a record that was cut short, as a process that was killed leaves it.

    Raises:
        InputError: there is no segment, or one is of other features, damaged, or does not go on where the one before
            it ended.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        raise InputError(f"a log must have segments *{SUFFIX}, but {folder} has none")
    events: list[LoggedEvent] = []
    for path in paths:
        if path.stem != f"{len(events):020d}":
            raise InputError(f"{path} must begin at the event that follows the ones before it, {len(events):,}")
        events += _segment_events(path, features_sha256)
    return events


def _segment_events(path: Path, features_sha256: str) -> Iterator[LoggedEvent]:
    content = plain_content(path, limit=LARGEST_SEGMENT)
    start = MAGIC + bytes.fromhex(features_sha256)
    if not content.startswith(start):
        raise InputError(f"{path} must be a segment of a log of the features of its state, but does not begin like one")
    at = len(start)
    while at + FRAME.size <= len(content):
        length, checksum = FRAME.unpack_from(content, at)
        record = content[at + FRAME.size : at + FRAME.size + length]
        if len(record) < length:
            return
        if zlib.crc32(record) != checksum:
            raise InputError(f"{path} must hold whole records, but the one at byte {at:,} has changed")
        yield _event(record, place=f"{path} at byte {at:,}")
        at += FRAME.size + length


def _event(record: bytes, *, place: str) -> LoggedEvent:
    try:
        kind, outcome, words, answers, moment, old = HEAD.unpack_from(record)
        first, last = HEAD.size + 8 * words, HEAD.size + 8 * words + 4 * answers
        return LoggedEvent(
            kind,
            np.frombuffer(record[HEAD.size : first], "<i8").astype(np.int64),
            moment,
            outcome,
            old,
            np.frombuffer(record[first:last], "<f4").astype(np.float32),
            parsed_json(record[last:], name=place),
        )
    except (struct.error, ValueError) as error:
        raise InputError(f"{place}: must be a record of an event: {type(error).__name__}") from None
