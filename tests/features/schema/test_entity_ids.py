import numpy as np
import pyarrow as pa
import pytest

from features.schema.entity_ids import entity_ids, keyed_hashes
from features.schema.source_columns import IdColumn
from features.times import DAY


def made_ids(spec, *, elapsed=None, **columns):
    arrays = {name.replace("_", "."): pa.array(values) for name, values in columns.items()}
    rows = len(next(iter(arrays.values())))
    elapsed = np.zeros(rows, np.int64) if elapsed is None else np.array(elapsed)
    return entity_ids(arrays, name="card", spec=IdColumn(**spec), elapsed=elapsed)


def test_parts_are_joined_and_only_an_optional_one_may_be_missing():
    parts = [{"column": "a"}, {"column": "b", "optional": True}]
    ids = made_ids({"parts": parts}, card_0=[1.0, 2.0, None], card_1=["x", None, "z"])
    assert ids.values.to_pylist() == ["1_x", "2_", None]


def test_a_part_in_days_before_the_event_becomes_the_day_it_names():
    parts = [{"column": "a"}, {"column": "d", "kind": "days_before"}]
    elapsed = [10 * DAY + 5, 12 * DAY - 1, 3 * DAY, 0]
    ids = made_ids({"parts": parts}, elapsed=elapsed, card_0=["7"] * 4, card_1=["3", "4", "NA", "x"])
    assert ids.values.to_pylist() == ["7_7", "7_7", None, None]
    assert {what: rows.tolist() for what, rows in ids.faults.items()} == {
        "card: must be made of a number of days": [False, False, False, True]
    }


def test_a_fault_of_any_part_counts():
    parts = [{"column": "a"}, {"column": "b"}]
    ids = made_ids({"parts": parts}, card_0=[0.5, 1.0, 1.0], card_1=[1.0, 0.5, 1.0])
    assert [rows.tolist() for rows in ids.faults.values()] == [[True, True, False]]


@pytest.mark.parametrize("optional", [False, True])
def test_without_a_needed_column_there_is_no_entity(optional):
    parts = [{"column": "a"}, {"column": "b", "optional": optional}]
    ids = made_ids({"parts": parts}, card_0=["x"])
    assert (ids is not None) == optional


def test_keyed_hashes_separate_cards_keep_nulls_and_need_the_key():
    cards = pa.array([4_111_111_111_111_111, None, 4_111_111_111_111_112, 4_111_111_111_111_111])
    hashes = keyed_hashes(cards, key=b"a secret of some length").to_pylist()
    assert hashes[0] == hashes[3] != hashes[2]
    assert hashes[1] is None
    assert hashes[0] != keyed_hashes(cards, key=b"another secret of length").to_pylist()[0]


def test_text_and_integer_ids_of_one_card_have_one_hash():
    text, number = pa.array(["596"]), pa.array([596])
    assert keyed_hashes(text, key=b"secret") == keyed_hashes(number, key=b"secret")
