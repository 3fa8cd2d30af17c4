"""The state of all windows, and what can be done with it: accept a row, ask about one, change a label.

Law, in order: rows in order of event_time, and labels before they are available, are answered as `window_features` on
the whole table answers them. Law, in any order: each row is answered as `window_features` on what was accepted before
it and the row. Both to the bit. After that it makes no difference in which order events came (convergence), and the
same events make the same state (replay).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.online import arena, events, known_rows
from features.online.batch_answers import batch_answer, batch_answers
from features.online.id_keys import NULL, IdKeys
from features.online.plan import OnlinePlan, online_plan
from features.online.records import NOW
from features.online.table_events import LabelChanges, TableEvents
from features.times import DAY, HOUR, MINUTE
from features.windows.compilation import keep_compiled_loops
from features.windows.groups import read_only
from features.windows.kernels import NO_EVENT, Float32, Int64
from features.windows.spec import FeatureSpec


class Outcome(IntEnum):
    """What became of a row; only EXACT and LATE rows are counted from now on."""

    EXACT = events.EXACT
    LATE = events.LATE_ROW
    REPEATED = events.REPEATED
    """It came before, with the same time, amount and ids: nothing changed, and there is no new answer."""
    CONFLICT = events.CONFLICT
    """Its id came before with other content: nothing changed."""
    TOO_LATE = events.TOO_OLD
    """It was answered from what is there, and is in no window."""
    TOO_FAR_AHEAD = events.FUTURE
    """It was refused: one wrong clock must not end everybody's windows."""
    AMOUNT = events.AMOUNT
    """It was refused: its amount must be between 0 and 2^40 minor units."""


ANSWERED = (Outcome.EXACT, Outcome.LATE, Outcome.TOO_LATE)
"""Outcomes of rows that have an answer."""


@dataclass(frozen=True)
class Bounds:
    """How far from the newest row another one may be, and for how long rows are known by their ids, in microseconds.

    `remembered` is 0 where rows are known elsewhere: then nothing comes twice, and a change of a label says what the
    label was before. None is without bound.
    """

    lateness: int | None = HOUR
    ahead: int | None = 5 * MINUTE
    remembered: int | None = 180 * DAY


class Row(NamedTuple):
    """One transaction, as far as windows read it.

    Attributes:
        time: event_time, microseconds.
        amount: minor units.
        ids: in the order of `OnlinePlan.ids`.
        key: transaction_id; None for a row that need not be known again.
        label: 0, 1, or None where it is not known.
        available: when the label became or becomes available, microseconds.
    """

    time: int
    amount: int
    ids: Sequence[str | int | None]
    key: str | int | None = None
    label: int | None = None
    available: int | None = None


class LabelChange(NamedTuple):
    """What became known about a row: a label for the first time, another one, or that there is none after all.

    Attributes:
        key: transaction_id.
        label: 0 or 1; None withdraws the label that was there.
        available: when it became known, microseconds.
        ids: those of the row; needed where the state does not know the row.
        earlier: label and availability that were there before; needed where the state does not know the row.
    """

    key: str | int
    label: int | None
    available: int | None = None
    ids: Sequence[str | int | None] = ()
    earlier: tuple[int, int] | None = None


@dataclass(frozen=True)
class OnlineState:
    """Windows of every group of a specification's entities.

    Attributes:
        plan: what is kept and answered.
        memory: int64, see `arena`.
        keys: how ids become keys.
    """

    plan: OnlinePlan
    memory: Int64
    keys: IdKeys

    @classmethod
    def empty(cls, spec: FeatureSpec, *, bounds: Bounds, keys: IdKeys, words: int = arena.RESERVED) -> Self:
        """A state in which nothing has happened.

        Args:
            spec: the columns to answer.
            bounds: what is too late, too far ahead, and long enough ago to be forgotten.
            keys: how ids become keys.
            words: how large the state can grow.

        Raises:
            InputError: columns cannot be answered one row at a time, or the system does not give so much memory.
        """
        keep_compiled_loops()
        plan = online_plan(spec)
        memory = arena.reserved_words(max(words, 2 * plan.first), fewest=2 * plan.first)
        plan.write(memory)
        memory[arena.NEXT] = plan.first
        memory[arena.NEWEST] = arena.BEGINNING
        limits = (bounds.lateness, bounds.ahead, bounds.remembered)
        for word, limit in zip((arena.LATENESS, arena.AHEAD, arena.REMEMBERED), limits, strict=True):
            memory[word] = arena.FOREVER if limit is None else limit
        for store in plan.tables.stores:
            memory[store["blank"] + NOW] = arena.BEGINNING
        return cls(plan, memory, keys)

    @property
    def rows(self) -> int:
        """Rows that are counted in windows or were."""
        return int(self.memory[arena.ACCEPTED])

    @property
    def newest(self) -> int | None:
        """The latest event_time, microseconds."""
        newest = int(self.memory[arena.NEWEST])
        return None if newest == arena.BEGINNING else newest

    def accept(self, row: Row, values: Float32) -> Outcome:
        """Answer a row from all that was accepted before, then count it.

        Args:
            row: the transaction.
            values: filled with the columns of `plan.names`, in their order, as float32; counts too, and NaN where
                missing, as models read them. Untouched where the row is refused or was there already.

        Raises:
            InputError: the state is full.
        """
        return self.accept_event(self.event(row), values)

    def accept_event(self, event: Int64, values: Float32) -> Outcome:
        """`accept` of a row whose words are made already; they must not be writable."""
        return _OUTCOMES[self._accepted(event, values)]

    def refusal(self, event: Int64) -> Outcome:
        """The outcome of a row that `accept_event` would not take; EXACT of one that it would, late or not."""
        return _OUTCOMES[events.refusal(self.memory, event)]

    def accept_table(self, table: TableEvents, values: Float32) -> NDArray[np.int64]:
        """Accept the rows of a table, and the changes of their labels where those come.

        Args:
            table: as `table_events` makes it.
            values: as in `accept_rows`.

        Returns:
            The `Outcome` of each row [n].

        Raises:
            InputError: as `accept_rows`.
        """
        ends = np.unique(np.append(table.before, len(table.rows)))
        outcomes, start, done = np.empty(len(table.rows), np.int64), 0, 0
        for end in ends.tolist():
            outcomes[start:end] = self.accept_rows(table.rows[start:end], values[start:end])
            start, past = end, int(np.searchsorted(table.before, end, side="right"))
            self.accept_changes(table.changes.taken(slice(done, past)))
            done = past
        return outcomes

    def accept_changes(self, changes: LabelChanges) -> NDArray[np.bool_]:
        """Make changes of labels one after the other.

        Returns:
            Whether the row of each was known, or the change had its ids [m].

        Raises:
            InputError: the state is full.
        """
        found = np.empty(len(changes), bool)
        for place, (event, old) in enumerate(zip(read_only(changes.events), changes.old.tolist(), strict=True)):
            found[place] = self._changed(event, old)
        return found

    def accept_rows(self, rows: Int64, values: Float32) -> NDArray[np.int64]:
        """Accept rows one after the other without coming back to Python in between.

        Args:
            rows: as `table_events` makes them [n, words].
            values: filled with the answers [n, columns]; [0, columns] where none are wanted.

        Returns:
            The `Outcome` of each [n].

        Raises:
            InputError: the state is full.
        """
        rows = read_only(rows)
        if len(values) and self.plan.by_batch:
            return np.array([self._accepted(row, own) for row, own in zip(rows, values, strict=True)], np.int64)
        outcomes = np.empty(len(rows), np.int64)
        events.accept_rows(self.memory, rows, values, outcomes)
        self._check_room((outcomes == events.FULL).any(), "row")
        return outcomes

    def accept_events(
        self, rows: Int64, are_changes: NDArray[np.bool_], old: NDArray[np.int64], values: Float32
    ) -> NDArray[np.int64]:
        """Accept rows and changes of labels in one order, without coming back to Python in between.

        Columns that no loop answers are left as they are in `values`.

        Args:
            rows: the events' words [n, words].
            are_changes: which of them change a label [n].
            old: of a change, the label before, where its row is not known [n].
            values: filled with the answers of rows [n, columns]; [0, columns] where none are wanted.

        Returns:
            The `Outcome` of each row; of a change, 1 where its row was known or it had its ids, else 0 [n].

        Raises:
            InputError: the state is full.
        """
        outcomes = np.empty(len(rows), np.int64)
        events.accept_events(self.memory, read_only(rows), read_only(are_changes), read_only(old), values, outcomes)
        self._check_room((outcomes == events.FULL).any(), "event")
        return outcomes

    def ask(self, row: Row, values: Float32) -> None:
        """The answer that `accept` would give now; the state stays as it is."""
        self.ask_event(self.event(row), values)

    def ask_event(self, event: Int64, values: Float32) -> None:
        """`ask` of a row whose words are made already; they must not be writable."""
        events.ask_row(self.memory, event, values)
        if self.plan.by_batch:
            values[self.plan.by_batch_places] = self._batch_answers(event)

    def change_label(self, change: LabelChange) -> bool:
        """Let windows know a label, or forget it; False where the row is not known and the change has no ids.

        Raises:
            InputError: the state is full.
        """
        event = self.event(Row(0, 0, change.ids or self._no_ids, change.key, change.label, change.available))
        return self.change_event(event, label_key(*(change.earlier or (None, None))))

    def change_event(self, event: Int64, old: int) -> bool:
        """`change_label` of words that are made already; they must not be writable.

        Args:
            event: the key, the label from now on, and the ids where the state does not know the row.
            old: the label before, as `label_key` has it, where the state does not know the row.
        """
        return self._changed(event, old)

    def load_loops(self) -> None:
        """Compile or load the loops now, so that no row waits for them; what is asked of them here changes nothing."""
        nobody = [NULL] * len(self.plan.ids)
        event = np.frombuffer(self.plan.event_struct.pack(NULL, 0, -1, int(NO_EVENT), *nobody), np.int64)
        values = np.empty(len(self.plan.names), np.float32)
        events.ask_row(self.memory, event, values)
        events.accept_row(self.memory, event, values)
        events.change_label(self.memory, event, int(NO_EVENT))

    def time_of(self, key: Int64) -> int | None:
        """event_time of a row that is known by its key [2 words], microseconds; None where it is not."""
        row = self._known_row(key)
        return int(self.memory[row + known_rows.TIME]) if row else None

    def label_of(self, key: Int64) -> int | None:
        """The label of a row that is known by its key [2 words], as `label_key` has it; None where it is not."""
        row = self._known_row(key)
        return int(self.memory[row + known_rows.LABEL]) if row else None

    def known(self, keys: Int64) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which rows are known by their keys [n, 2 words], and the label of each, as `label_key` has it [n]."""
        labels = np.full(len(keys), NO_EVENT)
        are_known = np.zeros(len(keys), bool)
        known_rows.labels_of(self.memory, read_only(keys), are_known, labels)
        return are_known, labels

    def event(self, row: Row) -> Int64:
        """The words of a row, see `events`; they cannot be written to."""
        return event_words(row, self.plan, self.keys)

    def batch_answers(self, event: Int64) -> Float32:
        """All answers for a row by the aggregates' own functions over what its groups hold [columns].

        They are those of `accept`, before the row is accepted and until another event comes after it, unless the row
        came too late to be counted: what its windows held may be gone by then.
        """
        events.find_groups(self.memory, self.plan.groups, event, False)
        own = int(event[known_rows.TIME]), int(event[known_rows.AMOUNT])
        return batch_answers(self.memory, self.plan, self.plan.with_stores, *own)

    def words(self) -> NDArray[np.int64]:
        """A copy of all that the state is: `restored` makes the same state of it."""
        words = self.memory[: self.memory[arena.NEXT]].copy()
        words[self.plan.scratch : self.plan.first] = 0
        return words

    def digest(self) -> str:
        """SHA-256 of the state; equal after equal events, whatever machine, process or snapshot they went through."""
        return hashlib.sha256(self.words().tobytes()).hexdigest()

    @classmethod
    def restored(
        cls, spec: FeatureSpec, words: NDArray[np.int64], *, keys: IdKeys, reserved: int = arena.RESERVED
    ) -> Self:
        """The state whose `words` these are.

        Raises:
            InputError: they are not of a state of this specification.
        """
        keep_compiled_loops()
        plan = online_plan(spec)
        memory = arena.reserved_words(max(reserved, 2 * len(words), 2 * plan.first), fewest=2 * plan.first)
        plan.write(memory)
        own = slice(plan.records, plan.first)
        if len(words) < plan.first or words[arena.NEXT] != len(words) or (words[own] != memory[own]).any():
            raise InputError(f"a state of this specification must begin with the {plan.first} words of its plan")
        memory[: len(words)] = words
        return cls(plan, memory, keys)

    @property
    def _no_ids(self) -> tuple[None, ...]:
        return (None,) * len(self.plan.ids)

    def _accepted(self, event: Int64, values: Float32) -> int:
        if self.plan.by_batch:
            answers = self._batch_answers(event)
        outcome = events.accept_row(self.memory, event, values)
        self._check_room(outcome == events.FULL, "row")
        if self.plan.by_batch and outcome in ANSWERED:
            values[self.plan.by_batch_places] = answers
        return outcome

    def _changed(self, event: Int64, old: int) -> bool:
        done = events.change_label(self.memory, event, old)
        self._check_room(done == events.FULL, "label")
        return bool(done == events.CHANGED)

    def _check_room(self, is_full: bool, what: str) -> None:
        if is_full:
            raise InputError(f"the state must fit {len(self.memory)} words, and the next {what} may not")

    def _known_row(self, key: Int64) -> int:
        """Its address, 0 where there is none."""
        chain, kind = self.memory[arena.KNOWN], self.memory[arena.KNOWN_KIND]
        return int(known_rows.known_row(self.memory, chain, kind, key[0], key[1]))

    def _batch_answers(self, event: Int64) -> list[np.float32]:
        """Of the columns that no loop answers, from the state as it is before the row."""
        events.find_groups(self.memory, self.plan.groups, event, False)
        own = int(event[2]), int(event[3])
        return [batch_answer(self.memory, self.plan, column, place, *own) for column, place in self.plan.by_batch]


_OUTCOMES = {int(outcome): outcome for outcome in Outcome}


def event_words(row: Row, plan: OnlinePlan, keys: IdKeys) -> Int64:
    """The words of a row for every state of a plan under some keys, see `events`; they cannot be written to."""
    key, label = keys.key, label_key(row.label, row.available)
    words = plan.event_struct.pack(key(row.key), row.time, row.amount, label, *map(key, row.ids))
    return np.frombuffer(words, np.int64)


def label_key(label: int | None, available: int | None) -> int:
    """2·(microsecond at which a label becomes available) + label; NO_EVENT where there is none."""
    return int(NO_EVENT) if label is None or available is None else 2 * available + label
