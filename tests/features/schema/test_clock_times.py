from datetime import date, datetime, time

import pyarrow as pa
import pytest

from features.schema.clock_times import joined_text, with_colons


def joined(day, clock, digits=6):
    return with_colons(
        joined_text({"": pa.array(day), "time": pa.array(clock)}, quotes="", clock_digits=digits)
    ).to_pylist()


@pytest.mark.parametrize(
    "clock", ["09:30:15", "9:30:15", "093015", "93015", 93015, 93015.0, time(9, 30, 15), "93015.0"]
)
@pytest.mark.parametrize("day", ["2024-01-02", date(2024, 1, 2), datetime.fromisoformat("2024-01-02 00:00:00")])
def test_a_day_and_a_clock_of_any_kind_are_one_time(day, clock):
    assert joined([day], [clock])[0].removesuffix(".000000") == "2024-01-02 09:30:15"


def test_a_clock_of_four_digits_is_hours_and_minutes_where_the_format_says_so():
    assert joined(["2.1.2024"], [930], digits=4) == ["2.1.2024 0930"]


def test_a_row_without_a_clock_has_no_time_and_not_midnight():
    assert joined(["2024-01-02", None], [None, "10:00"]) == [None, None]


def test_a_day_that_has_a_clock_of_its_own_is_left_to_be_refused():
    assert joined(["2024-01-02 15:00:00"], ["09:30:15"]) == ["2024-01-02 15:00:00 09:30:15"]


def test_a_year_and_a_month_and_a_day_are_a_date():
    parts = {"year": pa.array([2024]), "month": pa.array([1]), "day": pa.array(["2"])}
    assert joined_text(parts, quotes="", clock_digits=6).to_pylist() == ["2024-01-02"]
