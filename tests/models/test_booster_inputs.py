"""What the booster sees of a row beside what the encoder adds."""

import numpy as np

from models.booster_inputs import BoosterInputs, OneHot, PlainColumns, plain_columns
from models.shared_encoder import SharedEncoder
from tests.fixtures.made_rows import CARDINALITIES, NUMERIC, made_rows

ROWS = made_rows(200, seed=3)
NAMES = tuple("abcd"[:NUMERIC])


def test_each_code_of_a_small_category_is_a_column_and_each_row_has_one():
    small = OneHot("channel", 0, CARDINALITIES[0])
    found = small.columns(ROWS)
    assert found.shape == (200, CARDINALITIES[0])
    np.testing.assert_array_equal(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found.argmax(axis=1), ROWS.categorical[:, 0])


def test_columns_are_named_by_code_and_the_unknown_has_one():
    assert OneHot("channel", 2, 3).names == ("channel=0", "channel=1", "channel=2")


def test_a_category_of_more_codes_than_the_limit_is_not_shown():
    found = plain_columns(("amount",), ("merchant_id", "region", "channel"), (65, 64, 5), limit=64)
    assert found.one_hot == (OneHot("region", 1, 64), OneHot("channel", 2, 5))
    assert plain_columns(("amount",), ("channel",), (5,), limit=0).names == ("amount",)


def test_numbers_come_first_and_what_the_encoder_adds_last():
    plain = plain_columns(NAMES, ("x", "y"), CARDINALITIES, limit=max(CARDINALITIES))
    inputs = BoosterInputs(plain, SharedEncoder("none", {}, ()))
    matrix = inputs.columns(ROWS)
    assert matrix.shape == (200, len(inputs.names))
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix[:, :NUMERIC], ROWS.numeric)
    np.testing.assert_array_equal(matrix[:, -CARDINALITIES[1] :].argmax(axis=1), ROWS.categorical[:, 1])


def test_without_small_categories_the_numbers_are_all():
    np.testing.assert_array_equal(PlainColumns(NAMES).columns(ROWS), ROWS.numeric)
