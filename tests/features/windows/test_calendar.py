from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.times import HOUR, time_microseconds
from features.windows.calendar import CALENDAR, hour, night, weekday, weekend

times = st.integers(time_microseconds("1900-01-01"), time_microseconds("2100-01-01"))


@given(times)
def test_the_clock_equals_pythons_own_before_and_after_1970(micros):
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    time = np.array([micros])
    assert hour(time).tolist() == [moment.hour]
    assert weekday(time).tolist() == [moment.weekday()]


def test_the_night_ends_at_seven():
    clock = np.arange(24) * HOUR + HOUR - 1
    assert np.flatnonzero(night(clock)).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_the_weekend_is_saturday_and_sunday():
    days = np.array([time_microseconds(f"2024-03-{day:02d}") for day in range(4, 11)])  # Monday 4 March 2024
    assert weekend(days).tolist() == [False] * 5 + [True] * 2


def test_every_column_says_what_it_is():
    assert all(column.__doc__ and name == column.__name__ for name, column in CALENDAR.items())
