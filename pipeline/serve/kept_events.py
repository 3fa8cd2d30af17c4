"""The log of a serving folder with its index: what is kept of each event, and how it is found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.records import KNOWN_WORDS
from features.online.state import Outcome
from features.windows.kernels import NO_EVENT, Float32
from pipeline.serve.event_index import FILE, Block, Entry, EventIndex
from pipeline.serve.live_events import LiveFeatures, StoredEvent
from pipeline.serve.row_features import RowFeatures
from pipeline.state.event_log import LABEL, NO_MODEL, NOTE, ROW, SUFFIX, LoggedEvent
from pipeline.state.log_scan import read_event
from pipeline.state.log_writer import LogWriter
from pipeline.state.record_blocks import EventBatch, record_block
from pipeline.storage.errors import InputError

BUNDLE = "bundle"
"""The key of a note that says which bundle answers from then on."""
TIME_AND_AMOUNT, IDS = slice(known_rows.TIME, known_rows.LABEL), slice(KNOWN_WORDS, None)


@dataclass
class KeptEvents:
    """Appends events to a log and its index, and reads them back.

    Attributes:
        folder: of serving.
        features_sha256: of the specification.
        features: how columns come together for one row.
        log: the writing end.
        index: where each transaction stands.
        model: offset of the last note that named a bundle.
    """

    folder: Path
    features_sha256: str
    features: RowFeatures
    log: LogWriter
    index: EventIndex
    model: int = NO_MODEL

    def keep_row(self, taken: LiveFeatures, answer: bytes) -> int:
        """Log a transaction with its answer; its offset.

        Raises:
            LogFailedError: the log did not take it.
        """
        event = LoggedEvent(
            ROW,
            taken.words,
            int(taken.words[known_rows.TIME]),
            int(taken.outcome),
            answers=taken.answers,
            row=taken.row,
            model=self.model if answer else NO_MODEL,
            answer=answer,
        )
        offset = self.log.append(event.record())
        label = int(taken.words[known_rows.LABEL])
        self.index.add_row(key_of(taken.words), Entry(offset, self.log.segment, self.log.place, label))
        return offset

    def keep_label(self, transaction_id: str | int | None, words: NDArray[np.int64], old: int, moment: int) -> int:
        """Log a change of a label that found its row; its offset.

        Raises:
            LogFailedError: the log did not take it.
        """
        event = LoggedEvent(LABEL, words, moment, 1, old=old, row={"transaction_id": transaction_id})
        offset = self.log.append(event.record())
        self.index.add_label(key_of(words), offset, int(words[known_rows.LABEL]))
        return offset

    def keep_note(self, content: Mapping[str, Any], moment: int) -> int:
        """Log what is no event: where `content` names a BUNDLE, it is the one that answers from then on; its offset.

        Raises:
            LogFailedError: the log did not take it.
        """
        event = LoggedEvent(NOTE, np.empty(0, np.int64), moment, row=content)
        offset = self.log.append(event.record())
        self.index.add_note(offset, content)
        if BUNDLE in content:
            self.model = offset
        return offset

    def keep_block(self, batch: EventBatch, outcomes: NDArray[np.int64], answers: Float32, *, change: int) -> None:
        """Log many events at once.

        Args:
            batch: the events.
            outcomes: of each [n].
            answers: of each row [n, columns].
            change: the kind of changes of labels.

        Raises:
            LogFailedError: the log did not take them; then it has none of them.
        """
        block = record_block(batch, outcomes, answers, change=change)
        first = self.log.append_block(block.content, len(batch))
        places, offsets = self.log.place + block.starts, np.arange(first, self.log.offset)
        told = Block(offsets, self.log.segment, places, batch.words, batch.are_changes)
        self.index.add_block(told, end=self.log.offset)

    def entry(self, key: bytes) -> Entry | None:
        """Where a transaction stands, and its label."""
        return self.index.find(key)

    def event(self, key: bytes) -> LoggedEvent | None:
        """A transaction's row as it was logged; None where the log does not hold it.

        Raises:
            InputError: the log has changed since.
        """
        entry = self.index.find(key)
        if entry is None or entry.offset < 0:
            return None
        path = self.folder / f"{entry.segment:020d}{SUFFIX}"
        try:
            event = read_event(path, entry.place, features_sha256=self.features_sha256)
        except OSError as error:
            raise InputError(f"{path} must be a segment of the log: {error.strerror}") from None
        if key_of(event.words) != key:
            raise InputError(f"{self.folder / FILE} must say where events are: a start without it mends it")
        return event

    def stored(self, key: bytes, label: int | None = None) -> StoredEvent | None:
        """A transaction with its answer; None where the log does not hold it.

        Args:
            key: of the transaction.
            label: that it has now, as `label_key` has it; None for the one of the index.
        """
        event, entry = self.event(key), self.index.find(key)
        if event is None or entry is None:
            return None
        now = entry.label if label is None else label
        time, amount = int(event.words[known_rows.TIME]), int(event.words[known_rows.AMOUNT])
        values = self.features.told(event.row, time, amount)
        named = self.features.named(self.features.numbers(values, event.answers), self.features.texts(values))
        known, available = (None, None) if now == NO_EVENT else (now & 1, now >> 1)
        model = None if event.model == NO_MODEL else self.index.note(event.model)
        return StoredEvent(entry.offset, event.answer, named, known, available, model, Outcome(event.outcome))

    def fate(self, words: NDArray[np.int64]) -> Outcome:
        """Whether a row came before with the same content, or with another one; EXACT where it did not."""
        event = self.event(key_of(words))
        if event is None:
            return Outcome.EXACT
        same = all((event.words[part] == words[part]).all() for part in (TIME_AND_AMOUNT, IDS))
        return Outcome.REPEATED if same else Outcome.CONFLICT

    def differing(self, words: NDArray[np.int64]) -> tuple[str, ...]:
        """Which fields of a row are others than those that came under its id before, as far as is known."""
        event = self.event(key_of(words))
        if event is None:
            return ()
        time, amount, label = known_rows.TIME, known_rows.AMOUNT, known_rows.LABEL
        names = {"event_time": slice(time, amount), "amount": slice(amount, label)}
        for place, name in enumerate(self.features.ids):
            names[name] = slice(KNOWN_WORDS + 2 * place, KNOWN_WORDS + 2 * place + 2)
        return tuple(name for name, part in names.items() if (event.words[part] != words[part]).any())

    def close(self) -> None:
        """Let go of both."""
        self.index.close()
        self.log.close()


def key_of(words: NDArray[np.int64]) -> bytes:
    """The key of an event's transaction."""
    return words[: known_rows.TIME].tobytes()
