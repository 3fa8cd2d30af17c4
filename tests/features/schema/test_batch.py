"""One batch read into canonical rows, against the slowest reading there is: Python's own decimals and datetimes."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.schema.batch import CanonicalBatch, canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan
from features.schema.preset import preset_from_dict

SMALLEST = {"event_time": {"column": "when"}, "amount": {"column": "amount"}, "label": {"column": "fraud"}}
DAY = 86_400_000_000
MOMENT = 1_710_000_000_000_000


def canonical(columns, *, delay: int = 0, as_of: int | None = None, key: bytes | None = None, **keys) -> CanonicalBatch:
    preset = preset_from_dict(SMALLEST | keys)
    rows = len(next(iter(columns.values())))
    stamps = pa.array([MOMENT] * rows).cast(pa.timestamp("us", "UTC"))
    raw = pa.table({"when": stamps, "amount": [1] * rows, "fraud": [0] * rows} | columns)
    plan = column_plan(preset, raw.column_names)
    reading = Reading(preset, plan, delay, as_of, key)
    return canonical_batch(raw, reading=reading, row_ids=np.arange(rows))


def times(batch: CanonicalBatch) -> list[int]:
    return batch.accepted["event_time"].cast(pa.int64()).to_pylist()


amounts = st.decimals(min_value=0, max_value=10**9, allow_nan=False, places=4) | st.decimals(0, 10**6, places=2)


@given(st.lists(amounts, min_size=1, max_size=20), st.sampled_from([1, 10, 100, 1000]))
@settings(max_examples=60, deadline=None)
def test_amounts_equal_decimal_arithmetic_whatever_type_they_came_in(values: list[Decimal], scale: int):
    exact = [int((value * scale).to_integral_value(ROUND_HALF_EVEN)) for value in values]
    finer = sum(value * scale != whole for value, whole in zip(values, exact, strict=True))
    for column in (pa.array([str(value) for value in values]), pa.array(values), pa.array([float(v) for v in values])):
        batch = canonical({"amount": column}, amount={"column": "amount", "scale": scale})
        assert batch.accepted["amount_minor"].to_pylist() == exact
        assert batch.counts["amounts_rounded"] == finer
        assert batch.accepted["amount"].to_pylist() == [whole / scale for whole in exact]


def test_a_float32_amount_is_the_decimal_that_it_was_written_as():
    batch = canonical({"amount": pa.array([57.16, 0.1, 1234.56], pa.float32())})
    assert batch.accepted["amount_minor"].to_pylist() == [5716, 10, 123456]
    assert batch.counts["amounts_rounded"] == 0


@pytest.mark.parametrize(
    ("text", "minor"),
    [("$134.09", 13409), ("$1,234.50", 123450), ("12 $", 1200), ("7", 700), ("$ 0.005", 0), ("+$3", 300)],
)
def test_currency_text_reads_exactly(text: str, minor: int):
    keys = {"column": "amount", "currency": "$", "thousands": ","}
    assert canonical({"amount": [text]}, amount=keys).accepted["amount_minor"].to_pylist() == [minor]


@pytest.mark.parametrize("text", ["$12,34", "12.50.1", "€5", "$$5", "1,2345", "$", "--5", "5e3", ""])
def test_currency_text_with_two_readings_or_none_is_refused(text: str):
    keys = {"column": "amount", "currency": "$", "thousands": ","}
    assert canonical({"amount": [text]}, amount=keys).rejected.tolist() == [0]


def test_a_refund_is_its_absolute_value_and_a_category_where_the_preset_says_so():
    keys = {"column": "amount", "currency": "$", "refund": "is_refund"}
    batch = canonical({"amount": ["$-99.00", "-$1.25", "$4.00"]}, amount=keys)
    assert batch.accepted["amount_minor"].to_pylist() == [9900, 125, 400]
    assert batch.accepted["is_refund"].to_pylist() == ["true", "true", "false"]
    assert batch.counts["refunds"] == 2


moments = st.datetimes(datetime.fromisoformat("1995-01-01"), datetime.fromisoformat("2090-01-01"))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.lists(st.tuples(moments, offsets | st.none()), min_size=1, max_size=15))
@settings(max_examples=60, deadline=None)
def test_times_with_and_without_zone_equal_pythons_own(stamps):
    zoned = [moment.replace(tzinfo=zone or UTC) for moment, zone in stamps]
    text = [moment.replace(tzinfo=zone).isoformat() for moment, zone in stamps]
    expected = [(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for moment in zoned]
    batch = canonical({"when": text})
    assert times(batch) == expected
    assert batch.counts["naive_times"] == sum(zone is None for _, zone in stamps)


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("us", "Asia/Tokyo"), pa.timestamp("s"), pa.date32()])
def test_typed_times_are_read_in_any_unit(kind: pa.DataType):
    days = 19_800
    column = (
        pa.array([days], pa.int32())
        .cast(pa.date32())
        .cast(pa.timestamp("us", kind.tz if hasattr(kind, "tz") else None))
    )
    assert times(canonical({"when": column.cast(kind)})) == [days * DAY]


def test_naive_times_are_read_in_the_presets_zone():
    keys = {"column": "when", "timezone": "Europe/Brussels"}
    batch = canonical({"when": ["2024-01-01 01:00:00", "2024-07-01 02:00:00"]}, event_time=keys)
    assert times(batch) == [1_704_067_200_000_000, 1_719_792_000_000_000]


@pytest.mark.parametrize(
    ("unit", "step"), [("s", 10**6), ("h", 3600 * 10**6), ("d", DAY), ("30d", 30 * DAY), ("ms", 1000), ("us", 1)]
)
def test_an_elapsed_clock_counts_from_its_origin(unit: str, step: int):
    keys = {"kind": "elapsed", "column": "when", "unit": unit, "origin": "2020-02-28"}
    origin = 1_582_848_000_000_000
    for column in (pa.array([0, 7]), pa.array(["0", "7"]), pa.array([0.0, 7.0])):
        assert times(canonical({"when": column}, event_time=keys)) == [origin, origin + 7 * step]


def test_a_date_in_parts_is_put_together_and_an_impossible_one_refused():
    keys = {"kind": "parts", "year": "y", "month": "m", "day": "d", "time": "t"}
    columns = {
        "y": [2024] * 4,
        "m": [2, 2, 13, 1],
        "d": ["29", "30", "1", "5"],
        "t": ["6:21", "06:21", "00:00", "25:00"],
    }
    batch = canonical(columns, event_time=keys)
    assert times(batch) == [1_709_187_660_000_000]
    assert batch.rejected.tolist() == [1, 2, 3]


def test_labels_become_available_after_the_delay_where_the_data_does_not_say():
    stamp = pa.array([MOMENT + DAY, None]).cast(pa.timestamp("us", "UTC"))
    keys = {"label_available_at": {"column": "known"}}
    batch = canonical({"fraud": [1, 0], "known": stamp}, delay=7 * DAY, **keys)
    assert batch.accepted["label_available_at"].cast(pa.int64()).to_pylist() == [MOMENT + DAY, MOMENT + 7 * DAY]


def test_as_of_hides_later_rows_and_labels_not_yet_known():
    stamps = pa.array([MOMENT, MOMENT + DAY, MOMENT + 2 * DAY, MOMENT + 3 * DAY]).cast(pa.timestamp("us", "UTC"))
    batch = canonical({"when": stamps, "fraud": [1, 0, 1, 0]}, delay=DAY, as_of=MOMENT + 2 * DAY)
    assert batch.accepted["label"].to_pylist() == [1, 0, None]
    assert batch.accepted["label_available_at"].null_count == 1
    assert batch.after_as_of == 1
    assert batch.counts["fraud_labels_not_yet_available"] == 1


def test_rows_after_as_of_are_not_judged():
    stamps = pa.array([MOMENT, MOMENT + DAY]).cast(pa.timestamp("us", "UTC"))
    batch = canonical({"when": stamps, "amount": [1.0, -1.0]}, as_of=MOMENT)
    assert (batch.accepted.num_rows, len(batch.rejected), batch.after_as_of) == (1, 0, 1)


def test_every_fault_of_a_row_is_named():
    batch = canonical({"when": ["never"], "amount": ["-5"], "fraud": ["perhaps"]})
    assert [reason.split(":")[0] for reason in batch.reasons.to_pylist()[0]] == ["event_time", "label", "amount"]


def test_an_amount_that_is_not_a_number_is_told_as_such_in_a_typed_column_too():
    batch = canonical({"amount": [float("nan"), float("inf"), -1.0]})
    assert batch.reasons.to_pylist() == [["amount: must be a finite number ≥ 0"]] * 3


def test_a_refund_finer_than_a_minor_unit_has_no_sign_left():
    batch = canonical({"amount": ["-0.126", "-0.125"]}, amount={"column": "amount", "refund": "is_refund"})
    assert batch.accepted["amount_minor"].to_pylist() == [13, 12]


def test_rows_keep_their_places_in_the_source_whatever_is_left_out_before_them():
    stamps = pa.array([MOMENT + DAY, MOMENT, MOMENT + DAY, MOMENT]).cast(pa.timestamp("us", "UTC"))
    batch = canonical({"when": stamps, "amount": [1, -1, -1, 1]}, as_of=MOMENT)
    assert (batch.kept.tolist(), batch.rejected.tolist(), batch.after_as_of) == ([3], [1], 2)
    assert batch.accepted["transaction_id"].to_pylist() == [3]


early = ["2024-03-01", "2024-03-09T10:00:00+02:00", "never", ""]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([*early, "2024-03-20"]), st.sampled_from(["-1", "0", "1"])), min_size=1))
def test_rows_after_as_of_might_as_well_not_be_there(rows):
    rows = [("2024-03-01", "2"), *rows]
    kept = [place for place, (when, _) in enumerate(rows) if when in early]
    whole, part = (
        canonical(dict(zip(("when", "amount"), zip(*some, strict=True), strict=True)), as_of=MOMENT)
        for some in (rows, [rows[place] for place in kept])
    )
    assert whole.accepted.drop_columns("transaction_id").equals(part.accepted.drop_columns("transaction_id"))
    assert (whole.reasons, whole.counts) == (part.reasons, part.counts)
    assert whole.rejected.tolist() == [kept[place] for place in part.rejected]


def test_a_masked_month_keeps_its_rows_and_loses_its_labels():
    masks = [{"reason": "never labelled", "months": ["2024-03"]}]
    batch = canonical({"when": ["2024-03-31", "2024-04-01"], "fraud": [0, 0]}, masks=masks)
    assert batch.accepted["label"].to_pylist() == [None, 0]
    assert batch.counts["labels_masked: never labelled"] == 1


def test_an_id_of_parts_is_null_where_a_part_that_it_needs_is():
    parts = [{"column": "a"}, {"column": "b", "optional": True}]
    columns = {"a": [1.0, 2.0, None], "b": ["x", None, "z"]}
    batch = canonical(columns, entities={"card_id": {"parts": parts}})
    assert batch.accepted["card_id"].to_pylist() == ["1_x", "2_", None]


def test_missing_values_of_numbers_and_categories_follow_the_preset():
    numeric = [{"columns": ["x"], "missing": [-1]}, {"columns": ["y"], "missing_below": 0}]
    categorical = [{"columns": ["z"], "missing": ["?"], "whole_numbers": True}]
    columns = {"x": ["-1", "-2", "NA"], "y": [-0.5, 0.0, float("nan")], "z": ["?", "7.0", " b "]}
    batch = canonical(columns, numeric=numeric, categorical=categorical).accepted
    np.testing.assert_array_equal(batch["x"].to_numpy(), [np.nan, -2, np.nan])
    np.testing.assert_array_equal(batch["y"].to_numpy(), [np.nan, 0, np.nan])
    assert batch["z"].to_pylist() == [None, "7", "b"]
