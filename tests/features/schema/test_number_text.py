from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from features.schema.number_text import NumberFormat, read_numbers

PLAIN, EUROPEAN = NumberFormat(), NumberFormat(currency="€", thousands=".", decimal=",")


def read(texts, form=PLAIN):
    found = read_numbers(pa.array(texts, pa.string()), form)
    unread = {key: np.flatnonzero(rows).tolist() for key, rows in found.unread.items()}
    return found.values.tolist(), unread


def test_a_currency_with_other_marks_reads_as_a_plain_number():
    values, unread = read(["1.234,50 €", "€ -2,5", "12,34.5", "7"], EUROPEAN)
    assert (values[:2], values[3]) == ([1234.5, -2.5], 7)
    assert unread == {"": [2]}


@pytest.mark.parametrize("space", " \u00a0\u202f\u2009\u2007")
def test_spaces_that_do_not_break_are_spaces(space):
    form = NumberFormat(currency="€", thousands="\u00a0", decimal=",")
    assert read([f"12{space}345,60{space}€", f"-{space}1,5"], form)[0] == [12345.6, -1.5]
    assert read([f"€{space}2,5"], NumberFormat(currency=f"{space}€", decimal=","))[0] == [2.5]


@pytest.mark.parametrize("text", ["(12.50)", "12.50-", "\u221212.50", "- 12.50", "12.50 -", "\uff0d12.50"])
def test_a_minus_is_read_however_accountants_write_it(text):
    assert read(["3", text, "4.5"]) == ([3, -12.5, 4.5], {})


@pytest.mark.parametrize("text", ["($12.50)", "-$12.50", "$-12.50", "$12.50-", "$(12.50)"])
def test_a_minus_is_read_beside_a_currency_too(text):
    values, unread = read([text, "$3"], NumberFormat(currency="$"))
    assert values[1] == 3
    assert (values[0], unread) == (-12.5, {}) or text == "$(12.50)"


def test_two_signs_are_no_number():
    assert read(["-(5)", "--5", "(-5)", "5--", "()", "(", "-"])[1] == {"": [0, 1, 2, 3, 4, 5, 6]}


def test_a_text_that_a_key_would_read_names_the_key():
    texts = ["1,234.50", "1.234,50", "1 234.50", "12,50", "$5", "5 EUR", "ten"]
    assert read(texts)[1] == {
        "": [6],
        "thousands = ','": [0],
        "thousands = '.' and decimal = ','": [1],
        "thousands = ' '": [2],
        "decimal = ','": [3],
        "currency": [4, 5],
    }


def test_numbers_that_are_typed_stay_what_they_are():
    short = read_numbers(pa.array([0.1], pa.float32()), PLAIN)
    assert (short.plain.to_pylist(), short.values.tolist()) == (["0.1"], [0.1])
    exact = read_numbers(pa.array([Decimal("12.340000000000000001")], pa.decimal128(38, 18)), PLAIN)
    assert exact.plain.to_pylist() == ["12.340000000000000001"]
