"""The teacher of the ablation's distillation: the booster's word on rows it did not learn from.

A booster knows the labels of its own rows, and a student of such a teacher learns them by heart at second hand. So
train is cut into blocks of time, and what is taught of a block comes from a booster fitted on the others.
"""

import numpy as np
from scipy.special import expit

from evaluation.selection import time_blocks
from models.boosting import LabelledMatrix, fit_booster
from models.encoded_booster import Boosted
from models.options import BoostingConfig, TrainConfig
from models.rows import Float64s
from models.task import Task


def teacher_probabilities(
    task: Task, boosted: Boosted, *, boosting: BoostingConfig, training: TrainConfig, floor: float
) -> Float64s:
    """P(fraud) [N] of the rows of train, each by a booster that was fitted on the other blocks of time.

    Args:
        task: labelled rows; those of valid stop every booster.
        boosted: the booster that ships, whose columns, settings and loss the others share.
        boosting: [boosting]; `blocks` says how many there are.
        training: [train], threads resolved.
        floor: where the inverse of the loss goes on as a tail.

    Raises:
        InputError: the rows outside a block lack a class.
    """
    train, valid, columns = task.train, task.valid, boosted.train_columns
    on_valid = boosted.inputs.columns(valid)
    block = time_blocks(train.time, folds=boosting.blocks)
    taught = np.empty(len(train.label))
    for held in np.unique(block):
        out = block == held
        booster = fit_booster(
            LabelledMatrix(columns[~out], train.label[~out], train.weight[~out]),
            LabelledMatrix(on_valid, valid.label, valid.weight),
            columns=boosted.booster.columns,
            config=boosting,
            training=training,
            loss=boosted.booster.loss,
        )
        margins = booster.margins(columns[out], threads=training.threads)
        taught[out] = expit(booster.log_odds(margins, floor=floor))
    return taught
