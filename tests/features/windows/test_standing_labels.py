"""The loops over labels that end, against looking at every label for every place."""

import numpy as np
import pytest

from features.windows import standing_labels
from features.windows.kernels import NO_EVENT
from features.windows.standing_labels import EndedLabels, LabelEvents, StandingLabels


@pytest.fixture(params=[0.6, 0.95], ids="frauds {}".format)
def events(request):
    """One group of 40 rows, each with up to two earlier labels; the places of all that became known."""
    rng, frauds = np.random.default_rng(11), request.param
    rows, keys, ends, newest = [], [], [], []
    for row in range(40):
        moment = int(rng.integers(0, 50))
        for _ in range(rng.integers(0, 3)):
            rows.append(row)
            keys.append(2 * moment + int(rng.random() < frauds))
            moment += int(rng.integers(1, 20))
            ends.append(moment)
        newest.append(2 * moment + int(rng.random() < frauds) if rng.random() < 0.8 else NO_EVENT)
    earlier = EndedLabels(np.array(rows, np.int32), np.array(keys), np.array(ends))
    size = 40 + 2 * len(rows)
    made = LabelEvents(
        np.empty(size, np.int64), np.empty(2, np.int32), np.empty(size + 1, np.int32), np.empty(size, np.int32)
    )
    standing_labels.label_and_end_events(np.array(newest), np.array([0, 40], np.int32), earlier, made)
    count = int(made.starts[1])
    return LabelEvents(made.available[:count], made.starts, made.frauds_before[: count + 1], made.ended[:count])


def standing(events, left, right):
    """Places of the labels in [left, right) that stand at right, and which of them are frauds."""
    ended = {int(label) for label in events.ended[:right] if label >= 0}
    places = [place for place in range(left, right) if events.ended[place] < 0 and place not in ended]
    return places, [bool(events.frauds_before[p + 1] - events.frauds_before[p]) for p in places]


def test_labels_and_ends_are_in_order_of_time_and_an_end_knows_its_label(events):
    assert (np.diff(events.available) >= 0).all()
    ends = np.flatnonzero(events.ended >= 0)
    assert len(ends) > 20
    assert (events.available[events.ended[ends]] < events.available[ends]).all()
    assert len(np.unique(events.ended[ends])) == len(ends)


def test_of_every_window_the_labels_that_stand_are_counted(events):
    count = len(events.ended)
    right = np.sort(np.random.default_rng(1).integers(0, count + 1, 200)).astype(np.int32)
    left = np.maximum.accumulate(np.maximum(right - 17, 0)).astype(np.int32)
    found = StandingLabels(*(np.empty(200, np.int32) for _ in range(3)))
    starts, gone = np.array([0, 200], np.int32), np.empty(count, bool)
    standing_labels.standing_labels(starts, events, left, right, gone, found)
    for row in range(200):
        places, frauds = standing(events, left[row], right[row])
        assert (found.labels[row], found.frauds[row]) == (len(places), sum(frauds))
        assert found.first[row] == (places[0] if places else right[row])


def test_at_every_place_the_last_fraud_and_the_run_are_of_the_labels_that_stand(events):
    count = len(events.ended)
    steps, between = np.empty((4, count + 2), np.int32), np.empty(count + 2, np.int32)
    last_fraud, run_start, runs = (np.empty(count + 1, np.int32) for _ in range(3))
    standing_labels.standing_fraud_places(
        events.frauds_before, events.ended, steps, between, last_fraud, run_start, runs
    )
    for place in range(count + 1):
        places, frauds = standing(events, 0, place)
        length = frauds[::-1].index(False) if False in frauds else len(frauds)
        assert runs[place] == length
        assert run_start[place] == (places[-length] if length else place)
        assert last_fraud[place] == max((p for p, fraud in zip(places, frauds, strict=True) if fraud), default=-1)
