import pyarrow as pa
import pytest

from features.schema.column_types import unfit

TIME, DAY, MOMENT = pa.time64("us"), pa.date32(), pa.timestamp("ns", "UTC")


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_binary(), pa.string_view(), pa.null(), pa.dictionary(pa.int8(), pa.string())],
)
@pytest.mark.parametrize("role", ["amount", "event_time", "event_time.time", "label", "card_id", "category"])
def test_text_fits_every_role(role, kind):
    assert unfit(role, kind) == ""


@pytest.mark.parametrize(
    ("role", "kind", "must_hold"),
    [
        ("amount", pa.bool_(), "numbers"),
        ("amount", DAY, "numbers"),
        ("amount", pa.decimal128(38, 18), ""),
        ("amount", pa.list_(pa.float64()), "plain values"),
        ("event_time", TIME, "times"),
        ("event_time", pa.bool_(), "times"),
        ("event_time", DAY, ""),
        ("event_time.time", TIME, ""),
        ("event_time.time", pa.int32(), ""),
        ("event_time.time", MOMENT, "times of day"),
        ("label", pa.bool_(), ""),
        ("label", MOMENT, "labels"),
        ("card_id", pa.uuid(), ""),
        ("card_id", pa.binary(16), ""),
        ("card_id", pa.decimal128(38, 0), ""),
        ("card_id", pa.bool_(), "ids"),
        ("card_id", MOMENT, "ids"),
        ("category", pa.bool_(), ""),
        ("category", pa.duration("s"), "plain values"),
        ("category", pa.struct([("a", pa.int8())]), "plain values"),
        ("amount", pa.run_end_encoded(pa.int32(), pa.float64()), ""),
    ],
)
def test_a_type_fits_what_the_column_is_to_be(role, kind, must_hold):
    assert unfit(role, kind) == must_hold
