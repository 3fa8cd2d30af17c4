from fractions import Fraction
from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.windows import finish

WORD = 2**64


@given(st.lists(st.integers(0, 2**58) | st.integers(2**58 - 3, 2**58), min_size=2, max_size=12))
@settings(deadline=None)
def test_a_variance_is_the_rounded_exact_one_even_where_amounts_hardly_differ(values):
    squares = sum(value * value for value in values)
    words = np.uint64(squares // WORD), np.uint64(squares % WORD), np.uint64(sum(values))
    mean = Fraction(sum(values), len(values))
    exact = float(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
    assert finish.sample_variance(*words, len(values)) == pytest.approx(exact, rel=1e-12)
    assert finish.deviation(*words, len(values)) == pytest.approx(sqrt(exact), rel=1e-12)


def test_a_deviation_needs_two_amounts():
    assert isnan(finish.deviation(np.uint64(0), np.uint64(9), np.uint64(3), 1))


@given(st.integers(0, 2**63 - 1))
@settings(deadline=None)
def test_a_square_has_128_bits(value):
    high, low = finish.square(np.uint64(value))
    assert int(high) * WORD + int(low) == value * value


def test_a_quotient_by_zero_is_nan_and_never_infinite():
    assert isnan(finish.quotient(1, 0))
    assert finish.quotient(6, 4) == 1.5


def test_seconds_are_divided_once():
    assert finish.seconds(1_500_001) == 1.500001
