"""The loops over moments against a list of each group's different times."""

from itertools import pairwise

import numpy as np
import pytest

from features.windows import bounds, previous_moments


@pytest.fixture
def rows():
    """Groups of rows with many ties: time, starts, amount and another entity's codes."""
    rng = np.random.default_rng(8)
    sizes = [1, 0, 60, 25, 2]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    time = np.concatenate([np.sort(rng.integers(0, 12, size)) for size in sizes]) * 1_000_000
    return time, starts, rng.integers(0, 9, len(time)), rng.integers(-1, 5, len(time)).astype(np.int32)


def moments(rows, k):
    """Of every row, the places of its group's k-th last moment; empty where there is none."""
    time, starts, *_ = rows
    for first, end in pairwise(starts):
        for row in range(first, end):
            earlier = sorted({moment for moment in time[first:end].tolist() if moment < time[row]})
            then = earlier[-k] if len(earlier) >= k else -1
            yield [place for place in range(first, end) if time[place] == then]


def found(rows, k):
    time, starts, *_ = rows
    first_tied, first, end = (np.empty(len(time), np.int32) for _ in range(3))
    bounds.tied_rows(time, starts, False, first_tied)
    previous_moments.moments_before(first_tied, starts, k, first, end)
    return first_tied, first, end


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_moment_is_all_rows_of_the_kth_last_time(rows, k):
    _, first, end = found(rows, k)
    ours = [list(range(a, b)) for a, b in zip(first, end, strict=True)]
    assert ours == [*moments(rows, k)]


@pytest.mark.parametrize("k", [1, 3])
def test_its_largest_amount_and_its_age_are_found(rows, k):
    time, _, amount, _ = rows
    first_tied, first, _ = found(rows, k)
    largest, amounts, seconds = np.empty(len(time), np.int64), np.empty(len(time)), np.empty(len(time), np.float32)
    previous_moments.largest_of_moments(amount, first_tied, largest)
    previous_moments.values_at(largest, first, amounts)
    previous_moments.seconds_since(time, first, seconds)
    expected = [*moments(rows, k)]
    np.testing.assert_array_equal(amounts, [max(amount[then]) if then else np.nan for then in expected])
    ages = [(time[row] - time[then[0]]) / 1e6 if then else np.nan for row, then in enumerate(expected)]
    np.testing.assert_array_equal(seconds, ages)


@pytest.mark.parametrize("k", [1, 3])
def test_a_code_is_the_same_where_any_row_of_the_moment_has_it(rows, k):
    *_, other = rows
    first_tied, first, end = found(rows, k)
    flags = np.empty(len(other), np.float32)
    previous_moments.same_codes(other, first_tied, first, end, np.empty(5, np.int32), flags)
    expected = [
        other[row] in other[then] if then and other[row] >= 0 else np.nan for row, then in enumerate(moments(rows, k))
    ]
    np.testing.assert_array_equal(flags, expected)
