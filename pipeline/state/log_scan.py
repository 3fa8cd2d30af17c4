"""Segments of a log read at once: records side by side, each with its checksum looked at, and no object for any.

What a process that was killed left at the end of the last segment is told apart from damage: behind a torn end there is
no whole record, and behind a damaged one there is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.windows.compilation import compiled
from features.windows.groups import read_only
from pipeline.state.event_log import (
    FIRST_MAGIC,
    FRAME,
    HEADS,
    LARGEST_SEGMENT,
    MAGIC,
    NOTE,
    START_BYTES,
    LoggedEvent,
    decoded,
    log_segments,
    segment_format,
)
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import plain_content

Bytes = NDArray[np.uint8]
_FIELDS = [
    ("kind", "u1"),
    ("outcome", "u1"),
    ("words", "<u2"),
    ("answers", "<u4"),
    ("moment", "<i8"),
    ("old", "<i8"),
    ("model", "<i8"),
    ("answered", "<u4"),
]
HEAD_TYPES = {FIRST_MAGIC: np.dtype(_FIELDS[:6]), MAGIC: np.dtype(_FIELDS)}
POLYNOMIAL = np.uint32(0xEDB88320)
"""Of CRC-32 (IEEE 802.3), low bit first."""


@dataclass(frozen=True)
class Segment:
    """The whole records of a segment, or those from one of them on.

    Attributes:
        path: its file.
        magic: its format.
        content: its bytes.
        first: offset of the first of these records.
        places: where each begins, and last where they end [n + 1].
        heads: of each, by field [n].
    """

    path: Path
    magic: bytes
    content: bytes
    first: int
    places: NDArray[np.int64]
    heads: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.heads)

    @property
    def torn(self) -> int:
        """Bytes behind the last of these records."""
        return len(self.content) - int(self.places[-1])

    def part(self, start: int, end: int) -> "Segment":
        """Those of these records whose offsets are in [start, end)."""
        first, last = (min(max(offset - self.first, 0), len(self)) for offset in (start, end))
        last = max(first, last)
        return replace(
            self, first=self.first + first, places=self.places[first : last + 1], heads=self.heads[first:last]
        )

    def words(self, width: int) -> NDArray[np.int64]:
        """Words of all events; of notes, zeros [n, width].

        Raises:
            InputError: an event has another number of words.
        """
        is_note = self.heads["kind"] == NOTE
        if wrong := int((self.heads["words"] != np.where(is_note, 0, width)).sum()):
            raise InputError(f"{self.path}: every event must be a row or a label of {width} words, {wrong:,} are not")
        found = np.zeros((len(self), 8 * width), np.uint8)
        _copy(self._array, self.places[:-1] + FRAME.size + HEADS[self.magic].size, found, is_note)
        return found.view("<i8").astype(np.int64, copy=False)

    def answers(self, columns: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Which records hold that many answers [n], and the answers [n, columns]; zeros where there are others."""
        held = self.heads["answers"] == columns
        starts = self.places[:-1] + FRAME.size + HEADS[self.magic].size + 8 * self.heads["words"].astype(np.int64)
        found = np.zeros((len(self), 4 * columns), np.uint8)
        _copy(self._array, starts, found, ~held)
        return held, found.view("<f4").astype(np.float32, copy=False)

    def event(self, number: int) -> LoggedEvent:
        """A record as an object.

        Args:
            number: which of these.
        """
        first, end = int(self.places[number]), int(self.places[number + 1])
        return decoded(self.content[first + FRAME.size : end], self.magic, place=f"{self.path} at byte {first:,}")

    @property
    def _array(self) -> Bytes:
        return np.frombuffer(self.content, np.uint8)


def segments_since(folder: Path, offset: int, *, features_sha256: str, repaired: bool = False) -> Iterator[Segment]:
    """The records of a log from an offset on, a segment after the other.

    A segment that ends in a torn record has the whole ones before it. Segments before the offset are not read.

    Args:
        folder: of the log.
        offset: of the first event that is wanted.
        features_sha256: of the state's specification.
        repaired: ask that only the last segment is torn, if any.

    Raises:
        InputError: a segment is damaged, of other features, or does not go on where the one before it ended.
    """
    segments = log_segments(folder)
    starts = [first for first, _ in segments]
    begin = max(int(np.searchsorted(starts, offset, side="right")) - 1, 0)
    expected = starts[begin] if segments and starts[begin] <= offset else offset
    for place, (first, path) in enumerate(segments[begin:], begin):
        if first != expected:
            raise InputError(f"{path} must begin at the event that follows the ones before it, {expected:,}")
        segment = scanned(path, first, features_sha256=features_sha256)
        if repaired and segment.torn and place < len(segments) - 1 and segment.magic == MAGIC:
            raise InputError(f"{path} must hold whole records, but what is at byte {segment.places[-1]:,} is none")
        expected = first + len(segment)
        yield segment.part(offset, expected)


def scanned(path: Path, first: int, *, features_sha256: str) -> Segment:
    """The whole records of a segment.

    Args:
        path: its file.
        first: offset of its first event.
        features_sha256: of the state's specification.

    Raises:
        InputError: it is of other features, or damaged: behind what is no record there is one.
    """
    content = plain_content(path, limit=LARGEST_SEGMENT)
    magic = segment_format(content, features_sha256, path=path)
    head = HEADS[magic].size
    array = np.frombuffer(content, np.uint8)
    places = np.empty((len(content) - START_BYTES) // (FRAME.size + head) + 1, np.int64)
    count = _record_places(array, START_BYTES, head, places)
    places = places[: count + 1].copy()
    end = int(places[-1])
    if end < len(content) and _next_record(array, end + 1, head) >= 0:
        raise InputError(f"{path} must hold whole records, but the one at byte {end:,} has changed")
    heads = np.zeros((count, head), np.uint8)
    _copy(array, places[:-1] + FRAME.size, heads, np.zeros(count, bool))
    return Segment(path, magic, content, first, places, heads.view(HEAD_TYPES[magic])[:, 0])


def read_event(path: Path, place: int, *, features_sha256: str) -> LoggedEvent:
    """The record that begins at a byte of a segment.

    Raises:
        InputError: there is none.
    """
    with path.open("rb") as stream:
        magic = segment_format(stream.read(START_BYTES), features_sha256, path=path)
        stream.seek(place)
        frame = stream.read(FRAME.size)
        length = FRAME.unpack(frame)[0] if len(frame) == FRAME.size else 0
        record = stream.read(length)
    found = np.frombuffer(frame + record, np.uint8)
    if not length or not _is_record(read_only(found), 0, HEADS[magic].size):
        raise InputError(f"{path} must hold a record at byte {place:,}")
    return decoded(record, magic, place=f"{path} at byte {place:,}")


def _checksum_tables() -> NDArray[np.uint32]:
    """Remainders of a byte that 0 to 7 further bytes follow [8, 256]."""
    tables = np.zeros((8, 256), np.uint32)
    tables[0] = np.arange(256)
    for _ in range(8):
        tables[0] = np.where(tables[0] & 1, POLYNOMIAL ^ (tables[0] >> 1), tables[0] >> 1)
    for further in range(1, 8):
        tables[further] = tables[0][tables[further - 1] & 255] ^ (tables[further - 1] >> 8)
    return tables


CHECKSUMS = read_only(_checksum_tables())


@compiled
def checksum(content: Bytes, start: int, end: int) -> Any:
    """CRC-32 of some bytes, eight at a step (Kounavis and Berry, 2005: slicing by 8)."""
    remainder, at = np.uint64(0xFFFFFFFF), start
    byte = np.uint64(255)
    while at + 8 <= end:
        word = np.uint64(0)
        for place in range(8):
            word |= np.uint64(content[at + place]) << np.uint64(8 * place)
        word ^= remainder
        remainder = np.uint64(0)
        for place in range(8):
            remainder ^= np.uint64(CHECKSUMS[7 - place, (word >> np.uint64(8 * place)) & byte])
        at += 8
    while at < end:
        remainder = np.uint64(CHECKSUMS[0, (remainder ^ np.uint64(content[at])) & byte]) ^ (remainder >> np.uint64(8))
        at += 1
    return remainder ^ np.uint64(0xFFFFFFFF)


@compiled
def _number(content: Bytes, at: int, size: int) -> int:
    """A whole number, low byte first."""
    found = np.int64(0)
    for place in range(size):
        found |= np.int64(content[at + place]) << (8 * place)
    return int(found)


@compiled
def _is_record(content: Bytes, at: int, head: int) -> bool:
    """Whether a whole record with the right checksum begins at a byte."""
    frame = 8
    if at + frame + head > len(content):
        return False
    length = _number(content, at, 4)
    if length < head or at + frame + length > len(content):
        return False
    kind, words, answers = content[at + frame], _number(content, at + frame + 2, 2), _number(content, at + frame + 4, 4)
    if kind < 1 or kind > 4 or head + 8 * words + 4 * answers > length:
        return False
    found = checksum(content, at + frame, at + frame + length)
    return bool(found == np.uint64(_number(content, at + 4, 4)))


@compiled
def _record_places(content: Bytes, start: int, head: int, places: NDArray[np.int64]) -> int:
    """Fill in where whole records that follow one another begin, and where they end; how many they are."""
    count, at = 0, start
    while _is_record(content, at, head):
        places[count] = at
        count += 1
        at += 8 + _number(content, at, 4)
    places[count] = at
    return count


@compiled
def _next_record(content: Bytes, start: int, head: int) -> int:
    """The first byte from one on at which a whole record begins; -1 where none does."""
    for at in range(start, len(content) - 8 - head + 1):
        if _is_record(content, at, head):
            return at
    return -1


@compiled
def _copy(content: Bytes, starts: NDArray[np.int64], found: Bytes, left_out: NDArray[np.bool_]) -> None:
    """Fill each row of `found` with the bytes from its start on."""
    for row in range(len(starts)):
        if not left_out[row]:
            for place in range(found.shape[1]):
                found[row, place] = content[starts[row] + place]
