"""Every loop over labels against plain slices of them."""

import numpy as np
import pytest

from features.windows import label_runs

NONE = float("nan")


@pytest.fixture
def known():
    """Labels of three groups, one of them without any, and every window of each group's labels."""
    rng = np.random.default_rng(4)
    sizes = [30, 0, 14]
    frauds = rng.random(sum(sizes)) < 0.6
    available = np.concatenate([np.sort(rng.integers(0, 50, size)) for size in sizes]) * 1_000_000
    windows = [
        (first + left, first + right)
        for first, size in zip(np.cumsum([0, *sizes]), sizes, strict=False)
        for left in range(size + 1)
        for right in range(left, size + 1)
    ]
    left, right = np.array(windows, np.int32).T.copy()
    return frauds, available, left, right


def places_of(frauds):
    before = np.concatenate([[0], np.cumsum(frauds)]).astype(np.int32)
    last_fraud, run_start, runs = (np.empty(len(before), np.int32) for _ in range(3))
    label_runs.fraud_places(before, last_fraud, run_start, runs)
    return last_fraud, run_start, runs


def run_of(frauds):
    """How many frauds a list of labels ends with."""
    return len(frauds) - max((place + 1 for place, fraud in enumerate(frauds) if not fraud), default=0)


def test_a_run_ends_with_the_last_label_and_begins_inside_the_window(known):
    frauds, _, left, right = known
    lengths = np.empty(len(left), np.int32)
    inside = np.array([frauds[a:b].sum() for a, b in zip(left, right, strict=True)], np.int32)
    label_runs.run_lengths(places_of(frauds)[2], inside, right, lengths)
    assert lengths.tolist() == [run_of(frauds[a:b].tolist()) for a, b in zip(left, right, strict=True)]


def test_its_seconds_count_from_when_its_first_fraud_became_known(known):
    frauds, available, left, right = known
    time, seconds = np.full(len(left), 60_000_000), np.empty(len(left), np.float32)
    label_runs.run_seconds(time, available, places_of(frauds)[1], left, right, seconds)
    runs = [run_of(frauds[a:b].tolist()) for a, b in zip(left, right, strict=True)]
    expected = [60 - available[b - run] / 1e6 if run else NONE for run, b in zip(runs, right, strict=True)]
    np.testing.assert_array_equal(seconds, expected)


def test_the_last_label_and_the_last_fraud_are_those_of_the_window(known):
    frauds, available, left, right = known
    last_fraud, run_start, _ = places_of(frauds)
    labels, seconds = np.empty(len(left), np.float32), np.empty(len(left), np.float32)
    label_runs.last_labels(run_start, left, right, labels)
    label_runs.seconds_since_last_fraud(np.full(len(left), 60_000_000), available, last_fraud, left, right, seconds)
    inside = [range(a, b) for a, b in zip(left, right, strict=True)]
    np.testing.assert_array_equal(labels, [frauds[places[-1]] if places else NONE for places in inside])
    latest = [max((available[place] for place in places if frauds[place]), default=NONE) for places in inside]
    np.testing.assert_array_equal(seconds, 60 - np.array(latest) / 1e6)


def test_a_chunk_without_labels_has_neither():
    last_fraud, run_start, _ = places_of(np.empty(0, bool))
    nowhere, labels = np.zeros(2, np.int32), np.empty(2, np.float32)
    label_runs.last_labels(run_start, nowhere, nowhere, labels)
    assert np.isnan(labels).all()
    label_runs.seconds_since_last_fraud(
        np.ones(2, np.int64), np.empty(0, np.int64), last_fraud, nowhere, nowhere, labels
    )
    assert np.isnan(labels).all()
