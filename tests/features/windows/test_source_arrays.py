import numpy as np
import pyarrow as pa
import pytest

from features.windows.source_arrays import Source
from features.windows.workers import Workers
from tests.fixtures.random_tables import START, random_table, table_of, transaction


@pytest.fixture
def workers():
    with Workers(2) as workers:
        yield workers


def test_rows_are_ordered_by_time_and_ties_as_they_came(workers):
    source = Source(table_of([transaction(second, "a", 1, 1, 0, 0) for second in (3, 1, 3, 0)]), workers)
    assert source.order.tolist() == [3, 1, 0, 2]


def test_rows_that_are_in_order_already_need_no_order(workers):
    assert Source(table_of([transaction(second, "a", 1, 1, 0, 0) for second in (0, 3, 3)]), workers).order.size == 0


def test_ids_that_are_floats_are_refused(workers):
    table = random_table(np.random.default_rng(1))
    floats = table.set_column(2, "merchant_id", table["merchant_id"].cast(pa.float64()))
    with pytest.raises(ValueError, match="'merchant_id': ids must be strings or integers, got double"):
        Source(floats, workers).codes(("merchant_id",))


@pytest.mark.parametrize("strange", [2, -1])
def test_a_label_that_is_no_label_is_refused(strange, workers):
    table = random_table(np.random.default_rng(1))
    labels = pa.array([strange, None, *[0] * (table.num_rows - 2)], pa.int8())
    with pytest.raises(ValueError, match="'label': must be 0, 1 or null, got 1 other rows"):
        _ = Source(table.set_column(5, "label", labels), workers).label


def test_a_negative_or_missing_amount_is_refused(workers):
    table = table_of([transaction(0, "a", 1, minor, 0, 0) for minor in (-1, 5)])
    amounts = pa.array([-1, None], pa.int64())
    with pytest.raises(ValueError, match="'amount_minor': must be ≥ 0, got 1 negative and 1 null rows"):
        _ = Source(table.set_column(4, "amount_minor", amounts), workers).amount


def test_a_label_key_holds_the_moment_and_the_label(workers):
    rows = [transaction(0, "a", 1, 1, label, 5) for label in (0, 1, None)]
    keys = Source(table_of(rows), workers).label_keys(slice(0, 3))
    assert keys[:2].tolist() == [2 * (START + 5_000_000), 2 * (START + 5_000_000) + 1]
    assert keys[2] == np.iinfo(np.int64).min


def test_a_pair_has_a_code_where_both_ids_are_known(workers):
    rows = [
        transaction(0, card, shop, 1, 0, 0) for card, shop in (("a", 1), ("a", 2), ("a", 1), (None, 1), ("b", None))
    ]
    codes = Source(table_of(rows), workers).codes(("card_id", "merchant_id")).values
    assert codes[0] == codes[2] != codes[1]
    assert (codes[3:] == -1).all()


def test_what_the_entities_to_come_do_not_need_is_let_go(workers):
    source = Source(random_table(np.random.default_rng(1)), workers)
    for entity in (("card_id",), ("merchant_id",), ("card_id", "merchant_id")):
        source.groups(entity)
    source.forget(but=[("merchant_id",)], reads={"card_id", None})
    assert set(source.kept_codes) == set(source.kept_groups) == {("card_id",), ("merchant_id",)}
    source.forget(but=[("merchant_id",)], reads={"amount"})
    assert set(source.kept_codes) == set(source.kept_groups) == {("merchant_id",)}
