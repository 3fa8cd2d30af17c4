"""`harbor skew`: what serving saw beside what it would have seen had everything come in time, and why they differ.

A log goes through its state twice: in the order in which its events came, which must give the answers that the log
holds; and in the order of event time. Where the two differ, some event came too late for a row or too early: a late
row, or a label that was late, changed or withdrawn. Each difference is put down to the first such event of its group
and its window. One that no event explains is a fault of serving.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.online import known_rows
from features.online.plan import OnlinePlan
from features.online.records import KNOWN_WORDS
from features.online.state import Outcome
from features.windows.kernels import NO_EVENT
from features.windows.spec import FeatureColumn
from pipeline.online.replayed_log import Log, Replay, in_event_time, overruled, read_log, replayed
from pipeline.online.served_features import differing, served_answers
from pipeline.state.event_log import NOTE, ROW, LoggedEvent
from pipeline.storage.content import write_table

LATE_ROW, NEVER_COUNTED, LATE_LABEL, EARLY_LABEL = (
    "a row that came late",
    "a row that came too late to be counted",
    "a label that came late",
    "a label that came before its time",
)
WAITED = "a label that had yet to change when serving began"
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Difference:
    """A value that serving saw otherwise.

    Attributes:
        row: offset of the row in the log.
        column: place of the column among those of entities.
        cause: in words.
        event: offset of the event that explains it; -1 where none does.
    """

    row: int
    column: int
    cause: str
    event: int


@dataclass(frozen=True)
class Skew:
    """How a log's answers compare with those in the order of event time.

    Attributes:
        rows: that were answered.
        values: that were compared.
        differences: all that differ, by row and column.
        names: of the columns.
        served: what serving saw of each difference.
        in_time: what it would have seen.
        log: the log.
    """

    rows: int
    values: int
    differences: Sequence[Difference]
    names: Sequence[str]
    served: NDArray[np.float32]
    in_time: NDArray[np.float32]
    log: Log

    @property
    def by_cause(self) -> Mapping[str, int]:
        """How many differ for each cause."""
        return Counter(each.cause for each in self.differences)

    @property
    def unexplained(self) -> int:
        """Values that differ and for which no event of the log is the cause."""
        return self.by_cause.get(UNEXPLAINED, 0)

    def table(self) -> pa.Table:
        """A row a difference: where, what, and the event that it is put down to."""
        events = self.log.events
        ids = [
            (_id(events[each.row]), None if each.event < 0 else _id(events[each.event])) for each in self.differences
        ]
        return pa.table(
            {
                "offset": pa.array([each.row for each in self.differences], pa.int64()),
                "transaction_id": pa.array([own for own, _ in ids], pa.string()),
                "column": pa.array([self.names[each.column] for each in self.differences], pa.string()),
                "served": pa.array(self.served, pa.float32()),
                "in_time": pa.array(self.in_time, pa.float32()),
                "cause": pa.array([each.cause for each in self.differences], pa.string()),
                "cause_offset": pa.array([None if e.event < 0 else e.event for e in self.differences], pa.int64()),
                "cause_transaction_id": pa.array([other for _, other in ids], pa.string()),
            }
        )


def log_skew(folder: Path, out: Path | None = None) -> Skew:
    """How the answers of a log compare with those in event time.

    Args:
        folder: of the log.
        out: Parquet file that gets a row a difference; None for none.

    Raises:
        InputError: the log cannot be read, or lacks its answers.
    """
    skew = skew_of(read_log(folder))
    if out is not None:
        write_table(out, skew.table())
    return skew


def skew_of(log: Log) -> Skew:
    """The same of a log in memory."""
    served, again, order = served_answers(log), replayed(log), in_event_time(log)
    in_time = replayed(log, order)
    causes = _Causes(log, again, order)
    own, apart = differing(served, again.answers), differing(served, in_time.answers)
    places = np.argwhere(own | apart)
    found = [causes.difference(log.rows[row], column, faulty=bool(own[row, column])) for row, column in places.tolist()]
    at = tuple(places.T)
    names = again.after.state.plan.names
    return Skew(len(served), served.size, found, names, served[at], in_time.answers[at], log)


class _Causes:
    """Events of a log that came out of order, by the groups that they touch."""

    def __init__(self, log: Log, replay: Replay, order: Sequence[int]) -> None:
        self.log, self.ends = log, replay.ends
        self.plan: OnlinePlan = replay.after.state.plan
        self.columns = [column for column in self.plan.spec.columns if column.entity]
        self.gone = overruled(log)
        self.due = {offset: place for place, offset in enumerate(order)}
        self.due |= {offset: self.due[self._last_word(offset)] for offset in self.gone}
        self.labels = _labels_before(log)
        self.of_group: dict[tuple[tuple[str, ...], bytes], list[int]] = {}
        entities = dict.fromkeys(column.entity for column in self.columns)
        to_come = log.state().to_come.events
        self.waiting = {(entity, self._group_of(words, entity)) for words in to_come for entity in entities}
        for offset in sorted({*_out_of_order(order, replay.ends), *self.gone}):
            for entity in entities:
                group = self._group(log.events[offset], entity)
                self.of_group.setdefault((entity, group), []).append(offset)

    def difference(self, row: int, place: int, *, faulty: bool) -> Difference:
        """The difference of a row's column, and why; `faulty` where the log's own events give another answer."""
        column = self.columns[place]
        group = self._group(self.log.events[row], column.entity)
        for event in () if faulty else self.of_group.get((column.entity, group), ()):
            cause = self._cause(event, row)
            if cause and self._is_seen(event, row, column):
                return Difference(row, place, cause, event)
        waited = not faulty and column.of == "label" and (column.entity, group) in self.waiting
        return Difference(row, place, WAITED if waited else UNEXPLAINED, -1)

    def _last_word(self, event: int) -> int:
        """The change of a label that stands in place of one that was overruled."""
        while event in self.gone:
            event = self.gone[event]
        return event

    def _group(self, event: LoggedEvent, entity: tuple[str, ...]) -> bytes:
        return self._group_of(event.words, entity)

    def _group_of(self, words: NDArray[np.int64], entity: tuple[str, ...]) -> bytes:
        starts = [KNOWN_WORDS + 2 * self.plan.ids.index(name) for name in entity]
        return b"".join(words[start : start + 2].tobytes() for start in starts)

    def _cause(self, event: int, row: int) -> str:
        """How an event is out of order with a row, "" where it is not."""
        of_row = self.log.events[event].kind == ROW
        due_before, came_before = self.due[event] < self.due[row], event < row
        if due_before and (not came_before or self._is_uncounted(event)):
            late = NEVER_COUNTED if self._is_uncounted(event) else LATE_ROW
            return late if of_row else LATE_LABEL
        return EARLY_LABEL if came_before and not due_before and not of_row else ""

    def _is_uncounted(self, event: int) -> bool:
        own = self.log.events[event]
        return bool(self.ends[event] == (Outcome.TOO_LATE if own.kind == ROW else 0))

    def _is_seen(self, event: int, row: int, column: FeatureColumn) -> bool:
        """Whether what an event brings or takes away lies in the window of a row's column."""
        own, time = self.log.events[event], self.log.events[row].moment
        width = column.window or self.plan.spec.horizon
        since = None if width is None else time - width
        if column.clock == "event_time":
            return own.kind == ROW and _inside(own.moment, since, time)
        moments = [key >> 1 for key in self.labels[event] if key != NO_EVENT]
        return not moments or any(_inside(moment, since, time) for moment in moments)


def _inside(moment: int, since: int | None, time: int) -> bool:
    return moment < time and (since is None or moment >= since)


def _out_of_order(order: Sequence[int], ends: NDArray[np.int64]) -> Iterator[int]:
    """Events that come at another place than they came at: behind one that is later in the log, or before an earlier.

    Args:
        order: offsets in event time.
        ends: what became of each event.
    """
    offsets = np.array(order, np.int64)
    if not len(offsets):
        return
    latest = np.maximum.accumulate(offsets)
    earliest = np.minimum.accumulate(offsets[::-1])[::-1]
    moved = (offsets < latest) | (offsets > earliest)
    yield from (int(o) for o, is_moved in zip(offsets, moved, strict=True) if is_moved or _left_out(ends[o]))


def _left_out(end: int) -> bool:
    return bool(end in (0, Outcome.TOO_LATE))


def _labels_before(log: Log) -> dict[int, tuple[int, ...]]:
    """The label that each event brings, and those that the row had before."""
    had: dict[bytes, list[int]] = {}
    found = {}
    for offset, event in enumerate(log.events):
        if event.kind == NOTE:
            continue
        key = event.words[: known_rows.TIME].tobytes()
        labels = had.setdefault(key, [])
        labels.append(int(event.words[known_rows.LABEL]))
        found[offset] = (*labels, *([event.old] if event.kind != ROW else []))
    return found


def _id(event: LoggedEvent) -> str | None:
    own = event.row.get("transaction_id")
    return None if own is None else str(own)
