"""The numba loops over a group's labels where some of them end: replaced by another outcome, or withdrawn.

Legend as in `features.windows.kernels` and `features.windows.label_runs`. Where labels end, their ends stand among them
in order of time, so that how many of both came before a moment still says all that was known at it: a label *stands*
at place r if it came before r and its end did not. `ended` [m] is, for an end, the place of the label that it ends, and
-1 for a label.
"""

from typing import NamedTuple

import numpy as np

from features.windows.compilation import compiled
from features.windows.kernels import NO_EVENT, Bool, Int32, Int64


class EndedLabels(NamedTuple):
    """K labels of a chunk's rows that another one replaced, or that were withdrawn.

    Attributes:
        rows: the row of each, in order [K].
        keys: as `kernels.label_events` reads them [K].
        ends: when each ended, microseconds [K].
    """

    rows: Int32
    keys: Int64
    ends: Int64


class LabelEvents(NamedTuple):
    """What became known of a chunk's labels, group by group in order of time.

    Attributes:
        available: microseconds [m].
        starts: where each group's begin and, last, how many there are [g + 1].
        frauds_before: frauds that became known before each place, and before the end [m + 1].
        ended: the label that ends at each place, -1 where one begins [m]; empty where none ends.
    """

    available: Int64
    starts: Int32
    frauds_before: Int32
    ended: Int32


class StandingLabels(NamedTuple):
    """The labels of each row's window that stand at its end.

    Attributes:
        first: place of the first one, the first behind the window where there is none [n].
        labels: how many there are [n].
        frauds: how many of them are frauds [n].
    """

    first: Int32
    labels: Int32
    frauds: Int32


@compiled
def label_and_end_events(keys: Int64, starts: Int32, earlier: EndedLabels, events: LabelEvents) -> None:
    """Fill each group's labels and ends in the order in which they became known, and the frauds before each.

    An end is sorted as a legitimate label of its moment, so behind the label that it ends, which came earlier.

    Args:
        keys: of each row's newest label, as `kernels.label_events` reads them [n].
        starts: where each group begins [g + 1].
        earlier: the labels that ended [k].
        events: memory for n + 2k of them; what is not needed stays as it is.
    """
    owner = np.empty(len(events.available), np.int32)
    place_of = np.empty(len(earlier.ends), np.int32)
    filled = taken = 0
    events.frauds_before[0] = 0
    for group in range(len(starts) - 1):
        first = events.starts[group] = filled
        for row in range(starts[group], starts[group + 1]):
            if keys[row] != NO_EVENT:
                events.available[filled], owner[filled] = keys[row], -1
                filled += 1
        while taken < len(place_of) and earlier.rows[taken] < starts[group + 1]:
            events.available[filled], owner[filled] = earlier.keys[taken], taken
            events.available[filled + 1], owner[filled + 1] = 2 * earlier.ends[taken], len(place_of) + taken
            filled += 2
            taken += 1
        in_order = np.argsort(events.available[first:filled], kind="mergesort")
        events.available[first:filled] = events.available[first:filled][in_order]
        owner[first:filled] = owner[first:filled][in_order]
        for place in range(first, filled):
            events.ended[place] = -1
            if owner[place] >= len(place_of):
                events.ended[place] = place_of[owner[place] - len(place_of)]
            elif owner[place] >= 0:
                place_of[owner[place]] = place
            events.frauds_before[place + 1] = events.frauds_before[place] + np.int32(events.available[place] & 1)
            events.available[place] >>= 1
    events.starts[len(starts) - 1] = filled


@compiled
def standing_labels(
    starts: Int32, events: LabelEvents, left: Int32, right: Int32, gone: Bool, found: StandingLabels
) -> None:
    """Fill what stands of the labels inside each window.

    Both ends of a window only move on within a group, and a label that is gone stays so: each is looked at twice.

    Args:
        starts: where each group's rows begin [g + 1].
        events: labels and ends, as `label_and_end_events` fills them [m].
        left: the first of them inside each window [n].
        right: the first of them behind each window [n].
        gone: memory, overwritten [m].
        found: the labels that stand [n].
    """
    frauds_before = events.frauds_before
    gone[:] = False
    for group in range(len(starts) - 1):
        low = high = first = events.starts[group]
        lost = lost_frauds = 0
        for row in range(starts[group], starts[group + 1]):
            while high < right[row]:
                label = events.ended[high]
                if label >= 0:
                    gone[high] = True
                    lost += 1
                if label >= low:
                    gone[label] = True
                    lost += 1
                    lost_frauds += frauds_before[label + 1] - frauds_before[label]
                high += 1
            while low < left[row]:
                if gone[low]:
                    lost -= 1
                    lost_frauds -= frauds_before[low + 1] - frauds_before[low]
                low += 1
            first = max(first, low)
            while first < high and gone[first]:
                first += 1
            found.first[row], found.labels[row] = first, high - low - lost
            found.frauds[row] = frauds_before[high] - frauds_before[low] - lost_frauds


@compiled
def nearest(steps: Int32, slot: int) -> int:
    """Where a chain of steps ends: at a slot that is a step to itself. Every chain walked is made shorter."""
    while steps[slot] != slot:
        steps[slot] = steps[steps[slot]]
        slot = steps[slot]
    return slot


@compiled
def standing_fraud_places(
    frauds_before: Int32, ended: Int32, steps: Int32, between: Int32, last_fraud: Int32, run_start: Int32, runs: Int32
) -> None:
    """Fill what `label_runs.fraud_places` fills, of the labels that stand at each place.

    Place p is slot p + 1. Of each class there are two chains over the slots: onward to the nearest label of the class
    that stands or is still to come, and back to the nearest that stands, or to slot 0. A label that ends is taken out
    of both for good, so a chain is walked in all but constant time (Tarjan, 1975).

    Args:
        frauds_before: frauds that became known before each place, and before the end [m + 1].
        ended: the label that ends at each place [m].
        steps: memory, overwritten [4, m + 2].
        between: memory, overwritten; standing frauds between a legitimate label that stands and the one before [m + 2].
        last_fraud: place of the last fraud that stands, -1 where none does [m + 1].
        run_start: place of the first fraud that stands behind the last legitimate label that does; the place itself
            where there is none [m + 1].
        runs: how many frauds stand there [m + 1].
    """
    onward, back = steps[:2], steps[2:]
    for slot in range(len(ended) + 2):
        onward[0, slot] = onward[1, slot] = slot
    back[0, 0] = back[1, 0] = 0
    last_fraud[0], run_start[0], runs[0], between[1] = -1, 0, 0, 0
    for place in range(len(ended)):
        slot = place + 1
        fraud = frauds_before[slot] - frauds_before[place]
        for value in range(2):
            own = ended[place] < 0 and fraud == value
            onward[value, slot] = slot if own else slot + 1
            back[value, slot] = slot if own else slot - 1
        between[slot + 1] = 0 if ended[place] < 0 and fraud == 0 else between[slot] + fraud
        if ended[place] >= 0:
            gone = ended[place] + 1
            value = frauds_before[gone] - frauds_before[gone - 1]
            onward[value, gone], back[value, gone] = gone + 1, gone - 1
            behind = nearest(onward[0], gone)
            between[behind] += -1 if value == 1 else between[gone]
        last_fraud[slot] = nearest(back[1], slot) - 1
        run_start[slot] = nearest(onward[1], nearest(back[0], slot) + 1) - 1
        runs[slot] = between[slot + 1]
