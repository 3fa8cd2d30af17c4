from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.event_times import NOT_A_TIME, instants
from features.schema.preset import TimeColumn
from features.times import DAY, HOUR, time_microseconds

# Arrow knows no summer time after 2037: it reads a zone's listed changes, not the rule behind the last of them.
moments = st.datetimes(datetime.fromisoformat("1995-01-01"), datetime.fromisoformat("2037-01-01"))


def read(values, **keys):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return instants({"": column}, time=TimeColumn(column="t", **keys))


def at_fault(times) -> list[int]:
    return [row for mask in times.unreadable.values() for row in np.flatnonzero(mask).tolist()]


@given(st.lists(moments, min_size=1, max_size=10))
@settings(deadline=None)
def test_naive_times_equal_pythons_own_reading_of_the_zone(stamps):
    zone = ZoneInfo("Europe/Brussels")
    both = [[stamp.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)] for stamp in stamps]
    times = read([stamp.isoformat() for stamp in stamps], timezone="Europe/Brussels")
    for micros, (first, second) in zip(times.micros.tolist(), both, strict=True):
        whole = (first - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert micros == (whole if first == second else NOT_A_TIME)


def test_an_hour_that_the_clock_skips_or_repeats_is_a_fault():
    times = read(["2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 03:30:00"], timezone="Europe/Brussels")
    assert at_fault(times) == [0, 1]
    assert times.naive.all()


@pytest.mark.parametrize("text", ["1711929600", "31/05/2024", "2024-02-30", "2024-03-01T24:00:00", "yesterday", "2024"])
def test_what_is_no_time_is_told_and_its_neighbours_are_read(text):
    times = read(["2024-03-01 10:00", text, None, "2024-03-01T10:00:00+02:00"])
    assert at_fault(times) == [1]
    assert times.micros[0] - times.micros[3] == 2 * HOUR
    assert times.micros[2] == NOT_A_TIME
    assert times.naive.tolist() == [True, False, False, False]


def test_digits_finer_than_a_microsecond_are_cut_off():
    times = read(["2024-03-01T10:00:00.123456789Z", "2024-03-01T10:00:00.5Z"])
    assert (times.micros % 1_000_000).tolist() == [123_456, 500_000]


def test_formats_are_tried_in_turn():
    times = read(["31.05.2024", "2024/05/31", "05-31-2024"], formats=("%d.%m.%Y", "%Y/%m/%d"))
    assert times.micros[:2].tolist() == [time_microseconds("2024-05-31")] * 2
    assert at_fault(times) == [2]


@pytest.mark.parametrize("column", [pa.array([-1, 0, 7, None]), pa.array(["-1", "0", "7", ""])])
def test_steps_are_counted_from_the_origin_and_never_backwards(column):
    times = read(column, kind="elapsed", unit="d", origin="2020-02-28")
    origin = time_microseconds("2020-02-28")
    assert times.micros.tolist() == [NOT_A_TIME, origin, origin + 7 * DAY, NOT_A_TIME]
    assert at_fault(times) == [0]


def test_steps_beyond_64_bits_are_a_fault_and_integers_stay_exact():
    times = read([2**62, 1_710_000_000_123_457], kind="epoch", unit="us")
    assert times.micros[1] == 1_710_000_000_123_457
    assert at_fault(times) == [0]


def test_a_date_where_a_number_of_steps_must_be_is_a_fault():
    times = read(pa.array([0, None]).cast(pa.timestamp("us")), kind="epoch", unit="s")
    assert list(times.unreadable) == ["must be a number of steps of 1000000 µs, not a date"]
    assert at_fault(times) == [0]


def test_some_rows_of_times_are_those_times():
    times = read(["2024-03-01 10:00", "never", "2024-03-01T10:00:00Z"]).taken(np.array([2, 1]))
    assert times.micros.tolist() == [time_microseconds("2024-03-01T10:00:00Z"), NOT_A_TIME]
    assert (at_fault(times), times.naive.tolist()) == ([1], [False, False])


def apart(day, clock, **keys):
    columns = {"": pa.array(day), "time": pa.array(clock)}
    return instants(columns, time=TimeColumn(column="d", time="t", **keys))


@pytest.mark.parametrize(
    ("day", "clock", "keys"),
    [
        ("2024-05-31", "14:30:05", {}),
        ("2024-05-31", 143005, {}),
        ("2024-05-31", "14:30:05Z", {}),
        ("31.05.2024", "14:30:05", {"formats": ["%d.%m.%Y"]}),
        ("31.05.2024", "143005", {"formats": ["%d.%m.%Y %H%M%S"]}),
        ("20240531", 143005, {"formats": ["%Y%m%d"]}),
        (20240531, "02:30:05 PM", {"formats": ["%Y%m%d %I:%M:%S %p"]}),
        ("2024-05-31", "16:30:05", {"timezone": "Europe/Brussels"}),
    ],
)
def test_a_date_and_a_time_of_day_in_two_columns_are_one_moment(day, clock, keys):
    assert apart([day], [clock], **keys).micros.tolist() == [time_microseconds("2024-05-31T14:30:05Z")]


def test_of_two_columns_each_bad_value_is_a_fault_of_its_own_row():
    times = apart(["2024-05-31", "31.05.2024", "2024-02-30", None], ["9:30", "10:00", "10:00", "10:00"])
    assert at_fault(times) == [1, 2]
    assert times.micros[0] == time_microseconds("2024-05-31T09:30:00Z")
    bad = apart(["2024-05-31", "30.02.2024"], ["10:00", "10:00"], formats=["%d.%m.%Y"])
    assert at_fault(bad) == [0, 1]


def test_a_format_without_a_zone_beside_one_with_a_zone_stays_in_its_own():
    times = read(
        ["2024-05-31 10:00:00", "2024-05-31 10:00:00+0000"],
        formats=["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z"],
        timezone="Europe/Brussels",
    )
    assert ((times.micros - time_microseconds("2024-05-31T08:00:00Z")) // HOUR).tolist() == [0, 2]
    assert times.naive.tolist() == [True, False]


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%SZ"])
def test_a_format_that_spells_utc_is_not_read_in_the_presets_zone(form):
    moment = datetime(2024, 5, 31, 10, tzinfo=UTC)
    times = read([moment.strftime(form)], formats=[form], timezone="Europe/Brussels")
    assert times.micros.tolist() == [time_microseconds("2024-05-31T10:00:00Z")]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.timestamp("ms", "UTC")])
def test_a_stamp_that_microseconds_cannot_count_is_a_fault_and_no_other_time(kind):
    times = read(pa.array([2**60, 1_700_000_000], pa.int64()).cast(kind))
    assert at_fault(times) == [0]
    assert times.micros[0] == NOT_A_TIME


def ends(values, **keys):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    return instants({"": column}, time=TimeColumn(column="t", **keys), day_ends=True)


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        (["2024-05-31"], {}),
        (pa.array([19874], pa.date32()), {}),
        (["31.05.2024"], {"formats": ["%d.%m.%Y"]}),
        (["19874"], {"kind": "epoch", "unit": "d"}),
    ],
)
def test_a_day_alone_ends_where_an_end_is_asked_for(values, keys):
    assert ends(values, **keys).micros.tolist() == [time_microseconds("2024-06-01") - 1]
    assert read(values, **keys).micros.tolist() == [time_microseconds("2024-05-31")]


def test_a_day_ends_in_the_zone_of_the_preset_however_long_it_is():
    changed = ends(["2024-03-31"], timezone="Europe/Brussels").micros[0]
    assert changed == time_microseconds("2024-03-31T22:00:00Z") - 1


def test_midnights_are_marked_and_not_moved():
    times = ends(["2024-05-31 00:00:00", "2024-05-31 00:00:01", None])
    assert times.midnight.tolist() == [True, False, False]
    assert times.micros[0] == time_microseconds("2024-05-31")
