"""The teacher has not seen the labels of the rows that it teaches."""

from dataclasses import replace

import numpy as np
import pytest

from models.booster_inputs import plain_columns
from models.encoded_booster import fit_boosted
from models.losses import LossSettings
from models.network import network_architecture
from models.options import BoostingConfig, TrainConfig
from models.shared_encoder import HeadNetwork
from models.task import labelled_task
from pipeline.stages.train.distillation_teacher import teacher_probabilities
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(1_200, seed=1), made_rows(400, seed=2)
TASK = labelled_task(TRAIN, VALID, architecture=network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES))
BOOSTING = BoostingConfig(
    embedding="none", rounds=30, learning_rate=0.3, min_child_weight=0, reg_lambda=0, colsample=1, blocks=3
)
TRAINING = TrainConfig(threads=1, device="cpu")


def taught(task):
    plain = plain_columns(("a", "b", "c", "d"), ("x", "y"), CARDINALITIES, limit=7)
    head = HeadNetwork({}, LossSettings())
    boosted = fit_boosted(task, head=head, plain=plain, boosting=BOOSTING, training=TRAINING)
    found = teacher_probabilities(task, boosted, boosting=BOOSTING, training=TRAINING, floor=1e-3)
    return found, 1 / (1 + np.exp(-boosted.booster.margins(boosted.train_columns)))


def test_labels_of_a_block_change_nothing_of_what_is_taught_of_it():
    order = np.argsort(TASK.train.time, kind="stable")
    first = order[: len(order) // 3 - 1]
    label = TASK.train.label.copy()
    label[first] = 1 - label[first]
    flipped = replace(TASK, train=replace(TASK.train, label=label))
    (one, _), (other, _) = taught(TASK), taught(flipped)
    np.testing.assert_array_equal(one[first], other[first])
    assert (one[order[-400:]] != other[order[-400:]]).any()


def test_a_row_of_noise_is_not_known_by_heart():
    rng = np.random.default_rng(0)
    label = (rng.random(len(TASK.train.label)) < 0.3).astype(np.float32)
    out_of_sample, in_sample = taught(replace(TASK, train=replace(TASK.train, label=label)))
    assert np.corrcoef(in_sample, label)[0, 1] > 0.3
    assert np.corrcoef(out_of_sample, label)[0, 1] == pytest.approx(0, abs=0.1)
