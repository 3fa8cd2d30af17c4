from dataclasses import replace

import numpy as np
import pytest

from features.windows.chunk import Chunk, Window
from features.windows.fraud_elsewhere import NEVER
from features.windows.kernels import NO_EVENT

SECOND = 1_000_000
WINDOW, CLOSED = Window(5 * SECOND), Window(5 * SECOND, closed_right=True)


@pytest.fixture
def chunk():
    """Two groups, of rows at 0, 3, 3, 5 and at 100 seconds."""
    available = [4, 4, 9, 104]
    keys = [*(2 * second * SECOND + fraud for second, fraud in zip(available, (1, 0, 1, 1), strict=True))]
    return Chunk(
        time=np.array([0, 3, 3, 5, 100]) * SECOND,
        starts=np.array([0, 4, 5], np.int32),
        amount=np.array([10, 20, 60, 0, 7]),
        label_keys=np.array([keys[0], keys[1], NO_EVENT, keys[2], keys[3]]),
        other={"merchant": (np.array([0, 1, 1, -1, 0], np.int32), 2)},
    )


def test_a_window_is_open_at_the_row_and_its_ties_unless_it_is_closed(chunk):
    assert chunk.counts(WINDOW).tolist() == [0, 1, 1, 3, 0]
    assert chunk.counts(CLOSED).tolist() == [1, 3, 3, 3, 1]


def test_sums_means_and_extremes_are_of_the_same_rows(chunk):
    assert chunk.sums(WINDOW).tolist() == [0, 10, 10, 90, 0]
    np.testing.assert_array_equal(chunk.means(WINDOW), [np.nan, 10, 10, 30, np.nan])
    np.testing.assert_array_equal(chunk.extremes(WINDOW, largest=True), [np.nan, 10, 10, 60, np.nan])
    np.testing.assert_array_equal(chunk.extremes(CLOSED, largest=False), [10, 10, 10, 0, 7])


def test_a_deviation_needs_two_rows(chunk):
    np.testing.assert_allclose(chunk.deviations(WINDOW), [np.nan, np.nan, np.nan, np.std([10, 20, 60], ddof=1), np.nan])


def test_labels_count_before_the_row_even_in_a_closed_window(chunk):
    for window in (WINDOW, CLOSED):
        assert chunk.labels(window).tolist() == [0, 0, 0, 2, 0]
        assert chunk.frauds(window).tolist() == [0, 0, 0, 1, 0]


def test_the_last_label_and_its_run_are_those_known_before_the_row_and_frauds_of_one_moment_come_last(chunk):
    for window in (WINDOW, CLOSED):
        np.testing.assert_array_equal(chunk.last_labels(window), [np.nan, np.nan, np.nan, 1, np.nan])
        assert chunk.run_lengths(window).tolist() == [0, 0, 0, 1, 0]
        np.testing.assert_array_equal(chunk.run_seconds(window), [np.nan, np.nan, np.nan, 1, np.nan])
        np.testing.assert_array_equal(chunk.seconds_since_last_fraud(window), [np.nan, np.nan, np.nan, 1, np.nan])


def test_rows_of_one_time_are_one_moment_of_the_past(chunk):
    np.testing.assert_array_equal(chunk.previous_amounts(1), [np.nan, 10, 10, 60, np.nan])
    np.testing.assert_array_equal(chunk.seconds_since_previous(2), [np.nan, np.nan, np.nan, 5, np.nan])
    np.testing.assert_array_equal(chunk.same_as_previous(1, "merchant"), [np.nan, 0, 0, np.nan, np.nan])


def test_ids_of_another_entity_are_counted_once(chunk):
    assert chunk.distinct(CLOSED, "merchant").tolist() == [1, 2, 2, 1, 1]


def test_ids_are_compromised_from_when_it_was_known_until_their_last_visit_is_a_window_ago(chunk):
    known = replace(chunk, elsewhere={"merchant": np.array([4 * SECOND, NEVER, NEVER, NEVER, NEVER])}, kept={})
    assert known.compromised(WINDOW, "merchant").tolist() == [0, 0, 0, 1, 0]
    assert known.compromised(Window(4 * SECOND), "merchant").tolist() == [0, 0, 0, 0, 0]


def test_what_two_columns_need_is_made_once(chunk):
    first, _ = chunk.bounds(WINDOW)
    assert chunk.bounds(WINDOW)[0] is first
    assert chunk.sums(WINDOW) is chunk.sums(Window(WINDOW.width))
    assert chunk.sums(WINDOW) is not chunk.sums(CLOSED)


def test_a_sum_beyond_63_bits_is_refused(chunk):
    chunk.amount[:2] = 2**62
    with pytest.raises(ValueError, match=r"must sum to less than 2\^63 minor units, 2 windows do not"):
        chunk.sums(CLOSED)
