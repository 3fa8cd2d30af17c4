from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.schema.instants import NOT_A_TIME
from features.schema.time_zones import local_micros, micros_of_zones
from features.times import HOUR, datetime_microseconds, time_microseconds

NAMES = ("Europe/Brussels", "America/New_York", "Asia/Kolkata", "UTC")
moments = st.datetimes(datetime.fromisoformat("1995-01-01"), datetime.fromisoformat("2037-01-01"))


def stamps(*texts):
    return pa.array([text and datetime.fromisoformat(text) for text in texts], pa.timestamp("us"))


def at_fault(read):
    return sorted(row for mask in read.faults.values() for row in np.flatnonzero(mask).tolist())


@given(st.lists(st.tuples(moments, st.sampled_from(NAMES)), min_size=1, max_size=8))
def test_each_time_is_read_on_the_clocks_of_its_own_zone(rows):
    found = micros_of_zones(
        pa.array([each for each, _ in rows], pa.timestamp("us")), pa.array([zone for _, zone in rows])
    )
    for micros, (moment, name) in zip(found.values.tolist(), rows, strict=True):
        both = [
            datetime_microseconds(moment.replace(tzinfo=ZoneInfo(name), fold=fold).astimezone(UTC)) for fold in (0, 1)
        ]
        assert micros == (both[0] if both[0] == both[1] else NOT_A_TIME)


@pytest.mark.parametrize(
    ("zone", "hours"), [("+02:00", 2), ("-0530", -5.5), ("UTC+1", 1), ("gmt", 0), ("Z", 0), (" UTC ", 0)]
)
def test_a_zone_may_be_a_distance_from_utc(zone, hours):
    found = micros_of_zones(stamps("2024-03-01 12:00:00"), pa.array([zone]))
    assert found.values.tolist() == [time_microseconds("2024-03-01T12:00:00") - hours * HOUR]


def test_a_time_whose_zone_is_missing_or_unknown_is_a_fault_of_its_own_row():
    zones = pa.array(["Mars/Olympus", "Europe/Brussels", "", None, "+25:00", "Mars/Olympus"])
    found = micros_of_zones(stamps(*["2024-03-01 12:00:00"] * 5, None), zones)
    assert found.values[1] == time_microseconds("2024-03-01T11:00:00Z")
    assert at_fault(found) == [0, 2, 3, 4]


def test_hours_that_the_clocks_skip_or_repeat_are_told_by_their_zone():
    zones = pa.array(["Europe/Brussels", "America/New_York", "Europe/Brussels"])
    found = micros_of_zones(stamps("2024-03-31 02:30:00", "2024-11-03 01:30:00", "2024-03-31 04:30:00"), zones)
    assert found.values[:2].tolist() == [NOT_A_TIME] * 2
    assert [what for what, rows in found.faults.items() if rows.any()] == [
        f"must name one moment in {zone}, a clock change leaves none or two" for zone in zones.to_pylist()[:2]
    ]


def test_in_one_zone_utc_needs_no_clocks():
    assert local_micros(stamps("2024-03-31 02:30:00", None), "UTC").faults == {}
    assert local_micros(stamps(None), "UTC").values.tolist() == [NOT_A_TIME]
