"""A state brought along a log, many events at a time: how a start or a snapshot comes to where serving is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.online import known_rows
from features.online.plan import OnlinePlan
from features.online.state import ANSWERED
from features.online.table_events import LabelChanges
from pipeline.state.event_log import LABEL, ROW, WAITING
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
class Steps:
    """Events in their order, and between them changes of labels that were known before and whose time has come.

    Attributes:
        words: of each [n, words].
        are_changes: which change a label [n].
        old: the label before [n].
        places: which of the events each is, -1 where it is none [n].
        waited: how many changes came that had waited.
    """

    words: NDArray[np.int64]
    are_changes: NDArray[np.bool_]
    old: NDArray[np.int64]
    places: NDArray[np.int64]
    waited: int


def followed(history: HistoryState, segment: Segment, *, answers: bool = False) -> Followed:
    """Bring a state along the records of a segment.

    A change that waits was told of when no row behind its moment had come, so it may wait from the first record on.

    Args:
        history: the state that the first of them met; it goes on.
        segment: the records.
        answers: compare what each row is answered with what the log says.

    Raises:
        InputError: an event comes to another end than the log says: it is not the log of this state.
    """
    state, heads, every = history.state, segment.heads, segment.words(history.state.plan.event_words)
    later = heads["kind"] == WAITING
    waiting = LabelChanges(every[later], heads["old"][later].astype(np.int64), heads["moment"][later].astype(np.int64))
    to_come = history.to_come.with_later(waiting)
    taken = np.flatnonzero((heads["kind"] == LABEL) | ((heads["kind"] == ROW) & np.isin(heads["outcome"], ANSWERED)))
    words, told = every[taken], heads[taken]
    steps = steps_with_waiting(to_come, words, told["kind"] == LABEL, told["old"].astype(np.int64))
    values = np.zeros((len(steps.words) if answers else 0, len(state.plan.names)), np.float32)
    outcomes = state.accept_events(steps.words, steps.are_changes, steps.old, values)
    own = steps.places >= 0
    if len(apart := np.flatnonzero(outcomes[own] != told["outcome"])):
        offset = segment.first + int(taken[apart[0]])
        raise InputError(
            f"{segment.path}: events must end as the log says, but {len(apart):,} do not, first event {offset:,}: "
            "it is not the log of this state"
        )
    rows = own & ~steps.are_changes
    differing = _differing(segment, taken[steps.places[rows]], values[rows], state.plan) if answers else 0
    return Followed(HistoryState(state, to_come.taken(slice(steps.waited, None))), differing)


def steps_with_waiting(
    to_come: LabelChanges, words: NDArray[np.int64], are_changes: NDArray[np.bool_], old: NDArray[np.int64]
) -> Steps:
    """Events with what waits between them: a change comes right before the first row behind its moment.

    Args:
        to_come: what waits, by moment.
        words: of events all of which are taken: none is refused [n, words].
        are_changes: which change a label [n].
        old: the label before [n].
    """
    places = np.arange(len(words))
    before = _places_of_waiting(to_come, np.where(are_changes, NEVER, words[:, known_rows.TIME]))
    if not len(before):
        return Steps(words, are_changes, old, places, 0)
    waiting = to_come.taken(slice(0, len(before)))
    return Steps(
        np.insert(words, before, waiting.events, axis=0),
        np.insert(are_changes, before, True),
        np.insert(old, before, waiting.old),
        np.insert(places, before, -1),
        len(before),
    )


def _places_of_waiting(to_come: LabelChanges, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many events come before each of the changes that come among them."""
    if not len(to_come) or not len(moments):
        return np.empty(0, np.int64)
    newest = np.maximum.accumulate(moments)
    before = np.searchsorted(newest, to_come.moment, side="right")
    return before[: int(np.searchsorted(before, len(moments)))]


def _differing(segment: Segment, records: NDArray[np.int64], ours: NDArray[np.float32], plan: OnlinePlan) -> int:
    """Values of rows that are not those of the log, less columns that no loop answers; all NaN are one value."""
    held, told = segment.answers(len(plan.names))
    known, theirs = held[records], told[records]
    apart = (ours.view(np.uint32) != theirs.view(np.uint32)) & ~(np.isnan(ours) & np.isnan(theirs))
    apart[:, plan.by_batch_places] = False
    return int(apart[known].sum())
