import numpy as np
import pyarrow as pa
import pytest

from pipeline.reading.source_batch import SourceBatch
from pipeline.stages.ingest.quarantined_rows import FirstRow, QuarantinedRows, printable

REASONS = pa.list_(pa.string())


def rows(*numbers):
    return np.array(numbers, np.int64)


@pytest.fixture
def quarantine():
    found = QuarantinedRows()
    found.add("b.csv", rows(7, 9), pa.array([["amount: bad"], ["label: bad", "amount: bad"]], REASONS))
    found.add("a.csv", rows(3), pa.array([["amount: bad"]], REASONS))
    return found


def test_reasons_are_counted_one_by_one_and_rows_once(quarantine):
    assert quarantine.count == 3
    assert quarantine.reasons == {"amount: bad": 3, "label: bad": 1}


def test_each_reason_keeps_the_row_that_it_was_met_in_first(quarantine):
    assert quarantine.first == {"amount: bad": FirstRow("b.csv", 7), "label: bad": FirstRow("b.csv", 9)}


def test_the_table_is_in_the_order_of_file_and_row(quarantine):
    table = quarantine.table()
    assert list(zip(table["source_file"].to_pylist(), table["row"].to_pylist(), strict=True)) == [
        ("a.csv", 3), ("b.csv", 7), ("b.csv", 9)
    ]  # fmt: skip


def test_without_a_row_there_is_an_empty_table_of_the_same_columns(quarantine):
    quarantine_of_nothing = QuarantinedRows()
    quarantine_of_nothing.add("a.csv", rows(), pa.array([], REASONS))
    assert quarantine_of_nothing.table().schema == quarantine.table().schema


def test_the_first_bad_value_is_shown_and_never_a_later_one(quarantine):
    for values in ([b"-5", b"-6"], [b"-7", b"-8"]):
        batch = SourceBatch(pa.table({"sum": values}), rows(7, 8))
        quarantine.show_values("b.csv", batch, {"amount": "sum"})
    assert quarantine.first["amount: bad"] == FirstRow("b.csv", 7, "'-5'")


def test_a_value_that_could_be_a_card_number_is_never_shown(quarantine):
    quarantine.add("a.csv", rows(1), pa.array([["card_id: bad"]], REASONS))
    batch = SourceBatch(pa.table({"card": [b"4111"]}), rows(1))
    quarantine.show_values("a.csv", batch, {"card_id": "card"})
    assert quarantine.first["card_id: bad"].value == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"12,50", "'12,50'"),
        (7, "'7'"),
        (b"-4111111111111111x", "'-…x'"),
        (b"\xff", "'\ufffd'"),
        ("y" * 99, repr("y" * 40)),
    ],
)
def test_a_value_is_printed_short_and_without_long_runs_of_digits(value, text):
    assert printable(value) == text
