"""What a library says of a file it cannot read, without what it quotes of it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from pipeline.bundle.reading_faults import csv_fault, reading_fault
from tests.oracles.planted_cards import CARD, digits_told


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


def fault_of(path: Path, content: str, options: pacsv.ConvertOptions | None = None) -> str:
    path.write_text(content)
    try:
        pacsv.read_csv(path, convert_options=options)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        return csv_fault(path, options, error)
    raise AssertionError("the file can be read")


def test_a_field_too_many_is_told_by_its_row(tmp_path):
    assert fault_of(tmp_path / "a.csv", f"a,b\n1,2\n3,4\n{CARD},5,6\n") == "row 3 must have 2 fields, got 3"


def test_a_value_of_another_type_is_told_by_column_and_row(tmp_path):
    options = pacsv.ConvertOptions(column_types={"b": pa.float64()})
    said = fault_of(tmp_path / "a.csv", "a,b\nx,2\nx,Anna\n", options)
    assert said == "'b' must be a number in row 2"


def test_a_column_called_by_a_value_is_masked(tmp_path):
    options = pacsv.ConvertOptions(column_types={CARD: pa.float64()})
    assert digits_told(fault_of(tmp_path / "a.csv", f"a,{CARD}\nx,Anna\n", options)) == 0
