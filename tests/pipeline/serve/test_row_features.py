import math
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.windows.window_table import window_features
from pipeline.serve.row_features import BEYOND, RowFeatures
from tests.fixtures.serving import SPEC, some_rows, table_of_values

OWN = SPEC.selected([column.name for column in SPEC.columns if not column.entity])
FEATURES = RowFeatures(OWN, ("card_id", "merchant_id"))
NOTHING = np.empty(0, np.float32)
NUMBERS = st.one_of(st.none(), st.floats(allow_infinity=False), st.sampled_from([BEYOND, -BEYOND, 3.4028235e38, 1e-46]))


@given(balance=NUMBERS, minor=st.integers(0, 2**40), moment=st.integers(0, 2**52))
def test_columns_of_the_row_itself_have_the_bits_of_the_table(balance, minor, moment):
    own = {"balance": balance, "event_time": moment, "amount_minor": minor, "amount": minor / 100}
    row = some_rows(1)[0] | own
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numbers, texts = FEATURES.numbers(row, NOTHING), FEATURES.texts(row)
    table = window_features(table_of_values([row]), spec=OWN, threads=1)
    expected = np.array([table[name].cast(pa.float32())[0].as_py() for name in OWN.numeric], np.float32)
    expected = np.where(np.isnan(numbers[0]) & np.isnan(expected), numbers[0], expected)
    assert numbers[0].tobytes() == expected.tobytes()
    assert [text[0, 0] for text in texts.values()] == [table[name].fill_null("")[0].as_py() for name in OWN.categorical]


def test_answers_go_to_the_places_of_their_columns_wherever_these_are():
    names = [*SPEC.names[20:25], "hour", *SPEC.names[30:33], "amount"]
    mixed = SPEC.model_copy(update={"columns": tuple(c for n in names for c in SPEC.columns if c.name == n)})
    features = RowFeatures(mixed, ("card_id", "merchant_id"))
    found = features.numbers(some_rows(1)[0], np.arange(8, dtype=np.float32))
    assert found[0, [0, 1, 2, 3, 4, 6, 7, 8]].tolist() == [*range(8)]
    assert RowFeatures(SPEC, ()).numbers(some_rows(1)[0], np.zeros(121, np.float32)).shape == (1, len(SPEC.numeric))


def test_what_a_log_keeps_gives_the_same_columns_again():
    for row in some_rows(30):
        kept = FEATURES.kept(row)
        assert {*kept} == {"transaction_id", "balance", "channel", "merchant_id"}
        again = FEATURES.told(kept, row["event_time"], row["amount_minor"])
        assert np.array_equal(FEATURES.numbers(again, NOTHING), FEATURES.numbers(row, NOTHING), equal_nan=True)
        assert FEATURES.named(FEATURES.numbers(again, NOTHING), FEATURES.texts(again)).keys() == {*OWN.names}


def test_a_missing_number_or_text_has_a_name_and_no_value():
    row = some_rows(1)[0] | {"balance": math.nan, "channel": None, "merchant_id": None}
    named = FEATURES.named(FEATURES.numbers(row, NOTHING), FEATURES.texts(row))
    assert [named[name] for name in ("balance", "channel", "merchant_id")] == [None, None, None]
    assert named["amount"] == pytest.approx(row["amount"])


def test_a_row_without_a_label_column_has_none():
    row = {name: value for name, value in some_rows(1)[0].items() if not name.startswith("label")}
    assert FEATURES.event(row).label is None
    assert FEATURES.event(row).ids == [row["card_id"], row["merchant_id"]]
