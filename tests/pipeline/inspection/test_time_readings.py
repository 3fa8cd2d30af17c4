"""How columns read as times, held against what wrote them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.times import DAY, datetime_microseconds
from pipeline.inspection.time_readings import clock_reading, counted_reading, parts_reading, time_reading

MOMENTS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=37 * step, seconds=step) for step in range(40)]
MICROS = np.array([datetime_microseconds(each) for each in MOMENTS])


def column(form):
    return pa.array([f"{each:{form}}" for each in MOMENTS])


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT%H:%M:%SZ",
        "%d.%m.%Y %H:%M:%S",
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y%m%d%H%M%S",
        "%d-%b-%Y %H:%M:%S",
        "%Y/%m/%d %H:%M:%S",
    ],
)
def test_a_format_is_found_and_reads_the_times_that_were_written(form):
    read = time_reading("when", column(form))
    assert (read.micros == MICROS).all()
    assert read.alternative == ()


@pytest.mark.parametrize(("unit", "step"), [("s", 1_000_000), ("ms", 1_000), ("us", 1)])
def test_stamps_are_told_apart_by_their_size(unit, step):
    read = time_reading("when", pa.array((MICROS // step).astype(str)))
    assert read.keys["unit"] == unit
    assert (read.micros == MICROS // step * step).all()
    assert not read.naive


def test_days_that_may_be_months_have_two_readings():
    early = pa.array(["03/04/2024 10:00", "05/06/2024 11:00"])
    read = time_reading("when", early)
    assert {read.keys["formats"][0], *read.alternative} == {"%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"}


@pytest.mark.parametrize("values", [["4539578763621486"], ["12.50", "7.00"], ["soon", "later"], ["315", "7"], [None]])
def test_what_is_no_time_is_not_read_as_one(values):
    assert time_reading("when", pa.array(values, pa.string())) is None


def test_one_value_in_a_hundred_may_be_none_and_no_more():
    good = [f"{each:%Y-%m-%d}" for each in MOMENTS] * 5
    assert time_reading("when", pa.array([*good, "soon"])) is not None
    assert time_reading("when", pa.array([*good, *["soon"] * 20])) is None


def test_a_time_of_day_beside_its_date_is_joined():
    columns = {"day": column("%d/%m/%Y"), "clock time": column("%H:%M:%S"), "code": column("%H%M%S")}
    day = time_reading("day", columns["day"])
    assert day.by_day
    assert (clock_reading(day, "clock time", columns).micros == MICROS).all()
    assert clock_reading(day, "code", columns) is None
    assert clock_reading(day, "tid", {**columns, "tid": columns["clock time"]}) is not None


def test_parts_of_a_date_are_one_time():
    columns = {"Year": column("%Y"), "Month": column("%m"), "Day": column("%d"), "Time": column("%H:%M")}
    read = parts_reading(columns)
    assert (read.micros == MICROS // 60_000_000 * 60_000_000).all()
    assert parts_reading({"Year": columns["Year"]}) is None


def test_steps_are_counted_where_a_name_says_so():
    hours = pa.array(["0", "1", "48"])
    assert counted_reading("step", hours).micros[-1] == 2 * DAY
    assert counted_reading("code", hours) is None
