"""A state brought along a log, many events at a time: how a start or a snapshot comes to where serving is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.online.plan import OnlinePlan
from features.online.state import ANSWERED
from features.online.table_events import LabelChanges
from pipeline.state.event_log import LABEL, ROW
from pipeline.state.history_state import HistoryState
from pipeline.state.log_scan import Segment
from pipeline.storage.errors import InputError

NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Followed:
    """A state behind some records.

    Attributes:
        history: the state, and the changes of labels that still wait.
        differing: values that the log answered otherwise; 0 where nobody asked.
    """

    history: HistoryState
    differing: int


@dataclass(frozen=True)
class _Steps:
    """Events of a segment, and between them changes of labels that were known before and whose time has come.

    Attributes:
        words: of each [n, words].
        are_changes: which change a label [n].
        old: the label before [n].
        records: which record each is, -1 where it is none [n].
        waited: how many changes came that had waited.
    """

    words: NDArray[np.int64]
    are_changes: NDArray[np.bool_]
    old: NDArray[np.int64]
    records: NDArray[np.int64]
    waited: int


def followed(history: HistoryState, segment: Segment, *, answers: bool = False) -> Followed:
    """Bring a state along the records of a segment.

    Args:
        history: the state that the first of them met; it goes on.
        segment: the records.
        answers: compare what each row is answered with what the log says.

    Raises:
        InputError: an event comes to another end than the log says: it is not the log of this state.
    """
    state = history.state
    steps = _steps(history, segment)
    columns = len(state.plan.names)
    values = np.zeros((len(steps.words) if answers else 0, columns), np.float32)
    outcomes = state.accept_events(steps.words, steps.are_changes, steps.old, values)
    own = steps.records >= 0
    told = segment.heads["outcome"][steps.records[own]]
    if len(apart := np.flatnonzero(outcomes[own] != told)):
        offset = segment.first + int(steps.records[own][apart[0]])
        raise InputError(
            f"{segment.path}: events must end as the log says, but {len(apart):,} do not, first event {offset:,}: "
            "it is not the log of this state"
        )
    differing = _differing(segment, steps, values, state.plan) if answers else 0
    return Followed(HistoryState(state, history.to_come.taken(slice(steps.waited, None))), differing)


def _steps(history: HistoryState, segment: Segment) -> _Steps:
    """The order of `pipeline.online.replayed_log`: what waits comes before the first row behind its moment."""
    heads, words = segment.heads, segment.words(history.state.plan.event_words)
    records = np.flatnonzero((heads["kind"] == LABEL) | ((heads["kind"] == ROW) & np.isin(heads["outcome"], ANSWERED)))
    heads, words = heads[records], words[records]
    are_changes = heads["kind"] == LABEL
    old = heads["old"].astype(np.int64)
    before = _places_of_waiting(history.to_come, np.where(are_changes, NEVER, heads["moment"]))
    if not len(before):
        return _Steps(words, are_changes, old, records, 0)
    waiting = history.to_come.taken(slice(0, len(before)))
    return _Steps(
        np.insert(words, before, waiting.events, axis=0),
        np.insert(are_changes, before, True),
        np.insert(old, before, waiting.old),
        np.insert(records, before, -1),
        len(before),
    )


def _places_of_waiting(to_come: LabelChanges, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many events come before each of the changes that come among them."""
    if not len(to_come) or not len(moments):
        return np.empty(0, np.int64)
    newest = np.maximum.accumulate(moments)
    before = np.searchsorted(newest, to_come.moment, side="right")
    return before[: int(np.searchsorted(before, len(moments)))]


def _differing(segment: Segment, steps: _Steps, values: NDArray[np.float32], plan: OnlinePlan) -> int:
    """Values of rows that are not those of the log, less columns that no loop answers; all NaN are one value."""
    held, told = segment.answers(len(plan.names))
    rows = (steps.records >= 0) & ~steps.are_changes
    records = steps.records[rows]
    ours, theirs, known = values[rows], told[records], held[records]
    apart = (ours.view(np.uint32) != theirs.view(np.uint32)) & ~(np.isnan(ours) & np.isnan(theirs))
    apart[:, plan.by_batch_places] = False
    return int(apart[known].sum())
