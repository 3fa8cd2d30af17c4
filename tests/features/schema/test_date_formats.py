"""A format means the days of the calendar, and nothing that a library would carry over."""

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import InputError
from features.schema.date_formats import date_format

FORMATS = ["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d%H%M%S", "%d-%b-%Y %T", "%a %d %B %Y %H:%M:%S"]
moments = st.datetimes(datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2068-12-31"))


def read(form, *texts):
    return date_format(form).read(pa.array(texts, pa.string())).to_pylist()


@given(moments, st.sampled_from([*FORMATS, "%d.%m.%y %H:%M:%S"]))
@settings(deadline=None)
def test_every_moment_reads_back_as_it_was_written(moment, form):
    moment = moment.replace(microsecond=0)
    assert read(form, moment.strftime(form)) == [moment]


@given(
    st.integers(1, 40),
    st.integers(1, 14),
    st.integers(1896, 2104),
    st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%m/%d/%Y"]),
)
@settings(deadline=None)
def test_only_days_that_the_calendar_has_are_read(day, month, year, form):
    text = form.replace("%d", f"{day:02d}").replace("%m", f"{month:02d}").replace("%Y", str(year))
    try:
        expected = datetime(year, month, day)  # noqa: DTZ001 - the text has no zone
    except ValueError:
        expected = None
    assert read(form, text) == [expected]


@pytest.mark.parametrize(
    "text", ["01.01.2024 10:00:60", "01.01.2024 24:00:00", "01.01.2024", "01.01.2024 10:00:00 UTC"]
)
def test_a_clock_is_not_carried_over_and_nothing_is_left_out(text):
    assert read("%d.%m.%Y %H:%M:%S", text) == [None]


def test_a_fraction_of_a_second_is_read_to_the_microsecond():
    texts = ["2024-01-02 10:00:00.25", "2024-01-02 10:00:00.123456789", "2024-01-02 10:00:00"]
    found = read("%Y-%m-%d %H:%M:%S.%f", *texts)
    assert [each and each.microsecond for each in found] == [250_000, 123_456, None]


def test_leading_zeros_may_be_left_out_only_where_that_is_clear():
    assert read("%d.%m.%Y", "1.2.2024")[0] == datetime.fromisoformat("2024-02-01")
    assert read("%Y%m%d", "2024111") == [None]


@pytest.mark.parametrize(
    ("form", "text"), [("%F %T%z", "2024-01-02 10:00:00+0200"), ("%F %T UTC", "2024-01-02 08:00:00 UTC")]
)
def test_a_format_that_names_a_zone_gives_moments(form, text):
    stamps = date_format(form).read(pa.array([text]))
    assert (stamps.type.tz, stamps[0].as_py().hour) == ("UTC", 8)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%d.%m", "must hold a year"),
        ("%Y-%j", "got %j"),
        ("%d.%m.%Y %Z", "got %Z"),
        ("%Y-%m", "must hold a day"),
        ("%d.%m.%Y %", "got % in"),
    ],
)
def test_a_format_that_cannot_be_read_by_is_refused(form, said):
    with pytest.raises(InputError, match=said):
        date_format(form)
