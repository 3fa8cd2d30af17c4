"""Chargebacks that come with raw rows and are about rows that a state has counted already."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.online import known_rows
from features.online.id_keys import IdKeys
from features.online.state import OnlineState, label_key
from features.online.table_events import LabelChanges
from features.schema.chargeback_reports import WITHDRAWN, Reports


def reports_of_older_rows(
    reports: Reports, ids: pa.ChunkedArray, *, state: OnlineState, keys: IdKeys, delay: int
) -> LabelChanges:
    """Changes of labels by reports whose transactions are not among some rows, in order of their moments.

    Args:
        reports: of a feed.
        ids: transaction ids of the rows that came with it: their labels are theirs already.
        state: what may know the others.
        keys: of the state.
        delay: microseconds after which a row without a report counts as legitimate, where silence says so.
    """
    met = np.unique(reports.places(ids.combine_chunks()))
    older = np.setdiff1d(np.arange(len(reports.keys)), met)
    found = [
        _change(reports, place, number, state, keys, delay)
        for place in older.tolist()
        for number in _of(reports, place)
    ]
    known = [each for each in found if each is not None]
    events = np.array([event for event, _ in known], np.int64).reshape(-1, state.plan.event_words)
    moment = np.array([at for _, at in known], np.int64)
    changes = LabelChanges(events, np.full(len(known), label_key(None, None)), moment)
    return changes.taken(np.argsort(moment, kind="stable"))


def _of(reports: Reports, place: int) -> range:
    return range(int(reports.starts[place]), int(reports.starts[place + 1]))


def _change(
    reports: Reports, place: int, number: int, state: OnlineState, keys: IdKeys, delay: int
) -> tuple[NDArray[np.int64], int] | None:
    """A report as a change, and when it comes; None where the state does not know its transaction."""
    key = np.frombuffer(keys.key(reports.keys[place].as_py()), np.int64)
    time = state.time_of(key)
    if time is None:
        return None
    event, at, outcome = np.zeros(state.plan.event_words, np.int64), int(reports.at[number]), reports.outcome[number]
    silent = outcome == WITHDRAWN
    label = int(reports.absent if silent else outcome)
    available = max(at, time + delay) if silent else at
    event[: known_rows.TIME] = key
    event[known_rows.LABEL] = label_key(None if label < 0 else label, available)
    return event, at
