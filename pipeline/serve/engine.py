"""The heart of serving: features of one transaction at a time, and a log of all that changed them.

One thread, one event at a time, to its end: features, answer, log. What was told is in the log before it is told, so a
process that was killed at any moment comes back as it was. The engine knows no graph and no clock: whoever calls it
makes the answer of the features, and gives its bytes to be kept.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from features.online import arena, known_rows
from features.online.id_keys import IdKeys
from features.online.records import KNOWN_WORDS
from features.online.state import ANSWERED, OnlineState, Outcome, Row, label_key
from features.online.table_events import LabelChanges
from features.windows.groups import read_only
from features.windows.kernels import NO_EVENT, Float32
from features.windows.spec import FeatureSpec
from pipeline.serve.engine_start import EngineOptions as EngineOptions
from pipeline.serve.engine_start import Start, restored
from pipeline.serve.event_index import EventIndex
from pipeline.serve.kept_events import BUNDLE as BUNDLE
from pipeline.serve.kept_events import KeptEvents
from pipeline.serve.live_events import LabelTaken as LabelTaken
from pipeline.serve.live_events import LiveFeatures as LiveFeatures
from pipeline.serve.live_events import StoredEvent as StoredEvent
from pipeline.serve.published_digest import PublishedDigest
from pipeline.serve.row_features import RowFeatures
from pipeline.serve.serving_folder import begun_state, locked_folder
from pipeline.state.event_log import LABEL, WAITING
from pipeline.state.history_state import HistoryState
from pipeline.state.log_following import Steps, steps_with_waiting
from pipeline.state.log_writer import LogWriter
from pipeline.state.record_blocks import EventBatch
from pipeline.state.snapshots import AT, DIGEST
from pipeline.state.state_files import StateFolder

TAKEN_AT_ONCE = 1 << 16


@dataclass
class Engine:
    """State, log and index of a serving folder; `opened` makes it, `close` ends it.

    Attributes:
        folder: of serving.
        history: the windows of all groups, and changes of labels that wait.
        events: what is kept of all that came.
        options: see there.
        start: how it came to where it is.
    """

    folder: Path
    history: HistoryState
    events: KeptEvents
    options: EngineOptions
    start: Start
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)
    _pending: LiveFeatures | None = field(default=None, repr=False)
    _digest: PublishedDigest = field(default_factory=PublishedDigest, repr=False)
    _opened_at: int = field(init=False, repr=False)
    _next_digest: int = field(init=False, repr=False)
    _no_answers: Float32 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._opened_at = self.offset
        self._no_answers = np.full(len(self.state.plan.names), np.nan, np.float32)
        self._next_digest = self.offset + self.options.digest_every

    @classmethod
    def opened(cls, folder: Path, *, start: StateFolder, keys: IdKeys, options: EngineOptions | None = None) -> Self:
        """The engine of a folder, brought to the end of its log.

        Args:
            folder: of serving; made from `start` on the first call.
            start: a state of the features that are answered.
            keys: how ids become keys; under the secret of the state.
            options: see there.

        Raises:
            LockedError: another process serves from the folder.
            InputError: the log or the state is damaged, they do not belong together, or the folder cannot be written.
        """
        options = options or EngineOptions()
        with contextlib.ExitStack() as stack:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked_folder(folder))
            begun = begun_state(folder, start)
            found = restored(folder, begun, keys, options)
            engine = cls(folder, found.history, found.events, options, found.start)
            engine._held = stack.pop_all()
        return engine

    @property
    def state(self) -> OnlineState:
        """The windows of all groups."""
        return self.history.state

    @property
    def features(self) -> RowFeatures:
        """How columns come together for one row."""
        return self.events.features

    @property
    def features_sha256(self) -> str:
        """Of the specification."""
        return self.events.features_sha256

    @property
    def log(self) -> LogWriter:
        """The writing end of the log."""
        return self.events.log

    @property
    def index(self) -> EventIndex:
        """Where each transaction stands in the log."""
        return self.events.index

    @property
    def spec(self) -> FeatureSpec:
        """The columns that are answered."""
        return self.features.spec

    @property
    def offset(self) -> int:
        """How many events the log holds."""
        return self.log.offset

    @property
    def newest(self) -> int | None:
        """The latest event_time that was accepted, microseconds."""
        return self.state.newest

    @property
    def is_writable(self) -> bool:
        """False after a write failed: every change is refused until a new start has read the log."""
        return self.log.is_writable

    def look(self, values: Mapping[str, Any]) -> LiveFeatures:
        """The features that `take` would give now; nothing changes.

        Args:
            values: a canonical row, `features.schema.one_row.OneRow.values`.
        """
        event = self.state.event(self.features.event(values))
        outcome = self._refusal(event)
        if outcome == Outcome.EXACT:
            outcome = self.state.refusal(event)
        answers = np.empty(len(self.state.plan.names), np.float32)
        self.state.ask_event(event, answers)
        if outcome == Outcome.EXACT and self._late(event):
            outcome = Outcome.TOO_LATE if self._is_too_late(event) else Outcome.LATE
        return self._live(values, outcome, event, answers, self._late(event))

    def take(self, values: Mapping[str, Any]) -> LiveFeatures:
        """The features of a transaction, which is counted from now on where the outcome says so.

        `keep` must follow at once; where it does not, the event is logged without an answer before the next change.

        Args:
            values: a canonical row, `features.schema.one_row.OneRow.values`.

        Raises:
            LogFailedError: a write failed before.
            InputError: the state is full.
        """
        self._begin_change()
        event = self.state.event(self.features.event(values))
        answers = self._no_answers.copy()
        late, outcome = self._late(event), self._refusal(event)
        if outcome == Outcome.EXACT:
            self._let_waiting_labels_come(event)
            outcome = self.state.accept_event(event, answers)
        taken = self._live(values, outcome, event, answers, late)
        self._pending = taken if outcome in ANSWERED else None
        return taken

    def keep(self, taken: LiveFeatures, answer: bytes) -> int:
        """Log a transaction that was taken, with the answer it gets; its offset.

        Args:
            taken: what `take` gave last.
            answer: the bytes that the caller gets; b"" where it is counted and not scored.

        Raises:
            LogFailedError: the log did not take it: the answer must not be told.
        """
        if taken is not self._pending:
            raise ValueError("what is kept must be what was taken last, and must not have been kept or refused")
        self._pending = None
        offset = self.events.keep_row(taken, answer)
        self._publish()
        return offset

    def take_all(self, batch: EventBatch) -> NDArray[np.int64]:
        """Count many rows and changes of labels, and log them, without answers to anybody.

        Args:
            batch: events all of which can be taken: rows that did not come before and are not refused.

        Returns:
            The outcome of each, as the log has it; a change of a label that found no row is not logged [n].

        Raises:
            LogFailedError: a write failed, before or now.
            InputError: the state is full.
        """
        self._begin_change()
        parts = range(0, len(batch), TAKEN_AT_ONCE)
        outcomes = [self._take_part(batch.part(first, first + TAKEN_AT_ONCE)) for first in parts]
        return np.concatenate([np.empty(0, np.int64), *outcomes])

    def let_wait(self, batch: EventBatch) -> None:
        """Log changes of labels that come right before the first row behind their moments.

        Args:
            batch: changes alone; no row behind any of their moments has come yet.

        Raises:
            LogFailedError: a write failed, before or now.
        """
        self._begin_change()
        if not len(batch):
            return
        nothing = np.empty((len(batch), 0), np.float32)
        self.events.keep_block(batch, np.ones(len(batch), np.int64), nothing, change=WAITING)
        later = LabelChanges(batch.words, batch.old, batch.moments)
        self.history = replace(self.history, to_come=self.history.to_come.with_later(later))

    def stored(self, transaction_id: str | int) -> StoredEvent | None:
        """A transaction as the log has it; None where it does not hold it.

        Raises:
            InputError: the log has changed since.
        """
        key = self.state.keys.key(transaction_id)
        return self.events.stored(key, self.state.label_of(np.frombuffer(key, np.int64)))

    def differing(self, taken: LiveFeatures) -> tuple[str, ...]:
        """Which fields of a transaction are others than those that came under its id before, as far as is known."""
        return self.events.differing(taken.words)

    def label(
        self,
        transaction_id: str | int,
        label: int | None,
        available: int | None = None,
        values: Mapping[str, Any] | None = None,
        *,
        ids: bytes | None = None,
    ) -> LabelTaken:
        """Let windows know a label, or that there is none after all, and log it.

        Args:
            transaction_id: of the transaction it is about.
            label: 0 or 1; None withdraws the label that was there.
            available: when it became known, microseconds; None: now, by the newest event.
            values: ids of a transaction that neither the state nor the log may know, by column.
            ids: the same as the words of an event, in place of `values`.

        Raises:
            LogFailedError: a write failed, before or now.
            InputError: the state is full.
        """
        self._begin_change()
        key = self.state.keys.key(transaction_id)
        known, time, old, ids = self._labelled(key, values or {}, ids)
        if not known:
            return LabelTaken.UNKNOWN
        moment = available if available is not None else max(self.newest or 0, time)
        new = label_key(label, moment)
        if new == old or (available is None and same_label(old, label)):
            return LabelTaken.UNCHANGED
        if label is not None and moment < time:
            return LabelTaken.TOO_EARLY
        words = np.frombuffer(key + np.array([0, 0, new], np.int64).tobytes() + ids, np.int64)
        self.state.change_event(words, old)
        self.events.keep_label(transaction_id, words, old, moment)
        self._publish()
        return LabelTaken.FOUND

    def change(self, words: NDArray[np.int64], old: int, moment: int) -> LabelTaken:
        """Make and log a change of a label that is an event already, and that became known at a moment.

        Args:
            words: the event, as `features.online.events` reads it.
            old: the label before, where the state does not know the row.
            moment: microseconds.

        Raises:
            LogFailedError: a write failed, before or now.
            InputError: the state is full.
        """
        self._begin_change()
        if self.state.label_of(words[: known_rows.TIME]) == words[known_rows.LABEL]:
            return LabelTaken.UNCHANGED
        if not self.state.change_event(read_only(words), old):
            return LabelTaken.UNKNOWN
        self.events.keep_label(None, words, old, moment)
        self._publish()
        return LabelTaken.FOUND

    def note(self, content: Mapping[str, Any]) -> int:
        """Log what is no event: where `content` names a BUNDLE, it is the one that answers from then on; its offset.

        Raises:
            LogFailedError: a write failed, before or now.
        """
        self._begin_change()
        return self.events.keep_note(content, self.newest or 0)

    def sync(self) -> int:
        """Bring the log to the disk; another thread may call this. The offset up to which everything is safe.

        Raises:
            LogFailedError: the system could not, or a write failed before.
        """
        return self.log.sync()

    def audit(self, taken: LiveFeatures) -> int:
        """How many answers of what was taken last the batch functions would not give.

        A transaction that came too late to be counted is not compared: what its windows held may be gone.
        """
        if taken.outcome not in (Outcome.EXACT, Outcome.LATE):
            return 0
        expected = self.state.batch_answers(taken.words)
        apart = expected.view(np.uint32) != taken.answers.view(np.uint32)
        return int((apart & ~(np.isnan(expected) & np.isnan(taken.answers))).sum())

    def digest(self) -> str:
        """SHA-256 of the state: equal after equal events."""
        return self.state.digest()

    def close(self) -> None:
        """Log what is pending and the state's digest as far as the log takes it, and let go of the folder."""
        try:
            if self.is_writable:
                self._begin_change()
                if self.offset > self._opened_at and self.options.digest_every:
                    self.note({DIGEST: self.digest(), AT: self.offset})
                self.sync()
        finally:
            self._digest.close()
            self.events.close()
            self._held.close()

    def _take_part(self, batch: EventBatch) -> NDArray[np.int64]:
        steps = steps_with_waiting(self.history.to_come, batch.words, batch.are_changes, batch.old)
        values, outcomes = self._answers_of(steps)
        self.history = replace(self.history, to_come=self.history.to_come.taken(slice(steps.waited, None)))
        own = steps.places >= 0
        values, outcomes = values[own], outcomes[own]
        is_logged = ~batch.are_changes | (outcomes > 0)
        self.events.keep_block(batch.where(is_logged), outcomes[is_logged], values[is_logged], change=LABEL)
        self._publish()
        return outcomes

    def _answers_of(self, steps: Steps) -> tuple[Float32, NDArray[np.int64]]:
        """Values and outcome of each step."""
        values = np.full((len(steps.words), len(self.state.plan.names)), np.nan, np.float32)
        if not self.state.plan.by_batch:
            return values, self.state.accept_events(steps.words, steps.are_changes, steps.old, values)
        outcomes = np.empty(len(values), np.int64)
        for place, event in enumerate(read_only(steps.words)):
            if steps.are_changes[place]:
                outcomes[place] = self.state.change_event(event, int(steps.old[place]))
            else:
                outcomes[place] = self.state.accept_event(event, values[place])
        return values, outcomes

    def _live(
        self, values: Mapping[str, Any], outcome: Outcome, event: NDArray[np.int64], answers: Float32, late: int
    ) -> LiveFeatures:
        numbers, texts = self.features.numbers(values, answers), self.features.texts(values)
        return LiveFeatures(outcome, numbers, texts, late, event, self.features.kept(values), answers)

    def _late(self, event: NDArray[np.int64]) -> int:
        return max(int(self.state.memory[arena.NEWEST] - event[known_rows.TIME]), 0)

    def _is_too_late(self, event: NDArray[np.int64]) -> bool:
        memory = self.state.memory
        return bool(event[known_rows.TIME] < memory[arena.NEWEST] - memory[arena.LATENESS])

    def _refusal(self, event: NDArray[np.int64]) -> Outcome:
        """Why a row cannot be taken that the state itself would take; EXACT where it can.

        A state keeps no rows that came too late, and none from long ago; the log does.
        """
        newest, ahead = self.newest, self.options.ahead
        if newest is None:
            return Outcome.EXACT
        if ahead is not None and event[known_rows.TIME] > newest + ahead:
            return Outcome.TOO_FAR_AHEAD
        return self.events.fate(event) if self._is_too_late(event) else Outcome.EXACT

    def _let_waiting_labels_come(self, event: NDArray[np.int64]) -> None:
        """Labels that were known when the state was made, and that a row behind their moment finds known."""
        to_come = self.history.to_come
        if not len(to_come) or to_come.moment[0] >= event[known_rows.TIME]:
            return
        if self.state.refusal(event) == Outcome.EXACT:
            over = int(np.searchsorted(to_come.moment, event[known_rows.TIME]))
            self.state.accept_changes(to_come.taken(slice(0, over)))
            self.history = replace(self.history, to_come=to_come.taken(slice(over, None)))

    def _labelled(self, key: bytes, values: Mapping[str, Any], ids: bytes | None) -> tuple[bool, int, int, bytes]:
        """Whether a transaction is known, its time, its label, and the words of its ids."""
        words = np.frombuffer(key, np.int64)
        entry, label, event = self.events.entry(key), self.state.label_of(words), self.events.event(key)
        time = self.state.time_of(words) or arena.BEGINNING
        if event is not None:
            ids, time = event.words[KNOWN_WORDS:].tobytes(), int(event.words[known_rows.TIME])
        elif ids is None:
            given = Row(0, 0, [values.get(name) for name in self.features.ids])
            ids = self.state.event(given)[KNOWN_WORDS:].tobytes()
        old = label if label is not None else int(NO_EVENT) if entry is None else entry.label
        return label is not None or any(ids), time, old, ids

    def _begin_change(self) -> None:
        self.log.check_writable()
        if self._pending is not None:
            self.keep(self._pending, b"")

    def _publish(self) -> None:
        """A digest in the log every so many events: of a copy, by another thread, as soon as it is known."""
        every = self.options.digest_every
        if every and self.offset >= self._next_digest:
            self._next_digest = self.offset + every
            self._digest.begin(self.state.words(), self.offset)
        if (found := self._digest.taken()) is not None:
            self.events.keep_note(found, self.newest or 0)


def same_label(old: int, label: int | None) -> bool:
    """Whether a label, as `label_key` has it, is this one, whenever it became known."""
    return label is None if old == NO_EVENT else label == old & 1
