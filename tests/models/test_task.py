import numpy as np
import pytest

from models.network import network_architecture
from models.rows import RowArrays, taken_rows
from models.task import labelled_task
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(600, seed=1), made_rows(300, seed=2)
ARCHITECTURE = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)


def task(train=TRAIN, valid=VALID):
    return labelled_task(train, valid, architecture=ARCHITECTURE)


def with_labels(rows, label):
    return RowArrays(rows.numeric, rows.categorical, label, rows.weight, rows.time)


def test_rows_without_a_label_are_left_out_of_both_folds_in_order():
    label = TRAIN.label.copy()
    label[::2] = np.nan
    known = np.where(np.arange(300) < 5, np.nan, VALID.label)
    found = task(train=with_labels(TRAIN, label), valid=with_labels(VALID, known))
    np.testing.assert_array_equal(found.train.time, TRAIN.time[1::2])
    np.testing.assert_array_equal(found.valid.time, VALID.time[5:])
    assert found.prevalence == pytest.approx(TRAIN.label[1::2].mean())


def test_the_task_up_to_a_time_holds_the_rows_up_to_it_and_their_fraud_rate():
    earlier = task().up_to(int(TRAIN.time[99]))
    np.testing.assert_array_equal(earlier.train.time, TRAIN.time[:100])
    assert earlier.prevalence == pytest.approx(TRAIN.label[:100].mean())
    assert len(earlier.valid.label) == 300


def test_the_prevalence_counts_each_row_by_its_weight():
    weight = np.where(TRAIN.label == 1, 3, 1).astype(np.float32)
    heavy = RowArrays(TRAIN.numeric, TRAIN.categorical, TRAIN.label, weight, TRAIN.time)
    frauds = TRAIN.label.sum()
    assert task(train=heavy).prevalence == pytest.approx(3 * frauds / (3 * frauds + 600 - frauds))


@pytest.mark.parametrize("fold", ["train", "valid"])
def test_a_fold_of_one_class_is_refused(fold):
    rows = {"train": TRAIN, "valid": VALID}[fold]
    legitimate = taken_rows(rows, np.flatnonzero(rows.label == 0))
    with pytest.raises(ValueError, match=f"{fold} must hold both classes, got 0 frauds"):
        task(**{fold: legitimate})


def test_a_beginning_of_one_class_is_refused():
    label = np.where(TRAIN.time < TRAIN.time[300], 0, TRAIN.label).astype(np.float32)
    with pytest.raises(ValueError, match="the earlier part of train must hold both classes"):
        task(train=with_labels(TRAIN, label)).up_to(int(TRAIN.time[200]))
