import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.schema.instants import NOT_A_TIME
from features.schema.stepped_times import stepped_times
from features.schema.time_column import TimeColumn
from features.times import DAY, time_microseconds

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
MARCH = 1_709_280_000


def read(values, *, day_ends=False, **keys):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return stepped_times(column, TimeColumn(column="t", **keys), day_ends=day_ends)


def at_fault(times) -> list[int]:
    return [row for mask in times.faults.values() for row in np.flatnonzero(mask).tolist()]


@pytest.mark.parametrize("column", [pa.array([-1, 0, 7, None]), pa.array(["-1", "0", "7", ""])])
def test_steps_are_counted_from_the_origin_and_never_backwards(column):
    times = read(column, kind="elapsed", unit="d", origin="2020-02-28")
    origin = time_microseconds("2020-02-28")
    assert times.values.tolist() == [NOT_A_TIME, origin, origin + 7 * DAY, NOT_A_TIME]
    assert at_fault(times) == [0]


def test_steps_beyond_64_bits_are_a_fault_and_integers_stay_exact():
    times = read([2**62, 1_710_000_000_123_457], kind="elapsed", unit="us")
    assert times.values.tolist() == [NOT_A_TIME, 1_710_000_000_123_457]
    assert [what for what, rows in times.faults.items() if rows.any()] == ["must be a time that microseconds can count"]


@given(st.integers(0, 2**62))
def test_nanoseconds_are_cut_off_and_not_rounded(steps):
    for values in (pa.array([steps], pa.int64()), pa.array([steps], pa.uint64())):
        assert read(values, kind="elapsed", unit="ns").values.tolist() == [steps // 1_000]


@pytest.mark.parametrize("said", UNITS)
@pytest.mark.parametrize("held", UNITS)
@pytest.mark.parametrize("spell", [int, str, float])
def test_a_number_in_another_unit_is_told_with_that_unit_and_never_read(held, said, spell):
    times = read([spell(MARCH * UNITS[held]), None], kind="epoch", unit=said)
    if held == said:
        assert times.values.tolist() == [MARCH * 10**6, NOT_A_TIME]
        assert at_fault(times) == []
        return
    assert times.values.tolist() == [NOT_A_TIME] * 2
    (what,) = [what for what, rows in times.faults.items() if rows.any()]
    assert what == f"must lie between 1990-01-01 and 2100-01-01, unit = {held!r} in the preset would read it"


def test_the_last_year_of_all_stands_for_no_end_and_not_for_another_unit():
    never = time_microseconds("9999-12-31") // 10**6
    assert read([never], kind="epoch", unit="s").values.tolist() == [never * 10**6]


@pytest.mark.parametrize("text", ["1.71E+09", "1.7092E9", "17E8", "1.70928e+09"])
def test_a_number_that_was_shortened_is_no_time(text):
    times = read([text, str(MARCH), f"{MARCH:.9e}"], kind="epoch", unit="s")
    assert times.values.tolist() == [NOT_A_TIME, MARCH * 10**6, MARCH * 10**6]
    assert at_fault(times) == [0]


def test_a_float_that_is_too_short_for_its_steps_is_no_time():
    times = read(pa.array(np.float32([MARCH, 2**24 - 1, np.nan])), kind="elapsed", unit="s")
    assert times.values.tolist() == [NOT_A_TIME, (2**24 - 1) * 10**6, NOT_A_TIME]
    assert at_fault(times) == [0]


def test_a_date_where_a_number_of_steps_must_be_is_a_fault():
    times = read(pa.array([0, None]).cast(pa.timestamp("us")), kind="epoch", unit="s")
    assert list(times.faults) == ["must be a number of steps of 1000000 µs, not a date"]
    assert at_fault(times) == [0]


def test_a_step_of_whole_days_ends_with_its_last_one_where_an_end_is_asked_for():
    assert read([3], kind="elapsed", unit="d", day_ends=True).values.tolist() == [4 * DAY - 1]
    assert read([3], kind="elapsed", unit="h", day_ends=True).values.tolist() == [DAY // 8]
