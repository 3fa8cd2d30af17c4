"""A request's row is read as its state's rows were, or its wrong fields are named."""

from dataclasses import replace

import pyarrow as pa
import pytest

from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.one_row import RowReader
from features.times import DAY
from pipeline.sections import DataConfig
from pipeline.serve.raw_fields import RawFields, is_card_number
from pipeline.serve.refusal import RefusalError
from pipeline.stages.ingest.preset_files import load_preset
from pipeline.state.card_numbers import has_check_digit
from tests.oracles.bad_input import good_rows

HARBOR = load_preset(DataConfig())
READING = Reading(HARBOR, column_plan(HARBOR, ()), 7 * DAY)
HASHED = replace(READING, hash_key=b"a secret of sixteen bytes")
ROW = good_rows()[0]


def refused(row, reading=READING, **given):
    with pytest.raises(RefusalError) as found:
        RawFields(RowReader(reading), **given).values(row)
    return found.value


def test_a_row_is_read_by_the_one_reader():
    assert RawFields(RowReader(READING)).values(ROW) == RowReader(READING).read(ROW).values


def test_fields_that_nobody_reads_are_refused_by_name_and_all_at_once():
    assert refused({**ROW, "colour": 1, "size": 2}).fields == ("colour", "size")


def test_a_field_that_is_missing_is_named():
    row = {name: value for name, value in ROW.items() if name not in ("amount", "event_time")}
    assert set(refused(row).fields) == {"amount", "event_time"}


def test_a_row_must_have_an_id():
    row = {name: value for name, value in ROW.items() if name != "transaction_id"}
    assert refused(row).fields == ("transaction_id",)


@pytest.mark.parametrize("name", ["card_id", "merchant_id", "transaction_id", "merchant_category"])
@pytest.mark.parametrize("value", ["4111 1111-1111.1111", "pan:5500000000000004", "378282246310005"])
def test_a_card_number_is_refused_in_whatever_field_it_stands(name, value):
    found = refused({**ROW, name: value})
    assert found.fields == (name,)
    assert "must not be a card number" in found.problem
    assert value not in found.problem


def test_a_card_number_may_be_a_card_where_ids_are_hashed_and_nowhere_else():
    values = RawFields(RowReader(HASHED)).values({**ROW, "card_id": "4111111111111111"})
    assert values["card_id"] != "4111111111111111"
    assert refused({**ROW, "merchant_id": "4111111111111111"}, HASHED).fields == ("merchant_id",)


def test_card_numbers_pass_where_they_are_allowed():
    fields = RawFields(RowReader(READING), refuse_cards=False)
    assert fields.values({**ROW, "card_id": "4111111111111111"})["card_id"] == "4111111111111111"


@pytest.mark.parametrize(
    "value", ["4111111111111112", "1234567890123", 1714557600000000, "2024-05-01 10:00:00", None, 1.5, "x"]
)
def test_other_numbers_are_no_cards(value):
    assert not is_card_number(value)


def test_the_check_digit_is_that_of_the_rule_for_columns():
    numbers = [str(4_111_111_111_111_000 + step) for step in range(200)]
    assert [is_card_number(each) for each in numbers] == has_check_digit(pa.array(numbers)).tolist()
    assert [is_card_number(int(each)) for each in numbers] == [is_card_number(each) for each in numbers]
