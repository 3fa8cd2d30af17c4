"""How numbers are spelled, held against the reader of ingest."""

import pyarrow as pa
import pytest

from features.schema.number_text import NumberFormat, read_numbers
from pipeline.inspection.number_spelling import number_spelling


def spelled(*values):
    column = pa.array(values, pa.string())
    return number_spelling(column, column)


@pytest.mark.parametrize(
    ("values", "keys", "numbers"),
    [
        (("1.234,50", "12,00"), {"thousands": ".", "decimal": ","}, [1234.5, 12.0]),
        (("1,234.50", "7.25"), {"thousands": ","}, [1234.5, 7.25]),
        (("$134.09", "$-99.00"), {"currency": "$"}, [134.09, -99.0]),
        (("12,50 €", "7,00 €"), {"currency": "€", "decimal": ","}, [12.5, 7.0]),
        (("1 234,5", "2,0"), {"thousands": " ", "decimal": ","}, [1234.5, 2.0]),
        (("12.5", "NA"), {}, [12.5]),
        ((*["7,50"] * 300, "1.234,50"), {"thousands": ".", "decimal": ","}, [*[7.5] * 300, 1234.5]),
    ],
)
def test_the_keys_read_the_numbers_that_were_meant(values, keys, numbers):
    found = spelled(*values)
    assert found.keys == keys
    assert found.certain
    form = NumberFormat(**{"currency": "", "thousands": "", "decimal": "."} | keys)
    read = read_numbers(pa.array(values), form, missing_text=("na",)).values
    assert [each for each in read if each == each] == numbers


@pytest.mark.parametrize("values", [("1.234", "5.678"), ("1,234", "12,500")])
def test_a_mark_that_might_part_thousands_or_a_fraction_is_not_certain(values):
    assert not spelled(*values).certain


def test_whole_and_negative_numbers_are_told():
    found = spelled("5", "-7", "8", "9")
    assert found.whole
    assert found.negative == 0.25
    assert not spelled("5", "7.5").whole


def test_texts_are_no_numbers_and_blanks_say_nothing():
    assert spelled("Gent", "12") is None
    assert spelled("k12", "k13") is None
    assert spelled(None, None) is None
