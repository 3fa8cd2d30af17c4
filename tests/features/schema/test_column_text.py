from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pytest

from features.schema.column_text import decoded, text_values


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


def test_one_bad_byte_marks_its_own_row_and_no_good_one_beside_it():
    values = ["\ufffd is a letter too".encode(), b"\xff", "é".encode(), b"a"]
    column, bad = decoded(pa.chunked_array([values], pa.binary()))
    assert bad.tolist() == [False, True, False, False]
    assert column.to_pylist()[0] == "\ufffd is a letter too"


def test_uuids_are_spelled_and_bytes_of_one_length_are_hexadecimal_digits():
    number = UUID(int=2**90 + 7)
    storage = pa.array([number.bytes, None], pa.binary(16))
    logical, _ = decoded(pa.chunked_array([pa.ExtensionArray.from_storage(pa.uuid(), storage)]))
    assert logical.to_pylist() == [str(number), None]
    assert decoded(pa.chunked_array([storage]))[0].to_pylist() == [number.hex, None]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_of_every_kind_are_text(kind):
    column, bad = decoded(pa.chunked_array([pa.array([b"a", None], kind)]))
    assert (column.to_pylist(), bad.any()) == (["a", None], False)


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([Decimal(0), Decimal("100.50"), Decimal("0.0000001")], pa.decimal128(38, 10), ["0", "100.5", "0.0000001"]),
        ([Decimal(1200), Decimal(10) ** 30], pa.decimal128(38, 0), ["1200", "1" + "0" * 30]),
        ([Decimal(1200)], pa.decimal128(5, -2), ["1200"]),
        ([1e15, 4539578763621486.0, 0.5, -3.0], pa.float64(), ["1000000000000000", "4539578763621486", "0.5", "-3"]),
        ([0.5, 7.0], pa.float32(), ["0.5", "7"]),
        ([True, False], pa.bool_(), ["true", "false"]),
    ],
)  # fmt: skip
def test_typed_values_are_spelled_as_they_would_be_written(values, kind, text):
    assert text_values(pa.array(values, kind)).to_pylist() == text
