import numpy as np
import pytest

from models.rows import RowArrays, fraud_rate, labelled_rows, taken_rows


def rows(label, weight=None):
    size = len(label)
    numeric = np.arange(size, dtype=np.float32)[:, None]
    codes = np.arange(size, dtype=np.int32)[:, None]
    weight = np.ones(size, np.float32) if weight is None else np.asarray(weight, np.float32)
    return RowArrays(numeric, codes, np.asarray(label, np.float32), weight, np.arange(size))


def test_rows_without_a_label_or_without_weight_are_left_out_in_every_column():
    found = labelled_rows(rows([0, np.nan, 1, 1], weight=[1, 1, 0, 2]), name="train")
    for values in (found.numeric[:, 0], found.categorical[:, 0], found.time):
        assert values.tolist() == [0, 3]
    assert found.label.tolist() == [0, 1]


@pytest.mark.parametrize("label", [[0, 0, np.nan], [1, 1, np.nan]])
def test_one_class_is_refused_with_its_counts(label):
    with pytest.raises(ValueError, match=r"valid must hold both classes, got [02] frauds in 2 labelled rows of 3"):
        labelled_rows(rows(label), name="valid")


def test_a_label_that_is_neither_is_refused_and_counted():
    with pytest.raises(ValueError, match=r"labels of train must be 0 or 1 .*, got 2 others in 4 rows"):
        labelled_rows(rows([0, 1, 0.5, 2]), name="train")


def test_a_mask_and_the_places_it_names_take_the_same_rows():
    each = rows([0, 1, 0, 1])
    mask, places = taken_rows(each, np.array([True, False, False, True])), taken_rows(each, np.array([0, 3]))
    assert mask.time.tolist() == places.time.tolist() == [0, 3]
    assert taken_rows(each, np.array([3, 0])).time.tolist() == [3, 0]


def test_a_weight_of_two_counts_a_fraud_twice():
    assert fraud_rate(rows([0, 0, 1], weight=[1, 1, 2])) == fraud_rate(rows([0, 0, 1, 1])) == 0.5
