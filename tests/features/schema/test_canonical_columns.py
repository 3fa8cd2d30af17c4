import numpy as np
import pyarrow as pa

from features.schema.canonical_columns import (
    Reading,
    availability,
    category_columns,
    entity_columns,
    number_columns,
    readable_times,
    role_columns,
    source_amounts,
    source_labels,
    transaction_ids,
)
from features.schema.column_plan import column_plan
from features.schema.event_times import NOT_A_TIME, Instants
from features.schema.preset import preset_from_dict
from features.times import DAY, time_microseconds

SMALLEST = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}}
NOON = time_microseconds("2024-03-31T12:00:00Z")


def preset(**keys):
    return preset_from_dict(SMALLEST | keys)


def reading(*, delay=0, key=None, **keys):
    return Reading(preset(**keys), column_plan(preset(**keys), []), delay, None, key)


def at_fault(parsed) -> dict[str, list[int]]:
    return {reason: np.flatnonzero(mask).tolist() for reason, mask in parsed.faults.items() if mask.any()}


def test_a_source_column_that_fills_two_roles_is_decoded_once_and_faulted_by_its_own_name():
    keys = preset(entities={"card_id": {"column": "amount"}})
    raw = pa.table({name: pa.array([b"1", b"\xff"], pa.binary()) for name in ("when", "amount", "fraud")})
    columns = role_columns(raw, column_plan(keys, raw.column_names))
    assert columns.values["card_id"] is columns.values["amount"]
    assert at_fault(columns)["amount: must be UTF-8 text, or the preset must say its encoding"] == [1]


def test_a_time_is_blank_only_where_nothing_was_there_to_read():
    never = np.array([False, True, False])
    read = Instants(np.array([0, NOT_A_TIME, NOT_A_TIME]), {"must be a time": never}, never, never)
    assert at_fault(readable_times(read, "t", required=True)) == {"t: must be a time": [1], "t: must not be blank": [2]}
    assert at_fault(readable_times(read, "t", required=False)) == {"t: must be a time": [1]}


def test_an_own_id_that_cannot_be_read_is_not_blank_too():
    keys = preset(transaction_id={"column": "id", "type": "integer"})
    ids = transaction_ids({"transaction_id": pa.array(["7", "x", ""])}, keys, np.arange(3))
    assert list(at_fault(ids).values()) == [[1], [2]]
    assert transaction_ids({}, keys, np.array([4, 5])).values.to_pylist() == [4, 5]


def test_only_card_ids_are_hashed_and_only_under_a_key():
    entities = {"card_id": {"column": "card"}, "merchant_id": {"column": "shop"}}
    columns = {"card_id": pa.array(["c", None]), "merchant_id": pa.array(["m", "m"])}
    time = np.array([NOON, NOON])
    plain = entity_columns(columns, reading(entities=entities), time)
    hashed = entity_columns(columns, reading(entities=entities, key=b"secret"), time)
    assert plain["card_id"].values.to_pylist() == ["c", None]
    assert len(hashed["card_id"].values[0].as_py()) == 32
    assert hashed["merchant_id"].values.to_pylist() == ["m", "m"]


def test_an_amount_without_a_number_is_judged_as_nothing():
    column = pa.array(["1.5", "ten", "", None, "-2"])
    amounts = source_amounts({"amount": column}, reading(), np.zeros(5, np.int64))
    assert amounts.values.major.tolist() == [1.5, 0, 0, 0, -2]
    assert at_fault(amounts) == {"amount: must be a number": [1], "amount: must not be blank": [2, 3]}


def test_a_mask_takes_labels_of_its_months_and_counts_only_those_that_were_there():
    masks = [{"reason": "nobody looked", "months": ["2024-03"]}]
    time = np.array([NOON, NOON, NOON + DAY, NOT_A_TIME])
    labels = source_labels(pa.array(["1", "", "1", "0"]), time, preset(masks=masks)).values
    assert labels.values.tolist() == [-1, -1, 1, 0]
    assert labels.masked["nobody looked"].tolist() == [True, False, False, False]


def test_a_label_is_available_when_the_source_says_or_else_after_the_delay():
    keys = {"label_available_at": {"column": "known"}}
    known = pa.array(["2024-04-02T12:00:00Z", "", "soon", ""])
    time, label = np.array([NOON, NOON, NOON, NOON]), np.array([1, 0, 0, -1], np.int8)
    found = availability({"label_available_at": known}, reading(delay=7 * DAY, **keys), time, label)
    assert ((found.values - NOON) // DAY).tolist() == [2, 7, 7, 0]
    assert list(at_fault(found).values()) == [[2]]


def test_numbers_that_mean_missing_are_nan_and_infinite_ones_a_fault():
    keys = preset(numeric=[{"columns": ["x"], "missing": [-1], "missing_below": -5}, {"columns": ["gone"]}])
    found = number_columns({"x": pa.array(["-1", "-9", "2", "inf", "high"])}, keys)
    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"].values, [np.nan, np.nan, 2, np.inf, np.nan])
    assert at_fault(found["x"]) == {"x: must be a number or blank": [4], "x: must be finite": [3]}


def test_a_category_that_the_source_lacks_is_left_out():
    keys = preset(categorical=[{"columns": ["a", "b"], "missing": ["?"]}])
    found = category_columns({"b": pa.array(["?", "x"])}, keys)
    assert {name: column.to_pylist() for name, column in found.items()} == {"b": [None, "x"]}
