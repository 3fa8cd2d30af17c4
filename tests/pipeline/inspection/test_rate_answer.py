"""Which rate somebody means, and which answers are none or may be two."""

import pytest

from pipeline.inspection.rate_answer import rate_answer
from pipeline.storage.errors import InputError


@pytest.mark.parametrize(
    ("answer", "rate"),
    [("0,95", "0.95"), (" 0.95 ", "0.95"), ("160", "160"), ("0,006", "0.006"), ("Converted", "converted"), ("", "")],
)
def test_a_rate_is_read_with_a_point_or_a_comma(answer, rate):
    assert rate_answer(answer) == rate


@pytest.mark.parametrize("answer", ["0", "0,0", "-1", "inf", "nan", "1e5", "1_0", "1.234,5", "one", "0,9,5", "1/2"])
def test_what_is_no_number_above_0_is_refused(answer):
    with pytest.raises(InputError, match=r"must be a number above 0 such as 0\.95, or `converted`, got"):
        rate_answer(answer)


def test_amounts_are_converted_already_only_where_no_rate_was_given():
    with pytest.raises(InputError, match="contradicts the rate of another currency"):
        rate_answer("converted", alone=False)


def test_a_comma_that_may_part_thousands_is_refused_with_both_readings():
    with pytest.raises(InputError, match=r"must be one number, got '1,234', which may be 1\.234 or 1234"):
        rate_answer("1,234")
