import numpy as np
import pytest

from features.windows import bounds


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 40, 10_000])
def test_the_merge_finds_what_a_search_for_each_row_finds(shift, after):
    rng = np.random.default_rng(6)
    rows, events = (rng.choice([0, 1, 2, 63, 64, 65, 500, 1500], size=60) for _ in range(2))
    starts, event_starts = (np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32) for sizes in (rows, events))
    time, moments = (
        np.concatenate([np.sort(rng.integers(0, 900, size)) for size in sizes]) for sizes in (rows, events)
    )
    places = np.full(len(time), -1, np.int32)
    bounds.first_moments(time, starts, moments, event_starts, shift, after, places)
    side = "right" if after else "left"
    for group in range(len(rows)):
        own = slice(starts[group], starts[group + 1])
        found = np.searchsorted(moments[event_starts[group] : event_starts[group + 1]], time[own] - shift, side=side)
        np.testing.assert_array_equal(places[own], event_starts[group] + found)


@pytest.mark.parametrize("after", [False, True])
def test_ties_are_found_as_a_merge_with_no_shift_finds_them(after):
    rng = np.random.default_rng(7)
    rows = rng.choice([0, 1, 2, 90, 400], size=40)
    starts = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
    time = np.concatenate([np.sort(rng.integers(0, 150, size)) for size in rows])
    places, expected = np.full(len(time), -1, np.int32), np.full(len(time), -2, np.int32)
    bounds.tied_rows(time, starts, after, places)
    bounds.first_moments(time, starts, time, starts, 0, after, expected)
    np.testing.assert_array_equal(places, expected)
