"""The features of raw rows behind a state, each as a table of all rows would have them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.online import arena, known_rows
from features.online.state import ANSWERED, OnlineState, Outcome
from features.online.table_events import LabelChanges, TableEvents, table_events
from features.windows.kernels import NO_EVENT
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.online.older_reports import reports_of_older_rows
from pipeline.online.raw_rows import raw_rows
from pipeline.stages.hash_key import hash_key, hash_key_check
from pipeline.state.history_state import HistoryState, id_keys
from pipeline.state.row_reading import Reading, kept_reading
from pipeline.state.state_files import StateFolder
from pipeline.storage.errors import InputError, faults_text

TRANSACTION_ID = "transaction_id"


@dataclass(frozen=True)
class RowsAside:
    """Rows that the state was not asked about.

    Attributes:
        quarantined: they could not be read, or break a rule.
        forgotten: they are older than the state knows rows by their ids, so nobody can say whether they came before.
    """

    quarantined: int
    forgotten: int


@dataclass(frozen=True)
class RawFeatures:
    """Raw rows with their features.

    Attributes:
        rows: canonical rows that were answered, by time [N].
        features: columns of the specification [N].
        outcomes: how many rows came to which end.
        aside: rows that were not looked at.
        after: the state behind them.
    """

    rows: pa.Table
    features: pa.Table
    outcomes: Mapping[Outcome, int]
    aside: RowsAside
    after: HistoryState


def raw_features(stored: StateFolder, sources: Sequence[str]) -> RawFeatures:
    """The features of raw rows; the folder of the state stays as it is.

    Args:
        stored: the state that they come after.
        sources: files or patterns of raw rows, and of what the preset joins to them.

    Raises:
        InputError: the secret is not the state's, or rows cannot be read or lack columns.
    """
    reading = kept_reading(stored, tuple(sources))
    check_secret(reading, stored)
    raw, keys, key_column = raw_rows(reading), id_keys(hash_key(reading.data)), stored.manifest["key_column"]
    history = stored.loaded(keys)
    state = history.state
    check_ids(raw.table, state)
    if raw.reports is not None:
        ids, delay = raw.table[TRANSACTION_ID], reading.labels.delay
        own = reports_of_older_rows(raw.reports, ids, state=state, keys=keys, delay=delay)
        history = HistoryState(state, _in_order(_joined(history.to_come, own)))
    new, repeated, forgotten = _to_answer(raw.table, state, key_column)
    events = table_events(new, plan=state.plan, keys=keys, key_column=key_column)
    values, outcomes, to_come = _answers(history, events)
    counts = Counter({Outcome(int(each)): int((outcomes == each).sum()) for each in np.unique(outcomes)})
    counts[Outcome.REPEATED] += repeated
    answered = np.isin(outcomes, ANSWERED)
    rows = new.filter(pa.array(answered))
    features = feature_table(rows, values[answered], state, stored.spec)
    aside = RowsAside(raw.quarantined, forgotten)
    return RawFeatures(rows, features, counts, aside, HistoryState(state, to_come))


def check_secret(reading: Reading, stored: StateFolder) -> None:
    """Refuse to read ids under another secret than those of a state.

    Raises:
        InputError: it is another, or there is none.
    """
    if hash_key_check(reading.data) != stored.manifest["hash_key_check"]:
        raise InputError(f"{reading.data.hash_key_env}: the secret must be the one that the state was made under")


def check_ids(table: pa.Table, state: OnlineState) -> None:
    """Refuse rows without the ids that a state's windows are of.

    Raises:
        InputError: columns are missing; all are named.
    """
    if missing := [f"'{name}': missing" for name in state.plan.ids if name not in table.column_names]:
        raise InputError(faults_text(missing, "the ids of raw transactions that the state's windows are of"))


def feature_table(rows: pa.Table, values: NDArray[np.float32], state: OnlineState, spec: FeatureSpec) -> pa.Table:
    """Columns of the specification in its order: of entities from answers, all others from the rows themselves.

    Args:
        rows: canonical rows [N].
        values: what the state answered [N, columns].
        state: that did.
        spec: of the state.
    """
    own = spec.selected([column.name for column in spec.columns if not column.entity])
    made = {name: column for name, column in zip(own.names, window_features(rows, spec=own, threads=1), strict=True)}
    for column in (column for column in spec.columns if column.entity):
        answers = np.ascontiguousarray(values[:, state.plan.names.index(column.name)])
        missing = np.isnan(answers) if column.dtype == "int32" else None
        kept = np.nan_to_num(answers).astype(np.int32) if column.dtype == "int32" else answers
        made[column.name] = pa.array(kept, mask=missing)
    return pa.table({name: made[name] for name in spec.names})


def _to_answer(table: pa.Table, state: OnlineState, key_column: str | None) -> tuple[pa.Table, int, int]:
    """Rows of which it can be told whether they came before; how many came, and how many nobody can tell.

    Where rows have no ids, those up to the state's last event are taken for such that came.
    """
    newest, remembered = state.newest, int(state.memory[arena.REMEMBERED])
    if newest is None:
        return table, 0, 0
    since = newest - remembered if key_column is not None else newest + 1
    new = table.filter(pc.greater_equal(table["event_time"].cast(pa.int64()), since))
    left = table.num_rows - new.num_rows
    return (new, 0, left) if key_column is not None else (new, left, 0)


def _answers(history: HistoryState, events: TableEvents) -> tuple[NDArray[np.float32], NDArray[np.int64], LabelChanges]:
    """Values and outcome of each row, and the changes of labels that are still to come."""
    state, newest = history.state, history.state.newest
    times = events.rows[:, known_rows.TIME]
    old = 0 if newest is None else int(np.searchsorted(times, newest, side="right"))
    values = np.empty((len(times), len(state.plan.names)), np.float32)
    outcomes = np.empty(len(times), np.int64)
    outcomes[:old] = state.accept_rows(events.rows[:old], values[:old])
    state.accept_changes(_labels_that_came(events.rows[:old], outcomes[:old]))
    changes, before = _placed(history.to_come, events, old)
    if len(times) > old:
        over = int(np.searchsorted(before, len(times) - old))
    else:
        over = int(np.searchsorted(changes.moment, newest or 0, side="right"))
    rest = TableEvents(events.rows[old:], changes.taken(slice(0, over)), before[:over])
    outcomes[old:] = state.accept_table(rest, values[old:])
    return values, outcomes, changes.taken(slice(over, None))


def _labels_that_came(rows: NDArray[np.int64], outcomes: NDArray[np.int64]) -> LabelChanges:
    """Labels of rows that the state knows already."""
    again = rows[(outcomes == Outcome.REPEATED) & (rows[:, known_rows.LABEL] != NO_EVENT)]
    return LabelChanges(again, np.full(len(again), NO_EVENT), again[:, known_rows.LABEL] >> 1)


def _placed(to_come: LabelChanges, events: TableEvents, old: int) -> tuple[LabelChanges, NDArray[np.int64]]:
    """Changes of the state's rows and of these, and how many of the new rows come before each."""
    waiting = np.searchsorted(events.rows[old:, known_rows.TIME], to_come.moment, side="right")
    before = np.concatenate([waiting, np.maximum(events.before - old, 0)])
    both = _joined(to_come, events.changes)
    order = np.lexsort((both.moment, before))
    return both.taken(order), before[order]


def _joined(one: LabelChanges, other: LabelChanges) -> LabelChanges:
    return LabelChanges(
        np.concatenate([one.events, other.events]),
        np.concatenate([one.old, other.old]),
        np.concatenate([one.moment, other.moment]),
    )


def _in_order(changes: LabelChanges) -> LabelChanges:
    return changes.taken(np.argsort(changes.moment, kind="stable"))
