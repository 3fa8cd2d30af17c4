"""Records of a log made many at a time, byte for byte as `LoggedEvent.record` makes each."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.windows.compilation import compiled
from features.windows.groups import read_only
from features.windows.kernels import NO_EVENT
from pipeline.state.event_log import FRAME, HEADS, LABEL, MAGIC, NO_MODEL, ROW
from pipeline.state.log_scan import HEAD_TYPES, Bytes, checksum


@dataclass(frozen=True)
class EventBatch:
    """Rows and changes of labels in one order, on their way into a log.

    Attributes:
        words: of each [n, words].
        are_changes: which change a label; the others are rows [n].
        old: of a change, the label before [n].
        moments: when each is known, microseconds [n].
        told: what the log says of each beside, JSON of one object [n].
    """

    words: NDArray[np.int64]
    are_changes: NDArray[np.bool_]
    old: NDArray[np.int64]
    moments: NDArray[np.int64]
    told: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.words)

    def part(self, first: int, end: int) -> "EventBatch":
        """Those from one place to another."""
        return self._taken(slice(first, end), self.told[first:end])

    def where(self, mask: NDArray[np.bool_]) -> "EventBatch":
        """Some of them."""
        return self._taken(mask, [each for each, is_meant in zip(self.told, mask.tolist(), strict=True) if is_meant])

    def _taken(self, places: NDArray[np.bool_] | slice, told: Sequence[bytes]) -> "EventBatch":
        return EventBatch(self.words[places], self.are_changes[places], self.old[places], self.moments[places], told)


@dataclass(frozen=True)
class RecordBlock:
    """Records behind one another.

    Attributes:
        content: their bytes.
        starts: where each begins [n].
    """

    content: bytes
    starts: NDArray[np.int64]


def record_block(
    batch: EventBatch, outcomes: NDArray[np.int64], answers: NDArray[np.float32], *, change: int = LABEL
) -> RecordBlock:
    """The records of events.

    Args:
        batch: the events.
        outcomes: of each, as `LoggedEvent.outcome` says [n].
        answers: what each row was answered; those of changes are not read [n, columns].
        change: the kind of a change, LABEL or WAITING.
    """
    heads = np.zeros(len(batch), HEAD_TYPES[MAGIC])
    rows = ~batch.are_changes
    heads["kind"], heads["outcome"] = np.where(rows, ROW, change), outcomes
    heads["words"], heads["answers"] = batch.words.shape[1], np.where(rows, answers.shape[1], 0)
    heads["moment"], heads["model"] = batch.moments, NO_MODEL
    heads["old"] = np.where(rows, NO_EVENT, batch.old)
    told_ends = np.cumsum([0, *map(len, batch.told)])
    size = FRAME.size + HEADS[MAGIC].size + 8 * batch.words.shape[1]
    starts = np.concatenate([[0], np.cumsum(size + 4 * heads["answers"].astype(np.int64) + np.diff(told_ends))])
    content = np.empty(int(starts[-1]), np.uint8)
    fixed = np.hstack([_bytes(heads), _bytes(batch.words.astype("<i8", copy=False))])
    told = np.frombuffer(b"".join(batch.told), np.uint8)
    values = _bytes(answers.astype("<f4", copy=False))
    _fill(content, starts, read_only(rows), read_only(fixed), read_only(values), read_only(told), told_ends)
    return RecordBlock(content.tobytes(), starts[:-1])


def told_of(table: pa.Table, kept: Sequence[tuple[str, bool]]) -> list[bytes]:
    """What a log says of rows beside their words, JSON of one object each [n].

    Args:
        table: canonical rows with transaction_id; columns that are not there are null.
        kept: columns that stand in the row itself, and whether they are numbers.
    """
    names = [("transaction_id", False), *kept]
    columns = [_json_values(table, name, is_number=is_number) for name, is_number in names]
    keys = [f"{'{' if place == 0 else ','}{json.dumps(name)}:" for place, (name, _) in enumerate(names)]
    pieces = [each for key, column in zip(keys, columns, strict=True) for each in ([key] * table.num_rows, column)]
    return ["".join([*row, "}"]).encode() for row in zip(*pieces, strict=True)]


def _json_values(table: pa.Table, name: str, *, is_number: bool) -> list[str]:
    if name not in table.column_names:
        return ["null"] * table.num_rows
    column = table[name]
    if is_number:
        finite = pc.is_finite(column)
        values = pc.if_else(finite, column, None).to_pylist()
        return ["null" if value is None else repr(value) for value in values]
    is_id = name == "transaction_id" and pa.types.is_integer(column.type)
    values = (column if is_id else pc.cast(column, pa.string())).to_pylist()
    return ["null" if value is None else quoted(value) if isinstance(value, str) else str(value) for value in values]


def _bytes(array: NDArray[Any]) -> Bytes:
    return np.ascontiguousarray(array).view(np.uint8).reshape(len(array), -1)


@compiled
def _fill(
    content: Bytes,
    starts: NDArray[np.int64],
    rows: NDArray[np.bool_],
    fixed: Bytes,
    answers: Bytes,
    told: Bytes,
    told_ends: NDArray[np.int64],
) -> None:
    """Put each record together: the frame, the head and the words, a row's answers, and what is told."""
    for place in range(len(rows)):
        begin = starts[place] + 8
        at = begin
        at = _put(content, at, fixed[place])
        if rows[place]:
            at = _put(content, at, answers[place])
        at = _put(content, at, told[told_ends[place] : told_ends[place + 1]])
        found = checksum(content, begin, at)
        for byte in range(4):
            content[begin - 8 + byte] = ((at - begin) >> (8 * byte)) & 255
            content[begin - 4 + byte] = (found >> np.uint64(8 * byte)) & np.uint64(255)


@compiled
def _put(content: Bytes, at: int, piece: Bytes) -> int:
    for place in range(len(piece)):
        content[at + place] = piece[place]
    return at + len(piece)
