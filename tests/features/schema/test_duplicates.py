import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.schema.duplicates import DIFFERENT, IDENTICAL, KEPT, LABELS_DISAGREE, duplicate_reasons, id_keys, suspects


def reasons(*rows):
    columns = zip(*rows, strict=True)
    return duplicate_reasons(pa.table(dict(zip(("transaction_id", "amount", "label"), columns, strict=True)))).tolist()


def test_of_identical_rows_the_first_stays():
    assert reasons(("a", 1, 0), ("b", 1, 0), ("a", 1, 0), ("a", 1, 0)) == [KEPT, KEPT, IDENTICAL, IDENTICAL]


def test_of_rows_that_differ_none_stays():
    assert reasons(("a", 1, 0), ("a", 2, 0), ("a", 1, 0), ("b", 1, 0)) == [DIFFERENT, DIFFERENT, DIFFERENT, KEPT]


def test_rows_that_disagree_on_the_label_are_told_apart_from_others():
    assert reasons(("a", 1, 0), ("a", 1, 1)) == [LABELS_DISAGREE] * 2
    assert reasons(("a", 1, 0), ("a", 1, None)) == [DIFFERENT] * 2


@given(st.lists(st.integers(-3, 3)))
def test_suspects_are_the_rows_whose_key_another_row_has(keys):
    expected = [place for place, key in enumerate(keys) if keys.count(key) > 1]
    assert suspects(np.array(keys, np.int64)).tolist() == expected


@given(st.lists(st.text(max_size=3)))
def test_equal_ids_have_equal_keys_and_different_ones_do_not(ids):
    keys = id_keys(pa.chunked_array([pa.array(ids, pa.string())])).tolist()
    assert len(set(zip(ids, keys, strict=True))) == len(set(ids)) == len(set(keys))


def test_whole_numbers_are_their_own_keys():
    assert id_keys(pa.chunked_array([[7, -1], [2**62]])).tolist() == [7, -1, 2**62]
