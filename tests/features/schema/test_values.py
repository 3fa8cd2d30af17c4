from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.values import (
    binary_labels,
    categories,
    decoded,
    identifiers,
    minor_units,
    numbers,
    plain_amounts,
    text_values,
)


def at_fault(parsed) -> list[int]:
    return [row for mask in parsed.faults.values() for row in np.flatnonzero(mask).tolist()]


def test_bytes_are_read_as_utf_8_and_what_is_none_is_marked():
    column, bad = decoded(pa.chunked_array([[b"Caf\xc3\xa9", b"Caf\xe9"], [None]], pa.binary()))
    assert column.to_pylist()[0] == "Café"
    assert bad.tolist() == [False, True, False]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_every_kind_of_text_column_becomes_plain_text(kind):
    column, bad = decoded(pa.chunked_array([pa.array(["a", None, "b"]).cast(kind)]))
    assert (column.type, column.to_pylist(), bad.any()) == (pa.string(), ["a", None, "b"], False)


def test_text_is_trimmed_loses_its_quotes_and_blank_is_null():
    assert text_values(pa.array([" a ", "'b'", "''", "  ", None, "it's"]), quotes="'").to_pylist() == [
        "a", "b", None, None, None, "it's",
    ]  # fmt: skip


def test_ids_never_go_through_a_float_that_could_merge_two_of_them():
    assert identifiers(pa.array(["9007199254740993"]), name="id", integer=True).values.to_pylist() == [2**53 + 1]
    floats = identifiers(pa.array([3.0, 0.5, 2.0**54, None]), name="id", integer=False)
    assert floats.values.to_pylist() == [3, None, None, None]
    assert at_fault(floats) == [1, 2]


def test_an_id_beyond_63_bits_is_a_fault_whatever_its_type():
    text = identifiers(pa.array(["9223372036854775807", "9223372036854775808", "-1"]), name="id", integer=True)
    assert (text.values.to_pylist(), at_fault(text)) == ([2**63 - 1, None, -1], [1])
    unsigned = identifiers(pa.array([2**63 - 1, 2**63, None], pa.uint64()), name="id", integer=False)
    assert (unsigned.values.to_pylist(), at_fault(unsigned)) == ([2**63 - 1, None, None], [1])


def test_leading_zeros_are_kept_as_text_and_refused_as_a_number():
    assert identifiers(pa.array(["007"]), name="id", integer=False).values.to_pylist() == ["007"]
    assert at_fault(identifiers(pa.array(["007", "7.0", "7"]), name="id", integer=True)) == [0]


texts = st.lists(st.sampled_from(["1", "-2.5", "+3", ".5", "5.", "1e3", "nan", "inf", "NA", "", "x", "1,5", "0x1F"]))


@given(texts)
def test_numbers_equal_pythons_own_reading_alone_or_among_others(column):
    values, unreadable = numbers(pa.array(column, pa.string()), missing_text=("na",))
    assert unreadable.tolist() == [text in ("x", "1,5", "0x1F") for text in column]
    expected = [float("nan") if text in ("", "NA", "x", "1,5", "0x1F") else float(text) for text in column]
    np.testing.assert_array_equal(values, expected)


def test_a_currency_with_other_marks_reads_as_a_plain_number():
    text = pa.array(["1.234,50 €", "€ -2,5", "12,34.5", "7"])
    plain = plain_amounts(text, currency="€", thousands=".", decimal=",").to_pylist()
    assert [Decimal(plain[row]) for row in (0, 1, 3)] == [Decimal("1234.5"), Decimal("-2.5"), 7]
    assert plain[2].startswith("not plain:")


amounts = st.decimals(-(10**7), 10**7, places=4)


@given(st.lists(amounts, min_size=1, max_size=20), st.sampled_from([1, 100, 1000]))
@settings(deadline=None)
def test_minor_units_equal_decimal_arithmetic_with_either_sign(values, scale):
    minor, rounded = minor_units(
        pa.array([str(value) for value in values]), np.array([float(value) for value in values]), scale=scale
    )
    exact = [(value * scale).to_integral_value(ROUND_HALF_EVEN) for value in values]
    assert minor.tolist() == exact
    assert rounded.tolist() == [value * scale != whole for value, whole in zip(values, exact, strict=True)]


def test_labels_are_the_words_of_the_preset_in_any_case_and_nothing_else():
    labels = binary_labels(pa.array(["Yes", "no", "1.0", "", None, "maybe", "01"]), yes=["yes", "1"], no=["No"])
    assert labels.values.to_pylist() == [1, 0, 1, None, None, None, None]
    assert at_fault(labels) == [5, 6]


def test_a_category_is_text_and_whole_floats_may_be_integers():
    column = pa.array(["315.0", "315", "?", " ", "3.5"])
    assert categories(column, missing=["?"], whole_numbers=True).to_pylist() == ["315", "315", None, None, "3.5"]
    assert categories(column, missing=[], whole_numbers=False).to_pylist()[0] == "315.0"
