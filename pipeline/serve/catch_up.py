"""From where a state ends to now: raw rows and chargebacks of files, counted and logged like all that comes one by one.

What came before changes nothing, so files may be given again, whole and with more behind them: a catch-up that was
killed goes on where it was. Rows come in order of time, and between them what became of their labels.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from json import dumps

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.online import arena, events, known_rows
from features.online.state import Outcome
from features.online.table_events import LabelChanges, TableEvents, table_events
from features.windows.kernels import NO_EVENT
from pipeline.online.older_reports import reports_of_older_rows
from pipeline.online.raw_features import TRANSACTION_ID, check_ids, check_secret
from pipeline.online.raw_rows import RawRows, raw_rows
from pipeline.serve.engine import Engine
from pipeline.state.record_blocks import EventBatch, told_of
from pipeline.state.row_reading import Reading, kept_reading
from pipeline.state.state_files import StateFolder

FORGOTTEN = -1


@dataclass(frozen=True)
class CaughtUp:
    """What files brought.

    Attributes:
        outcomes: how many rows came to which end; only exact, late and too late ones are new to the log.
        labels: changes of labels that were logged.
        quarantined: rows that could not be read, or break a rule.
        forgotten: rows that are older than the state knows rows by their ids: nobody can tell whether they came.
    """

    outcomes: Mapping[Outcome, int]
    labels: int
    quarantined: int
    forgotten: int


def catch_up(engine: Engine, stored: StateFolder, sources: Sequence[str]) -> CaughtUp:
    """Count and log what files of raw rows and chargebacks hold that did not come before.

    Args:
        engine: what counts and logs.
        stored: a state whose manifest says how rows are read.
        sources: files or patterns of raw rows, and of what the preset joins to them.

    Raises:
        InputError: the secret is not the state's, or rows cannot be read or lack columns.
        LogFailedError: a write failed.
    """
    reading = kept_reading(stored, tuple(sources))
    check_secret(reading, stored)
    return caught_up(engine, raw_rows(reading), reading, key_column=stored.manifest["key_column"])


def caught_up(engine: Engine, raw: RawRows, reading: Reading, *, key_column: str | None) -> CaughtUp:
    """Count and log rows that were read, less those that came before.

    Args:
        engine: what counts and logs.
        raw: canonical rows by time, and reports beside them.
        reading: how they were read.
        key_column: where rows are known by; None where they have no ids.
    """
    check_ids(raw.table, engine.state)
    plan, keys = engine.state.plan, engine.state.keys
    whole = table_events(raw.table, plan=plan, keys=keys, key_column=key_column)
    fate = _fates(engine, whole.rows, has_ids=key_column is not None)
    fresh = fate == Outcome.EXACT
    taken = _taken(whole, fresh, has_ids=key_column is not None)
    older = [_older_reports(engine, raw, reading)] if key_column is not None else []
    older += [_labels_of_counted(engine, whole, fate == Outcome.REPEATED)] if key_column is not None else []
    changes, places = _changes_in_order(taken, older)
    told = told_of(_told_table(raw.table, key_column).filter(pa.array(fresh)), engine.features.own_columns)
    said = _told_of_changes(changes, _ids_by_key(engine, raw, whole.rows, changes))
    newest = max([*taken.rows[-1:, known_rows.TIME].tolist(), engine.newest or 0])
    wait = (places == len(taken.rows)) & (changes.moment >= newest)
    batch = _in_order(taken.rows, told, _events(changes, said, ~wait), places[~wait])
    outcomes = engine.take_all(batch)
    engine.let_wait(_events(changes, said, wait))
    counts = _counted(fate[~fresh & (fate != FORGOTTEN)]) + _counted(outcomes[~batch.are_changes])
    labels = int(outcomes[batch.are_changes].sum() + wait.sum())
    return CaughtUp(counts, labels, raw.quarantined, int((fate == FORGOTTEN).sum()))


def _counted(outcomes: NDArray[np.int64]) -> Counter[Outcome]:
    ends, counts = np.unique(outcomes, return_counts=True)
    return Counter({Outcome(end): count for end, count in zip(ends.tolist(), counts.tolist(), strict=True)})


def _fates(engine: Engine, rows: NDArray[np.int64], *, has_ids: bool) -> NDArray[np.int64]:
    """The outcome of each row that cannot be taken; EXACT of those that can, FORGOTTEN where nobody knows [n]."""
    state, times, amounts = engine.state, rows[:, known_rows.TIME], rows[:, known_rows.AMOUNT]
    fate = np.full(len(rows), int(Outcome.EXACT))
    fate[(amounts < 0) | (amounts > events.MOST_AMOUNT)] = Outcome.AMOUNT
    newest = state.newest
    if newest is None:
        return fate
    if not has_ids:
        fate[times <= newest] = Outcome.REPEATED
        return fate
    known, _ = state.known(rows[:, : known_rows.TIME])
    fate[known] = state.accept_rows(rows[known], np.empty((0, len(state.plan.names)), np.float32))
    in_doubt = ~known & (fate == Outcome.EXACT)
    fate[in_doubt & (times < newest - int(state.memory[arena.REMEMBERED]))] = FORGOTTEN
    late = np.flatnonzero(in_doubt & (times < newest - int(state.memory[arena.LATENESS])))
    held = engine.index.held(map(bytes, _keys(rows[late]).tolist()))
    fate[[place for place, key in zip(late, _keys(rows[late]).tolist(), strict=True) if bytes(key) in held]] = (
        Outcome.REPEATED
    )
    return fate


def _taken(whole: TableEvents, fresh: NDArray[np.bool_], *, has_ids: bool) -> TableEvents:
    """The events of rows that are new, and the changes of their labels; without ids, rows are known by their times."""
    rows, changes = whole.rows[fresh], whole.changes
    if has_ids:
        own = np.isin(_keys(changes.events), _keys(rows))
    else:
        own = np.isin(changes.events[:, known_rows.TIME], rows[:, known_rows.TIME])
    before = np.concatenate([[0], np.cumsum(fresh)])[np.minimum(whole.before[own], len(fresh))]
    return TableEvents(rows, changes.taken(own), before)


def _labels_of_counted(engine: Engine, whole: TableEvents, repeated: NDArray[np.bool_]) -> LabelChanges:
    """The newest labels of rows that were counted before, where they are others than those rows have."""
    rows = whole.rows[repeated]
    newest = _newest_labels(rows, whole.changes)
    now = _labels_now(engine, rows)
    known = _newest_labels(np.column_stack([rows[:, : known_rows.LABEL], now]), engine.history.to_come)
    other = (newest != known) & (newest != NO_EVENT)
    changed = rows[other].copy()
    changed[:, known_rows.LABEL] = newest[other]
    return LabelChanges(changed, now[other], newest[other] >> 1)


def _labels_now(engine: Engine, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels of rows as the state has them, or the log where the state does not know a row [n]."""
    known, now = engine.state.known(rows[:, : known_rows.TIME])
    for place in np.flatnonzero(~known).tolist():
        entry = engine.index.find(rows[place, : known_rows.TIME].tobytes())
        now[place] = now[place] if entry is None else entry.label
    return now


def _newest_labels(rows: NDArray[np.int64], changes: LabelChanges) -> NDArray[np.int64]:
    """The label of each row behind all changes [n]."""
    labels, keys = rows[:, known_rows.LABEL].copy(), _keys(rows)
    last = dict(zip(_keys(changes.events).tolist(), changes.events[:, known_rows.LABEL].tolist(), strict=True))
    for place in np.flatnonzero(np.isin(keys, _keys(changes.events))).tolist():
        labels[place] = last[keys[place].item()]
    return labels


def _older_reports(engine: Engine, raw: RawRows, reading: Reading) -> LabelChanges:
    """Reports about transactions that the state knows and the files do not hold, less those that it has taken."""
    if raw.reports is None:
        return engine.history.to_come.taken(slice(0, 0))
    state, delay, ids = engine.state, reading.labels.delay, raw.table[TRANSACTION_ID]
    told = reports_of_older_rows(raw.reports, ids, state=state, keys=state.keys, delay=delay)
    last = {key: place for place, key in enumerate(_keys(told.events).tolist())}
    final = told.taken(np.array(sorted(last.values()), np.int64))
    now = _labels_now(engine, final.events)
    other = final.events[:, known_rows.LABEL] != now
    return LabelChanges(final.events[other], now[other], final.moment[other])


def _changes_in_order(taken: TableEvents, older: Sequence[LabelChanges]) -> tuple[LabelChanges, NDArray[np.int64]]:
    """All changes, and how many rows come before each: those of its moment too."""
    times, every = taken.rows[:, known_rows.TIME], [taken.changes, *older]
    places = np.concatenate([taken.before, *(np.searchsorted(times, each.moment, side="right") for each in older)])
    names = ("events", "old", "moment")
    changes = LabelChanges(*(np.concatenate([getattr(each, name) for each in every]) for name in names))
    order = np.lexsort((changes.moment, places))
    return changes.taken(order), places[order]


def _events(changes: LabelChanges, told: Sequence[bytes], chosen: NDArray[np.bool_]) -> EventBatch:
    """Some changes of labels on their way into a log."""
    every = EventBatch(changes.events, np.ones(len(changes), bool), changes.old, changes.moment, told)
    return every.where(chosen)


def _in_order(
    rows: NDArray[np.int64], told: Sequence[bytes], changes: EventBatch, places: NDArray[np.int64]
) -> EventBatch:
    """Rows, and each change in front of the row at its place."""
    at = np.insert(np.arange(len(rows)), places, -1)
    beside = iter(changes.told)
    return EventBatch(
        np.insert(rows, places, changes.words, axis=0),
        at < 0,
        np.insert(np.full(len(rows), NO_EVENT), places, changes.old),
        np.insert(rows[:, known_rows.TIME], places, changes.moments),
        [told[place] if place >= 0 else next(beside) for place in at.tolist()],
    )


def _told_table(table: pa.Table, key_column: str | None) -> pa.Table:
    """Rows that have no ids of their own are logged without one: theirs are places in a file."""
    return table if key_column is not None else table.drop_columns([TRANSACTION_ID])


def _told_of_changes(changes: LabelChanges, ids: Mapping[bytes, str | int]) -> list[bytes]:
    keys = map(bytes, _keys(changes.events).tolist())
    return [dumps({TRANSACTION_ID: ids.get(key)}, separators=(",", ":")).encode() for key in keys]


def _ids_by_key(
    engine: Engine, raw: RawRows, rows: NDArray[np.int64], changes: LabelChanges
) -> Mapping[bytes, str | int]:
    """transaction_id of reports, and of rows whose labels changed, by its key."""
    changed = pa.array(np.isin(_keys(rows), _keys(changes.events)))
    ids = [] if raw.reports is None else raw.reports.keys.to_pylist()
    return {
        engine.state.keys.key(each): each for each in [*ids, *raw.table[TRANSACTION_ID].filter(changed).to_pylist()]
    }


def _keys(words: NDArray[np.int64]) -> NDArray[np.void]:
    """The keys of events as one value each [n]."""
    return np.ascontiguousarray(words[:, : known_rows.TIME]).view("V16").reshape(-1)
