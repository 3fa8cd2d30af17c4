"""No number of a card, no e-mail address and no password is told; what Harbor says of itself stays as it is."""

import json
import time

import pytest

from pipeline.storage.masking import masked, masked_values, value_shape
from tests.oracles.planted_cards import SPELLINGS, digits_told, spelled


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize(
    "text",
    ["got {}", "{}", "base 10: '{}x'", "3,{}", "7 {} 7", "row 12 of a.csv: '{}', 3 rows", 'x{}y", "b"', "b'{}\\n'"],
)
def test_a_card_number_is_masked_however_it_is_spelled(name, text):
    told = masked(text.format(spelled(name)))
    assert digits_told(told) == 0, told


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01 2024-06-01T06:30:00.123456Z",
        "export_20240501-063000.csv and 202405010630",
        "0.30000000000000004, -0.018139650451053207",
        "300,000 rows, 200,000, 1,234,567,890",
        "sha256 " + "de4dbe12" * 8,
        "550e8400-e29b-41d4-a716-446655440000",
        "s3://bucket/2024/05/01/part-00001.csv",
        "postgresql://ann@db.example.com:5432/mlflow",
        "[0.0, 0.05, 0.1, 0.15, 0.2] [1, 2, 3, 4, 5]",
        "127.0.0.1:5000, pipeline/x.py:123, 2.13.0",
    ],
)
def test_what_is_no_card_number_stays(text):
    assert masked(text) == text


@pytest.mark.parametrize("text", ["ann.b+c@mail.bank.example", "ann@xn--bcher-kva.example"])
def test_an_address_of_a_person_is_masked(text):
    assert masked(f"of <{text}>, row 1") == "of <…>, row 1"


def test_a_password_of_a_store_is_masked_too():
    assert masked("https://ann:s3cr3t@host/x") == "https://***@host/x"


def test_every_text_of_a_record_is_masked_and_numbers_stay_numbers():
    card = spelled("dashes")
    record = {"message": card, "seconds": 0.123456789012345, "rows": 123456789012, "deep": [{card: (card, None, True)}]}
    told = masked_values(record)
    assert json.loads(json.dumps(told)) == {
        "message": "…",
        "seconds": 0.123456789012345,
        "rows": 123456789012,
        "deep": [{"…": ["…", None, True]}],
    }


@pytest.mark.parametrize("text", ["1" * 300_000, "a" * 300_000, "1 " * 150_000, "a.b-" * 80_000, "12.34-" * 50_000])
def test_a_long_text_is_masked_in_time_that_grows_with_its_length(text):
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (b"EUR 1.234,50", "'EUR 9.999,99'"),
        ("31/12/2024", "'99/99/9999'"),
        (7, "'9'"),
        (b"-4111111111111111x", "'-9999999999999999x'"),
        ("M\u00fcller", "'Aaaaaa'"),
        (b"\xff", "'\ufffd'"),
        ("y" * 99, repr("a" * 40 + "…")),
    ],
)
def test_a_shape_says_how_a_value_is_spelled_and_not_what_it_is(value, shape):
    assert value_shape(value) == shape


def test_a_tables_snapshot_stays_where_its_address_names_it_and_nowhere_else():
    address = "iceberg://bank/cards.tx@2169487121396760305"
    assert masked(f"{address}: cannot be read") == f"{address}: cannot be read"
    assert "4111111111111111" not in masked("mail://bank/cards.tx@4111111111111111")
    assert "4111111111111111" not in masked("iceberg://bank/cards.tx@1 4111111111111111")


def test_a_version_of_a_table_in_a_store_is_shown_and_a_password_before_it_is_not():
    assert masked("delta://s3://bank/tx@12: is gone") == "delta://s3://bank/tx@12: is gone"
    assert "hunter2" not in masked("delta://s3://ann:hunter2@bank/tx@12")
