from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.values import AS_IT_IS, Spelling, binary_labels, categories, identifiers, minor_units, numbers


def at_fault(parsed) -> list[int]:
    return [row for mask in parsed.faults.values() for row in np.flatnonzero(mask).tolist()]


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


NO_NUMBERS = ("NA", "x", "1,5", "0x1F", "nan(7)", "1e", ".", "- 5", "1_000")
NUMBERS = ("1", "-2.5", "+3", ".5", "5.", "1e3", "nan", "-NaN", "inf", "+Infinity", "1e400", "")
texts = st.lists(st.sampled_from(NUMBERS + NO_NUMBERS))


@given(texts)
def test_numbers_equal_pythons_own_reading_alone_or_among_others(column):
    values, unreadable = numbers(pa.array(column, pa.string()))
    assert unreadable.tolist() == [text in NO_NUMBERS for text in column]
    expected = [float("nan") if text in ("", *NO_NUMBERS) else float(text) for text in column]
    np.testing.assert_array_equal(values, expected)


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
    spelling = Spelling(missing=("?",), whole_numbers=True)
    assert categories(column, spelling=spelling).to_pylist() == ["315", "315", None, None, "3.5"]
    assert categories(column, spelling=AS_IT_IS).to_pylist()[0] == "315.0"


def test_one_id_has_one_spelling_where_the_preset_says_so():
    column = pa.array(["m7", "M7", "7.0", "7", r"\N", "NULL"])
    spelling = Spelling(missing=(r"\N", "NULL"), whole_numbers=True, upper=True)
    ids = identifiers(column, name="id", integer=False, spelling=spelling)
    assert (ids.values.to_pylist(), at_fault(ids)) == (["M7", "M7", "7", "7", None, None], [])
    assert identifiers(column, name="id", integer=False).values.to_pylist() == column.to_pylist()


def test_integer_ids_that_mean_missing_are_null():
    spelling = Spelling(missing=("-1", "0"))
    assert identifiers(pa.array([7, -1, 0]), name="id", integer=False, spelling=spelling).values.to_pylist() == [
        7,
        None,
        None,
    ]
    text = identifiers(pa.array(["7", "-1", ""]), name="id", integer=True, spelling=spelling)
    assert (text.values.to_pylist(), at_fault(text)) == ([7, None, None], [])


@pytest.mark.parametrize("shortened", ["4.54E+15", "4.539578763621486e+15", "1E+10"])
def test_an_id_that_a_spreadsheet_shortened_is_refused(shortened):
    assert at_fault(identifiers(pa.array(["4539578763621486", shortened, "1e3"]), name="id", integer=False)) == [1]


def test_labels_of_every_type_of_number_are_read():
    for column in ([0, 1, None], [0.0, 1.0, None], [False, True, None], [Decimal(0), Decimal(1), None]):
        kinds = (
            [None]
            if not isinstance(column[0], Decimal)
            else [pa.decimal128(38, 10), pa.decimal128(1, 0), pa.decimal256(50, 30)]
        )
        for kind in kinds:
            labels = binary_labels(pa.array(column, kind), yes=["1", "true"], no=["0", "false"])
            assert (labels.values.to_pylist(), at_fault(labels)) == ([0, 1, None], [])


def test_a_text_of_unknown_is_no_label_and_no_fault():
    labels = binary_labels(
        pa.array(["1", "-1", "-1.0", "Pending", "2"]), yes=["1"], no=["0"], unknown=["-1", "pending"]
    )
    assert (labels.values.to_pylist(), at_fault(labels)) == ([1, None, None, None, None], [4])
