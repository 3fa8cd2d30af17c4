"""The log of what a serving process accepted: every event in the order in which it was taken, with the answer it gave.

A folder holds `state/`, from which serving began, and segments `<offset of the first event>.seg`. A segment begins with
a magic and the SHA-256 of the state's features.json; then come records, each `length, CRC-32 of what follows` and

    kind, outcome, words, answers | moment, label before, model, bytes answered | words | answers | answer | JSON

Whole numbers of 64 bits and answers of 32 are low byte first. `words` are those of `features.online.events`, so there
is no id in them but keyed hashes; those of a change of a label hold the hashes of its row's ids too. `moment` is when
the event is known: event_time of a row; of a change when it became available, of a withdrawal the newest event_time
when it came. A change may be logged before its moment: it waits then, and comes right before the first row behind it.
`model` is the offset of the note that says which bundle answered. `answer` is what the caller got, byte
for byte. JSON is of one object: of a row `transaction_id`, and values of the columns that stand in the row itself; of a
note what it says. Segments of the first format have no model, no answer and no notes.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.online.state import Outcome
from features.windows.kernels import NO_EVENT
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json, plain_content

FIRST_MAGIC, MAGIC = b"HARBOR\x01\n", b"HARBOR\x02\n"
ROW, LABEL, NOTE, WAITING = 1, 2, 3, 4
FRAME = struct.Struct("<II")
HEADS = {FIRST_MAGIC: struct.Struct("<BBHIqq"), MAGIC: struct.Struct("<BBHIqqqI")}
START_BYTES = len(MAGIC) + 32
"""Of a segment before its first record."""
LARGEST_SEGMENT = 1 << 32
SUFFIX = ".seg"
NO_MODEL = -1
_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class LoggedEvent:
    """One event of a log.

    Attributes:
        kind: ROW, LABEL, NOTE, or WAITING: a change of a label that comes later.
        words: as `features.online.events` reads them; none of a note.
        moment: when it is known, microseconds.
        outcome: of a row, `features.online.state.Outcome`; of a label 1 where its row was known, else 0.
        old: of a label, the one before; NO_EVENT where there was none or it is not told.
        answers: what a row was answered, float32 [columns]; nothing where that was not kept.
        row: transaction_id and values of the row itself; of a note, what it says.
        model: offset of the note that says which bundle answered; NO_MODEL where none does.
        answer: the bytes that the caller got.
    """

    kind: int
    words: NDArray[np.int64]
    moment: int
    outcome: int = Outcome.EXACT
    old: int = int(NO_EVENT)
    answers: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    row: Mapping[str, Any] = field(default_factory=dict)
    model: int = NO_MODEL
    answer: bytes = b""

    def record(self) -> bytes:
        """As it stands in a segment."""
        sizes = len(self.words), len(self.answers)
        moments = self.moment, self.old, self.model
        head = HEADS[MAGIC].pack(self.kind, self.outcome, *sizes, *moments, len(self.answer))
        arrays = self.words.astype("<i8", copy=False).tobytes() + self.answers.astype("<f4", copy=False).tobytes()
        content = head + arrays + self.answer + _json(dict(self.row)).encode()
        return FRAME.pack(len(content), zlib.crc32(content)) + content


def segment_start(features_sha256: str) -> bytes:
    """What a segment begins with."""
    return MAGIC + bytes.fromhex(features_sha256)


def log_segments(folder: Path) -> list[tuple[int, Path]]:
    """The segments of a log in their order, each with the offset of its first event.

    A last one that is too short to have begun is left out.

    Raises:
        InputError: a segment is not named for an offset.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if odd := [path for path in paths if not (path.stem.isascii() and path.stem.isdigit())]:
        raise InputError(f"{odd[0]} must be named for the offset of its first event")
    begun = [path for path in paths if path != paths[-1] or path.stat().st_size >= START_BYTES]
    return [(int(path.stem), path) for path in begun]


def logged_events(folder: Path, *, features_sha256: str) -> list[LoggedEvent]:
    """All events of a log in the order in which they were accepted.

    A segment may end in a record that was cut short, as a process that was killed leaves it.

    Raises:
        InputError: there is no segment, or one is of other features, damaged, or does not go on where the one before
            it ended.
    """
    segments = log_segments(folder)
    if not segments:
        raise InputError(f"a log must have segments *{SUFFIX}, but {folder} has none")
    events: list[LoggedEvent] = []
    for offset, path in segments:
        if offset != len(events):
            raise InputError(f"{path} must begin at the event that follows the ones before it, {len(events):,}")
        events += _segment_events(path, features_sha256)
    return events


def segment_format(content: bytes, features_sha256: str, *, path: Path) -> bytes:
    """The magic of a segment of these features.

    Raises:
        InputError: it is none.
    """
    magic = content[: len(MAGIC)]
    if magic not in HEADS or content[len(MAGIC) : START_BYTES] != bytes.fromhex(features_sha256):
        raise InputError(f"{path} must be a segment of a log of the features of its state, but does not begin like one")
    return magic


def decoded(record: bytes, magic: bytes, *, place: str) -> LoggedEvent:
    """An event from its record without the frame.

    Args:
        record: its bytes.
        magic: of its segment.
        place: where it stands, for the message.

    Raises:
        InputError: it is no record of an event.
    """
    try:
        head = HEADS[magic]
        kind, outcome, words, answers, moment, old, *rest = head.unpack_from(record)
        model, answered = rest or (NO_MODEL, 0)
        first = head.size + 8 * words
        last = first + 4 * answers
        return LoggedEvent(
            kind,
            np.frombuffer(record[head.size : first], "<i8").astype(np.int64),
            moment,
            outcome,
            old,
            np.frombuffer(record[first:last], "<f4").astype(np.float32),
            parsed_json(record[last + answered :], name=place),
            model,
            record[last : last + answered],
        )
    except (struct.error, ValueError) as error:
        raise InputError(f"{place}: must be a record of an event: {type(error).__name__}") from None


def _segment_events(path: Path, features_sha256: str) -> Iterator[LoggedEvent]:
    content = plain_content(path, limit=LARGEST_SEGMENT)
    magic = segment_format(content, features_sha256, path=path)
    at = START_BYTES
    while at + FRAME.size <= len(content):
        length, checksum = FRAME.unpack_from(content, at)
        record = content[at + FRAME.size : at + FRAME.size + length]
        if len(record) < length:
            return
        if zlib.crc32(record) != checksum:
            raise InputError(f"{path} must hold whole records, but the one at byte {at:,} has changed")
        yield decoded(record, magic, place=f"{path} at byte {at:,}")
        at += FRAME.size + length
