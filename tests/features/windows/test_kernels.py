"""Every loop against plain Python whose whole numbers do not end at 64 bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows import kernels

amounts = st.lists(st.integers(0, 2**62) | st.integers(0, 10**6), min_size=1, max_size=12)


def windows_of(rng, sizes):
    """Groups of these sizes with random windows whose ends only move forward."""
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    left, right = (
        np.concatenate(
            [first + np.sort(rng.integers(0, size + 1, size)) for first, size in zip(starts[:-1], sizes, strict=True)]
        )
        for _ in range(2)
    )
    return starts, np.minimum(left, right).astype(np.int32), np.maximum(left, right).astype(np.int32)


def running(kernel, values):
    high, low = np.empty(len(values) + 1, np.uint64), np.empty(len(values) + 1, np.uint64)
    kernel(np.array(values, np.int64), high, low)
    return high, low


@given(amounts)
@settings(deadline=None)
def test_running_sums_are_exact_in_128_bits(values):
    for kernel, power in ((kernels.running_totals, 1), (kernels.running_squares, 2)):
        high, low = running(kernel, values)
        expected = [sum(value**power for value in values[:row]) for row in range(len(values) + 1)]
        assert [int(h) << 64 | int(w) for h, w in zip(high, low, strict=True)] == expected


@given(amounts, st.data())
@settings(deadline=None)
def test_a_window_sum_is_exact_or_counted_as_too_large(values, data):
    ends = st.integers(0, len(values))
    spans = [sorted((data.draw(ends), data.draw(ends))) for _ in values]
    left, right = np.array(spans, np.int32).T.copy()
    sums = np.empty(len(values), np.int64)
    overflows = kernels.window_sums(*running(kernels.running_totals, values), left, right, sums)
    exact = [sum(values[first:end]) for first, end in spans]
    assert overflows == sum(total >= 2**63 for total in exact)
    assert all(ours == total for ours, total in zip(sums.tolist(), exact, strict=True) if total < 2**63)


@pytest.mark.parametrize("largest", [True, False])
def test_the_queue_finds_what_a_look_at_each_window_finds(largest):
    rng = np.random.default_rng(1)
    starts, left, right = windows_of(rng, [0, 1, 40, 2, 300])
    amount = rng.integers(0, 50, starts[-1])
    extremes = np.empty(len(amount))
    kernels.window_extremes(amount, starts, left, right, largest, np.empty(len(amount), np.int32), extremes)
    best = max if largest else min
    expected = [best(amount[a:b].tolist(), default=np.nan) for a, b in zip(left, right, strict=True)]
    np.testing.assert_array_equal(extremes, expected)


def test_distinct_codes_are_those_of_a_set():
    rng = np.random.default_rng(2)
    starts, left, right = windows_of(rng, [1, 0, 60, 200, 3])
    other = rng.integers(-1, 9, starts[-1]).astype(np.int32)
    previous, following, distinct = (np.empty(len(other), np.int32) for _ in range(3))
    kernels.neighbours(other, starts, np.empty(9, np.int32), previous, following)
    kernels.window_distinct(other, previous, following, starts, left, right, distinct)
    assert distinct.tolist() == [len(set(other[a:b].tolist()) - {-1}) for a, b in zip(left, right, strict=True)]


def test_neighbours_stay_in_their_group():
    other = np.array([5, 5, -1, 5, 5], np.int32)
    previous, following = np.empty(5, np.int32), np.empty(5, np.int32)
    kernels.neighbours(other, np.array([0, 3, 5], np.int32), np.empty(6, np.int32), previous, following)
    assert previous.tolist() == [-1, 0, -1, -1, 3]
    assert following.tolist() == [1, 5, 5, 4, 5]


def test_ties_are_neither_the_last_row_nor_seen_before():
    time, starts = np.array([5, 5, 9, 9, 9, 1]) * 1_000_000, np.array([0, 5, 6], np.int32)
    seconds, flags = np.empty(6, np.float32), np.empty(6, np.float32)
    kernels.seconds_since_last(time, starts, 4_000_000, seconds)
    kernels.first_seen(time, starts, 4_000_000, flags)
    np.testing.assert_array_equal(seconds, [np.nan, np.nan, 4, 4, 4, np.nan])
    assert flags.tolist() == [1, 1, 0, 0, 0, 1]


def test_nothing_is_seen_beyond_the_reach():
    time, starts = np.array([0, 4, 5, 9]) * 1_000_000, np.array([0, 4], np.int32)
    seconds, flags = np.empty(4, np.float32), np.empty(4, np.float32)
    kernels.seconds_since_last(time, starts, 3_999_999, seconds)
    kernels.first_seen(time, starts, 3_999_999, flags)
    np.testing.assert_array_equal(seconds, [np.nan, np.nan, 1, np.nan])
    assert flags.tolist() == [1, 1, 0, 1]


def test_labels_come_in_the_order_in_which_they_became_available():
    none = kernels.NO_EVENT
    keys = np.array([2 * 9 + 1, none, 2 * 3, 2 * 9, none, 2 * 4 + 1], np.int64)
    available, event_starts, frauds = np.empty(6, np.int64), np.empty(4, np.int32), np.empty(7, np.int32)
    kernels.label_events(keys, np.array([0, 4, 5, 6], np.int32), available, event_starts, frauds)
    assert event_starts.tolist() == [0, 3, 3, 4]
    assert available[:4].tolist() == [3, 9, 9, 4]
    assert frauds[:5].tolist() == [0, 0, 0, 1, 2]


def test_a_quotient_by_zero_is_nan_and_never_infinite():
    values = np.empty(3)
    kernels.quotients(np.array([1, 0, 6]), np.array([0, 0, 4]), values)
    np.testing.assert_array_equal(values, [np.nan, np.nan, 1.5])
