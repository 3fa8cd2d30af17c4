"""A first line that holds values is no header, and no message repeats it."""

import pytest

from pipeline.reading.header_names import no_header, quoted_names
from tests.oracles.planted_cards import FOUR, digits_told, spelled


@pytest.mark.parametrize(
    "value", ["17", "-3.5", "1.234,50", "2024-05-01", "31/12/2024 10:00", "", "4.5E+15", "ann@bank.example"]
)
def test_values_are_told_from_names(value):
    assert no_header(["card_id", value])


@pytest.mark.parametrize(
    "names", [["V1", "V28"], ["TX_AMOUNT", "id_01", "card1"], ["amount (EUR)", "Is Fraud?", "Zip"]]
)
def test_names_with_digits_and_marks_are_names(names):
    assert not no_header(names)


@pytest.mark.parametrize("name", FOUR)
def test_a_card_number_as_a_name_is_masked_and_no_name(name):
    assert no_header([spelled(name)])
    assert digits_told(quoted_names(["amount", spelled(name)])) == 0
