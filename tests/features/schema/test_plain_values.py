import math
from functools import partial

import pytest

from features.schema.plain_values import (
    NotPlainError,
    plain_id,
    plain_label,
    plain_minor,
    plain_number,
    plain_text,
    plain_time,
    plain_whole_id,
)

ODD = {
    plain_id: ("", " a", "a b", "1e+15", "é", 1.0, True, 2**63, ["a"]),
    plain_whole_id: ("", "007", "-1", "1.0", "1" * 19, 3.0, True),
    plain_time: (None, "2024-02-30T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", 1704067200),
    plain_label: ("", "true", 1.0, True, 2),
    plain_text: ("", " a", "a\n", "é", 3, 1.5),
    plain_number: ("", "1,5", "nan", "1e3", math.inf, math.nan, True, 2**60),
    partial(plain_minor, scale=100): (None, "", "-1", "1.005", "1e3", 1.005, -1, -0.5, math.nan, 10**12, True),
}


@pytest.mark.parametrize(("read", "value"), [(read, value) for read, values in ODD.items() for value in values])
def test_whatever_is_spelled_otherwise_is_left_to_the_reading_of_columns(read, value):
    with pytest.raises(NotPlainError):
        read(value)


def test_plain_values_are_what_they_say():
    assert [plain_id(each) for each in ("c-1", 7, None, "0012")] == ["c-1", 7, None, "0012"]
    assert [plain_whole_id(each) for each in ("12", 12, None, "0")] == [12, 12, None, 0]
    assert plain_time("1970-01-01T02:00:01.5+02:00") == plain_time("1970-01-01T00:00:01.5Z")
    assert plain_time("1970-01-01T00:00:01.5Z") == plain_time("1970-01-01 00:00:01.500000+00:00") == 1_500_000
    assert [plain_label(each) for each in ("1", 0, None)] == [1, 0, None]
    assert [plain_minor(each, 100) for each in ("12.5", 12.5, 12, "0.01", 0.29, "12.50")] == [
        1250, 1250, 1200, 1, 29, 1250,
    ]  # fmt: skip
    assert [plain_number(each) for each in (1, "-2.5", 0.1)] == [1.0, -2.5, 0.1]
    assert math.isnan(plain_number(None))
    assert plain_text("card present") == "card present"
