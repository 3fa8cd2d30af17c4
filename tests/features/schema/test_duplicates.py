import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.schema.duplicates import (
    DIFFERENT,
    IDENTICAL,
    KEPT,
    LABELLED,
    LABELS_DISAGREE,
    REPLACED,
    duplicate_reasons,
    id_keys,
    lost_frauds,
    replaced_reasons,
    suspects,
)


def reasons(*rows):
    columns = zip(*rows, strict=True)
    return duplicate_reasons(pa.table(dict(zip(("transaction_id", "amount", "label"), columns, strict=True)))).tolist()


def test_of_identical_rows_the_first_stays():
    assert reasons(("a", 1, 0), ("b", 1, 0), ("a", 1, 0), ("a", 1, 0)) == [KEPT, KEPT, IDENTICAL, IDENTICAL]


def test_of_rows_that_differ_none_stays():
    assert reasons(("a", 1, 0), ("a", 2, 0), ("a", 1, 0), ("b", 1, 0)) == [DIFFERENT, DIFFERENT, DIFFERENT, KEPT]


def test_rows_that_disagree_on_the_label_are_told_apart_from_others():
    assert reasons(("a", 1, 0), ("a", 1, 1)) == [LABELS_DISAGREE] * 2
    assert reasons(("a", 1, 0), ("a", 2, None)) == [DIFFERENT] * 2


def test_a_label_that_came_later_is_no_conflict():
    assert reasons(("a", 1, None), ("b", 1, 0), ("a", 1, 1), ("a", 1, None)) == [LABELLED, KEPT, KEPT, LABELLED]
    assert reasons(("a", 1, None), ("a", 1, 1), ("a", 1, 0)) == [LABELS_DISAGREE] * 3


@pytest.mark.parametrize(("keep", "stays"), [("first", [0, 3]), ("last", [3, 4])])
def test_of_several_rows_the_one_that_the_preset_names_counts(keep, stays):
    ids = pa.array(["a", "a", "a", "b", "a"])
    found = replaced_reasons(ids, np.zeros(5, np.int64), keep=keep)
    assert np.flatnonzero(found == KEPT).tolist() == stays
    assert set(found) == {KEPT, REPLACED}


def test_the_kind_of_a_row_goes_before_its_place():
    ids, clearing_first = pa.array(["a", "a", "b"]), np.array([1, 0, 0])
    assert replaced_reasons(ids, clearing_first, keep="last").tolist() == [KEPT, REPLACED, KEPT]


def test_a_fraud_that_went_is_counted_once_and_only_where_none_stays():
    ids, labels = pa.array(["a", "a", "b", "b", "c"]), pa.array([1, 0, 1, 1, 1], pa.int8())
    reasons = np.array([REPLACED, KEPT, REPLACED, KEPT, KEPT], object)
    assert lost_frauds(ids, labels, reasons) == 1


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
