"""A log through a state again: in the order in which its events were accepted, or as if each had come in time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.known_ids import ids_of_known
from features.online.plan import online_plan
from features.online.records import KNOWN_WORDS
from features.online.state import ANSWERED, OnlineState
from features.online.table_events import LabelChanges
from pipeline.state.event_log import LABEL, NOTE, ROW, WAITING, LoggedEvent, logged_events
from pipeline.state.history_state import HistoryState, id_keys
from pipeline.state.snapshots import STATE
from pipeline.state.state_files import StateFolder, checked_state
from pipeline.storage.errors import InputError


@dataclass(frozen=True)
class Log:
    """A log and where it began.

    Attributes:
        start: the folder of the state that the first event met.
        events: all of them, in the order of their offsets.
    """

    start: StateFolder
    events: Sequence[LoggedEvent]

    def state(self) -> HistoryState:
        """The state that the first event met, anew at each call; ids are keys already, so no secret is needed."""
        return self.start.loaded(id_keys(None))

    @property
    def rows(self) -> list[int]:
        """Offsets of the rows that were answered."""
        return [place for place, event in enumerate(self.events) if event.kind == ROW and event.outcome in ANSWERED]


@dataclass(frozen=True)
class Replay:
    """What a log's events come to.

    Attributes:
        answers: of each row that was answered, in the order of `Log.rows` [N, columns].
        ends: what became of each event, as `LoggedEvent.outcome` says; -1 where it was left out [events].
        after: the state behind them.
    """

    answers: NDArray[np.float32]
    ends: NDArray[np.int64]
    after: HistoryState


def read_log(folder: Path) -> Log:
    """A log's events and the state that they met.

    Raises:
        InputError: the folder lacks one of the two, or a file of it has changed.
    """
    start = checked_state(folder / STATE)
    log = Log(start, logged_events(folder, features_sha256=start.manifest["features_sha256"]))
    width = online_plan(start.spec).event_words
    words = {ROW: width, LABEL: width, WAITING: width, NOTE: 0}
    if any(len(event.words) != words.get(event.kind, -1) for event in log.events):
        raise InputError(f"{folder}: every event must be a row or a label of {width} words")
    return _with_ids(log)


def replayed(log: Log, order: Sequence[int] | None = None) -> Replay:
    """The events through the state, in the order in which they were accepted or in another one.

    Rows that were refused, or came again, are left out.

    Args:
        log: what to replay.
        order: offsets, each event at most once.
    """
    history, rows = log.state(), log.rows
    place_of = {offset: place for place, offset in enumerate(rows)}
    answers = np.full((len(rows), len(history.state.plan.names)), np.nan, np.float32)
    ends, waiting = np.full(len(log.events), -1), 0
    for offset in range(len(log.events)) if order is None else order:
        event = log.events[offset]
        if event.kind == WAITING and order is None:
            history, waiting, ends[offset] = _with_later(history, waiting, event), 0, 1
        elif event.kind in (LABEL, WAITING):
            ends[offset] = _changed(history.state, event)
        elif offset in place_of:
            waiting = _what_came(history, waiting, before=event.moment)
            own = answers[place_of[offset] : place_of[offset] + 1]
            ends[offset] = history.state.accept_rows(event.words[None], own)[0]
    return Replay(answers, ends, HistoryState(history.state, history.to_come.taken(slice(waiting, None))))


def in_event_time(log: Log) -> list[int]:
    """Offsets as if every row had come at its event_time, and every label when it became available.

    A label comes behind the rows of its moment, and behind its own row. One that was overruled by another that became
    available no later is left out: in time it would never have been told.
    """
    due, gone = _due(log), overruled(log)
    return sorted((offset for offset in due if offset not in gone), key=lambda offset: (due[offset], offset))


def overruled(log: Log) -> dict[int, int]:
    """Changes of labels in whose place others came that became available no later, by the offsets of both."""
    due, gone = _due(log), {}
    standing: dict[bytes, list[int]] = {}
    for offset, event in enumerate(log.events):
        if event.kind in (LABEL, WAITING):
            before = standing.setdefault(_key(event), [])
            while before and due[before[-1]] >= due[offset]:
                gone[before.pop()] = offset
            before.append(offset)
    return gone


def _with_ids(log: Log) -> Log:
    """The log with ids in labels that came without: those of rows that the state knew when serving began."""
    bare = [place for place, event in enumerate(log.events) if _is_bare(event)]
    if not bare:
        return log
    keys = np.array([log.events[place].words[: known_rows.TIME] for place in bare])
    events = list(log.events)
    for place, ids in zip(bare, ids_of_known(log.state().state, keys), strict=True):
        words = np.concatenate([events[place].words[:KNOWN_WORDS], ids])
        events[place] = replace(events[place], words=words)
    return Log(log.start, events)


def _is_bare(event: LoggedEvent) -> bool:
    return event.kind in (LABEL, WAITING) and not event.words[KNOWN_WORDS:].any()


def _due(log: Log) -> dict[int, tuple[int, int]]:
    """When each event that counts comes in event time: a moment, and whether it is behind the rows of it."""
    rows = {offset: log.events[offset] for offset in log.rows}
    own = {_key(event): event.moment for event in rows.values()}
    due = {offset: (event.moment, ROW) for offset, event in rows.items()}
    labels = ((offset, event) for offset, event in enumerate(log.events) if event.kind in (LABEL, WAITING))
    return due | {offset: (max(event.moment, own.get(_key(event), event.moment)), LABEL) for offset, event in labels}


def _key(event: LoggedEvent) -> bytes:
    return event.words[: known_rows.TIME].tobytes()


def _changed(state: OnlineState, event: LoggedEvent) -> int:
    return int(state.accept_changes(_change(event))[0])


def _with_later(history: HistoryState, done: int, event: LoggedEvent) -> HistoryState:
    """What waits, without those that came, and with one more."""
    return HistoryState(history.state, history.to_come.taken(slice(done, None)).with_later(_change(event)))


def _change(event: LoggedEvent) -> LabelChanges:
    return LabelChanges(event.words[None], np.array([event.old]), np.array([event.moment]))


def _what_came(history: HistoryState, done: int, *, before: int) -> int:
    """Make the changes that were known when the log began and that come before a moment; how many are made then."""
    over = int(np.searchsorted(history.to_come.moment, before))
    if over > done:
        history.state.accept_changes(history.to_come.taken(slice(done, over)))
    return max(over, done)
