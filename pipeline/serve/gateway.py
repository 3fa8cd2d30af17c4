"""Where shards are joined to one engine: what they answer together is what one process would.

The gateway decides what is late or refused, asks the owners, and keeps a log of its own of whole rows with their
answers, as one process would have it: every tool that reads such a log reads it. A row that one owner counted before a
crash and another did not is sent again by its caller; each owner then answers as it did, or counts it now.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.online import arena, events, known_rows
from features.online.id_keys import IdKeys
from features.online.plan import OnlinePlan, online_plan
from features.online.records import KNOWN_WORDS
from features.online.state import ANSWERED, Outcome, Row, event_words, label_key
from features.online.table_events import LabelChanges
from features.times import HOUR
from features.windows.kernels import NO_EVENT, Float32
from pipeline.serve.engine import EngineOptions, same_label
from pipeline.serve.event_index import Entry, EventIndex
from pipeline.serve.kept_events import KeptEvents
from pipeline.serve.live_events import LabelTaken, LiveFeatures, StoredEvent
from pipeline.serve.row_features import RowFeatures
from pipeline.serve.serving_folder import begun_state, cut_torn_end, locked_folder, writable_end
from pipeline.serve.shards import LabelEnd, Ownership, Partial, Shard, ToldLabel, asked
from pipeline.state.event_log import LoggedEvent
from pipeline.state.log_scan import segments_since
from pipeline.state.log_writer import LogWriter
from pipeline.state.state_files import StateFolder


@dataclass
class Gateway:
    """The engine of several shards, called as `Engine` is.

    Attributes:
        events: what is kept of all that came.
        plan: of the state that every shard began with.
        keys: how ids become keys.
        ownership: which shard answers what.
        shards: in the order of their numbers.
        options: see `EngineOptions`.
        lateness: how far behind the newest row a row is counted, microseconds.
        newest: the latest event_time of all.
        to_come: changes of labels that wait for a row behind their moments.
    """

    events: KeptEvents
    plan: OnlinePlan
    keys: IdKeys
    ownership: Ownership
    shards: Sequence[Shard]
    options: EngineOptions
    lateness: int
    newest: int | None
    to_come: LabelChanges
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)
    _pending: LiveFeatures | None = field(default=None, repr=False)

    @classmethod
    def opened(
        cls,
        folder: Path,
        *,
        start: StateFolder,
        keys: IdKeys,
        shards: Sequence[Shard],
        options: EngineOptions | None = None,
        lateness: int = HOUR,
    ) -> Self:
        """The gateway of a folder, its index brought to the end of its log.

        Args:
            folder: of the gateway's log.
            start: the state that every shard began with.
            keys: how ids become keys.
            shards: all of them; how many there are must not change.
            options: see there.
            lateness: that of the state.

        Raises:
            LockedError: another process serves from the folder.
            InputError: the log is damaged, or not of these features.
        """
        options = options or EngineOptions()
        with contextlib.ExitStack() as stack:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked_folder(folder))
            begun = begun_state(folder, start)
            plan = online_plan(begun.spec)
            kept = _kept_events(folder, begun, plan, options)
            ownership = Ownership(begun.spec, kept.features.ids, len(shards))
            times = [time for time in (begun.newest, *(shard.newest for shard in shards)) if time is not None]
            newest, to_come = max(times, default=None), begun.loaded(keys).to_come
            came = 0 if newest is None else int(np.searchsorted(to_come.moment, newest))
            to_come = to_come.taken(slice(came, None))
            made = cls(kept, plan, keys, ownership, shards, options, lateness, newest, to_come)
            made._held = stack.pop_all()
        return made

    @property
    def offset(self) -> int:
        """How many events the log holds."""
        return self.events.log.offset

    @property
    def is_writable(self) -> bool:
        """False after a write of the gateway's log failed."""
        return self.events.log.is_writable

    def look(self, values: Mapping[str, Any]) -> LiveFeatures:
        """As `Engine.look`."""
        words = self._words(values)
        partials, owners = self._asked(values, words, counted=False)
        known = {each.outcome for each in partials.values()} & {Outcome.REPEATED, Outcome.CONFLICT}
        outcome = max(known, default=self._outcome(words))
        return self._live(values, outcome, words, self.ownership.joined(owners, partials))

    def take(self, values: Mapping[str, Any]) -> LiveFeatures:
        """As `Engine.take`; a row too late to be counted is asked about and not sent to be counted."""
        self._begin_change()
        words = self._words(values)
        outcome, answers = self._outcome(words), np.full(self._columns, np.nan, np.float32)
        if outcome in ANSWERED:
            self._let_waiting_labels_come(int(words[known_rows.TIME]))
            partials, owners = self._asked(values, words, counted=outcome != Outcome.TOO_LATE)
            known = {each.outcome for each in partials.values()} & {Outcome.REPEATED, Outcome.CONFLICT}
            outcome = max(known, default=outcome)
            answers = self.ownership.joined(owners, partials)
        taken = self._live(values, outcome, words, answers)
        if outcome in ANSWERED:
            self._pending = taken
            self.newest = max(int(words[known_rows.TIME]), self.newest or int(words[known_rows.TIME]))
        return taken

    def keep(self, taken: LiveFeatures, answer: bytes) -> int:
        """As `Engine.keep`."""
        if taken is not self._pending:
            raise ValueError("what is kept must be what was taken last, and must not have been kept or refused")
        self._pending = None
        return self.events.keep_row(taken, answer)

    def stored(self, transaction_id: str | int) -> StoredEvent | None:
        """As `Engine.stored`."""
        return self.events.stored(self.keys.key(transaction_id))

    def differing(self, taken: LiveFeatures) -> tuple[str, ...]:
        """As `Engine.differing`."""
        return self.events.differing(taken.words)

    def label(
        self,
        transaction_id: str | int,
        label: int | None,
        available: int | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> LabelTaken:
        """As `Engine.label`; where the log does not hold the transaction, every shard is asked whether it knows it."""
        self._begin_change()
        key = self.keys.key(transaction_id)
        before = _Before(self.events.entry(key), self.events.event(key))
        if available is None and before.entry is not None and same_label(before.entry.label, label):
            return LabelTaken.UNCHANGED
        moment = max(self.newest or 0, before.time) if available is None else available
        if label is not None and moment < before.time:
            return LabelTaken.TOO_EARLY
        ends, new = self._told(ToldLabel(transaction_id, label, moment, values), before.event), label_key(label, moment)
        end = _joined(ends)
        if end.taken == LabelTaken.UNCHANGED and (before.entry is None or before.entry.label != new):
            end = end._replace(taken=LabelTaken.FOUND)
        if end.taken == LabelTaken.FOUND:
            old = end.old if before.entry is None else before.entry.label
            ids = self._id_words(before.event, values)
            words = np.frombuffer(key + np.array([0, 0, new], np.int64).tobytes() + ids, np.int64)
            self.events.keep_label(transaction_id, words, old, moment)
        return end.taken

    def note(self, content: Mapping[str, Any]) -> int:
        """As `Engine.note`."""
        self._begin_change()
        return self.events.keep_note(content, self.newest or 0)

    def sync(self) -> int:
        """As `Engine.sync`, of the shards and of the gateway's own log."""
        for shard in self.shards:
            shard.sync()
        return self.events.log.sync()

    def close(self) -> None:
        """Log what is pending, and let go of the folder and of the shards."""
        try:
            if self.is_writable:
                self._begin_change()
        finally:
            self.events.close()
            self._held.close()
            for shard in self.shards:
                shard.close()

    @property
    def _columns(self) -> int:
        return sum(bool(column.entity) for column in self.ownership.spec.columns)

    def _words(self, values: Mapping[str, Any]) -> NDArray[np.int64]:
        return event_words(self.events.features.event(values), self.plan, self.keys)

    def _outcome(self, words: NDArray[np.int64]) -> Outcome:
        """What becomes of a row, by its time, its amount, and whether it came before."""
        time, amount = int(words[known_rows.TIME]), int(words[known_rows.AMOUNT])
        newest, ahead = self.newest, self.options.ahead
        if not 0 <= amount <= events.MOST_AMOUNT:
            return Outcome.AMOUNT
        if newest is not None and ahead is not None and time > newest + ahead:
            return Outcome.TOO_FAR_AHEAD
        known = self.events.fate(words)
        if known != Outcome.EXACT or newest is None or time >= newest:
            return known
        return Outcome.LATE if time >= newest - self.lateness else Outcome.TOO_LATE

    def _asked(
        self, values: Mapping[str, Any], words: NDArray[np.int64], *, counted: bool
    ) -> tuple[dict[int, Partial], dict[str, int]]:
        """What the owners of a row say, and who they are."""
        owners = self.ownership.owners(words)
        return asked(self.shards, sorted({*owners.values()}), values, counted=counted), owners

    def _let_waiting_labels_come(self, time: int) -> None:
        """Before any shard has a row behind their moments: so those that a crash kept from some are sent again."""
        over = int(np.searchsorted(self.to_come.moment, time))
        for place in range(over):
            for shard in self.shards:
                shard.change(self.to_come.events[place], int(self.to_come.old[place]), int(self.to_come.moment[place]))
        if over:
            self.to_come = self.to_come.taken(slice(over, None))

    def _told(self, told: ToldLabel, event: LoggedEvent | None) -> list[LabelEnd]:
        """What became of a label at the owners of its transaction, or at all shards where nobody knows who they are."""
        if event is None:
            return [shard.label(told) for shard in self.shards]
        told = told._replace(ids=self._id_words(event, None))
        owners = sorted({*self.ownership.owners(event.words).values()})
        return [self.shards[owner].label(told) for owner in owners] or [LabelEnd(LabelTaken.FOUND, int(NO_EVENT))]

    def _id_words(self, event: LoggedEvent | None, values: Mapping[str, Any] | None) -> bytes:
        """The words of a transaction's ids: as they were logged, or as they are given."""
        if event is not None:
            return event.words[KNOWN_WORDS:].tobytes()
        given = [(values or {}).get(name) for name in self.events.features.ids]
        return event_words(Row(0, 0, given), self.plan, self.keys)[KNOWN_WORDS:].tobytes()

    def _live(
        self, values: Mapping[str, Any], outcome: Outcome, words: NDArray[np.int64], answers: Float32
    ) -> LiveFeatures:
        features = self.events.features
        late = max((self.newest or 0) - int(words[known_rows.TIME]), 0)
        numbers, texts = features.numbers(values, answers), features.texts(values)
        return LiveFeatures(outcome, numbers, texts, late, words, features.kept(values), answers)

    def _begin_change(self) -> None:
        self.events.log.check_writable()
        if self._pending is not None:
            self.keep(self._pending, b"")


class _Before(NamedTuple):
    """What the log says of a transaction."""

    entry: Entry | None
    event: LoggedEvent | None

    @property
    def time(self) -> int:
        """Its event_time; before all times where the log does not hold it."""
        return arena.BEGINNING if self.event is None else int(self.event.words[known_rows.TIME])


def _joined(ends: Sequence[LabelEnd]) -> LabelEnd:
    """What became of a label: found by any shard, else unchanged or too early, else unknown to all."""
    order = (LabelTaken.FOUND, LabelTaken.UNCHANGED, LabelTaken.TOO_EARLY, LabelTaken.UNKNOWN)
    return min(ends, key=lambda end: order.index(end.taken))


def _kept_events(folder: Path, begun: StateFolder, plan: OnlinePlan, options: EngineOptions) -> KeptEvents:
    """The log of a gateway, cut where it is torn, with its index."""
    sha256 = begun.manifest["features_sha256"]
    end, _ = cut_torn_end(folder, features_sha256=sha256)
    index, last = EventIndex(folder, began=begun.manifest["digest"], end=end), None
    try:
        for segment in segments_since(folder, index.covered, features_sha256=sha256, repaired=True):
            index.add_segment(segment, plan.event_words)
            last = segment
    except BaseException:
        index.close()
        raise
    log = LogWriter(
        folder, offset=end, features_sha256=sha256, last=writable_end(last), segment_bytes=options.segment_bytes
    )
    return KeptEvents(folder, sha256, RowFeatures(begun.spec, plan.ids), log, index)
