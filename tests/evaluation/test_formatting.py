from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.formatting import candidate_name, count, day_text, number, percent, show, signed, time_text


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_is_the_utc_second_it_lies_in(microseconds):
    text = time_text(microseconds)
    read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert int(read.timestamp()) == microseconds // 1_000_000
    assert day_text(microseconds) == text[:10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-1234.5678, 2), "−1,234.57"),
        (signed(0.00012, 5), "+0.00012"),
        (signed(-0.5), "−0.5000"),
        (percent(0.0123, 2), "1.23\u00a0%"),
        (count(12_000.0), "12,000"),
        (show(0.5, "percent", 1), "50.0\u00a0%"),
        (show(0.5, "number", 1), "0.5"),
    ],
)
def test_numbers_are_written_with_true_signs_and_separators(text, expected):
    assert text == expected


@pytest.mark.parametrize("write", [number, signed, percent, count])
def test_what_is_undefined_is_a_dash(write):
    assert write(None) == "–"


def test_a_candidate_that_nobody_named_keeps_its_own_name():
    assert candidate_name("mlp") == "Head"
    assert candidate_name("ensemble") == "ensemble"
