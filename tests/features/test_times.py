from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.times import (
    DAY,
    day_microseconds,
    duration_microseconds,
    duration_text,
    time_microseconds,
    time_name,
    time_text,
)

moments = st.datetimes(timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))))
inside = moments.filter(lambda moment: 2 <= moment.year <= 9998)


@given(st.integers(0, 10**18))
def test_a_duration_survives_its_spelling(length):
    text = duration_text(length)
    assert text == f"{length}us" or duration_microseconds(text) == length


@given(st.integers(0, 10**4), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]))
def test_a_duration_is_its_number_times_its_unit(number, unit):
    assert duration_microseconds(f" {number}{unit[0]} ") == timedelta(seconds=number * unit[1]) // timedelta(
        microseconds=1
    )


@pytest.mark.parametrize("text", ["7", "d", "1.5d", "-1d", "7 d", "7D", "1d2h", "", None, True, -1, 1.0])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"must be a whole number and one of d, h, m, s such as '7d', got"):
        duration_microseconds(text)


@given(inside)
def test_a_moment_survives_its_spelling_in_any_zone(moment):
    micros = time_microseconds(moment.isoformat())
    assert micros == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert time_microseconds(time_text(micros)) == micros


@given(inside.map(lambda moment: moment.replace(tzinfo=None)))
def test_a_moment_without_a_zone_is_utc(moment):
    assert time_microseconds(moment.isoformat()) == time_microseconds(f"{moment.isoformat()}+00:00")


def test_a_fraction_is_told_only_where_there_is_one():
    assert time_text(1_500_000) == "1970-01-01T00:00:01.500000Z"
    assert time_text(-1_000_000) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize("micros", [-(10**17), 10**18])
def test_a_moment_outside_the_calendar_is_told_as_a_number(micros):
    assert time_text(micros) == f"{micros} µs since 1970"


@pytest.mark.parametrize("text", ["yesterday", "2024-02-30", "", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="a time must be ISO 8601 such as"):
        time_microseconds(text)


@given(inside)
def test_a_day_begins_at_midnight_in_utc(moment):
    midnight = day_microseconds(moment)
    assert midnight % DAY == 0
    assert 0 <= time_microseconds(moment.isoformat()) - midnight < DAY


def test_a_name_of_a_moment_has_nothing_that_a_folder_cannot():
    assert time_name(time_microseconds("2024-05-01T06:00:00.25Z")) == "20240501T060000.250000Z"
    assert time_name(None) == "history"
