import re

import pytest
from pydantic import ValidationError

from features.schema.time_column import TimeColumn


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"formats": ["%d/%m/%Y", "%m/%d/%Y"]}, "formats must not read one text as two times"),
        ({"formats": ["%d.%m.%y %T", "%Y-%m-%d %T", "%y.%m.%d %H:%M:%S"]}, "%d.%m.%y %T and %y.%m.%d %H:%M:%S do"),
        ({"formats": ["%Y-%m-%d %I:%M:%S"]}, "must hold %I and %p together"),
        ({"formats": ["%Y-%m-%d %H:%M:%S %p"]}, "must hold %I and %p together"),
        ({"formats": ["%Y-%m-%d %H:%M:%S EST"]}, "timezone must stand beside a format that ends in a zone's letters"),
        ({"kind": "epoch", "zone": "tz"}, "must give neither time, formats nor zone"),
        ({"kind": "epoch", "unit": "0s"}, "must be longer than nothing"),
        ({"kind": "epoch", "unit": "fortnight"}, "must be a whole number and one of d, h, m, s"),
    ],
)
def test_what_would_read_times_as_others_is_refused(keys, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        TimeColumn(column="t", **keys)


@pytest.mark.parametrize(
    "formats",
    [
        ["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC"],
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%d"],
        ["%d.%m.%Y", "%d.%m.%y", "%e %b %Y", "%m/%d/%Y %I:%M %p"],
    ],
)
def test_formats_that_agree_on_every_text_may_stand_together(formats):
    assert TimeColumn(column="t", formats=formats).formats == tuple(formats)


def test_the_letters_of_a_zone_may_stand_where_the_preset_says_which_it_is():
    form = "%Y-%m-%d %H:%M:%S EST"
    assert TimeColumn(column="t", formats=[form], timezone="America/New_York").formats == (form,)


@pytest.mark.parametrize(
    ("unit", "micros", "days"), [("ms", 1_000, False), ("ns", "ns", False), ("30d", 30 * 86_400_000_000, True)]
)
def test_a_unit_is_a_step_of_a_clock_or_a_length_of_time(unit, micros, days):
    time = TimeColumn(column="t", kind="elapsed", unit=unit)
    assert (time.unit, time.counts_days) == (micros, days)
