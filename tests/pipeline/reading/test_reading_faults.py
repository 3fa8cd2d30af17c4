"""What a library says of a file it cannot read, without what it quotes of it."""

import pyarrow as pa
import pytest

from pipeline.reading.reading_faults import reading_fault
from tests.oracles.planted_cards import CARD


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"CSV conversion error to double: invalid value '{CARD}'\nRow: 1",
            "CSV conversion error to double: invalid value",
        ),
        (f"CSV parse error: Expected 3 columns, got 4: {CARD},Anna", "CSV parse error: Expected 3 columns, got 4"),
        ("JSON parse error: Invalid value. in row 0 Anna", "JSON parse error: Invalid value."),
        ("Column 'Anna Miller' is \"odd\"", "Column … is …"),
        ("", "ArrowInvalid"),
    ],
)
def test_the_fault_is_told_and_not_the_value(said, told):
    assert reading_fault(pa.ArrowInvalid(said)) == told
