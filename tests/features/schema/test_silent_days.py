"""Days without rows are told where the feed's own weekdays let plenty be expected, and nowhere else."""

import numpy as np
import pytest

from features.schema.silent_days import daily_rows, silences
from features.times import DAY, HOUR
from tests.oracles.incomplete_deliveries import rows_of_days, silent_stretches

MONDAY = 4  # 5 January 1970


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [0.5, 4.0, 60.0])
def test_silences_are_those_of_a_naive_count(seed, rate):
    rng = np.random.default_rng(seed)
    rows = rng.poisson(rate, 120)
    rows[40 : 40 + rng.integers(1, 30)] = 0
    found = [(each.first, each.last) for each in silences(100, rows)]
    assert found == silent_stretches(100, rows.tolist())


def test_a_hole_of_five_days_is_told_with_what_was_to_be_expected():
    rows = np.full(90, 30)
    rows[50:55] = 0
    (hole,) = silences(0, rows)
    assert (hole.first, hole.last, hole.days, hole.at_end) == (50, 54, 5, False)
    assert 5 * 25 < hole.expected < 5 * 30


def test_a_day_of_hardly_any_rows_is_silent_too():
    rows = np.full(90, 100)
    rows[50] = 4
    assert [each.days for each in silences(0, rows)] == [1]


def test_sundays_without_rows_are_no_hole_and_a_missing_monday_is():
    rows = np.where(np.arange(140) % 7 == 6, 0, 50)
    assert list(silences(MONDAY, rows)) == []
    rows[70] = 0
    assert [(each.first - MONDAY, each.days) for each in silences(MONDAY, rows)] == [(70, 1)]


def test_a_feed_of_few_rows_a_day_is_silent_only_over_many_days():
    rows = np.full(120, 2)
    rows[50:55] = 0
    assert list(silences(0, rows)) == []
    rows[50:65] = 0
    assert [each.days for each in silences(0, rows)] == [15]


def test_a_feed_that_ends_before_the_moment_is_silent_at_its_end():
    (stale,) = silences(0, np.full(60, 30), until=74 * DAY + 3 * HOUR)
    assert (stale.first, stale.last, stale.at_end) == (60, 73, True)
    assert list(silences(0, np.full(60, 30), until=60 * DAY + 3 * HOUR)) == []


def test_the_last_day_may_have_ended_early():
    rows = np.full(60, 30)
    rows[-1] = 1
    assert list(silences(0, rows)) == []


def test_days_are_counted_from_the_first_row():
    first, rows = daily_rows(np.array([3 * DAY + 5, 3 * DAY + 6, 5 * DAY]))
    assert (first, rows.tolist()) == (3, [2, 0, 1])
    assert rows_of_days(first, rows).size == 3
