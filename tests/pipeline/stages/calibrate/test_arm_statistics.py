"""The statistics of comparison.parquet on weighted rows."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from evaluation.selection import sweep_statistics
from pipeline.stages.calibrate.arm_statistics import arm_statistics

RNG = np.random.default_rng(1)
P = RNG.beta(0.5, 2, 3_000)
Y = (RNG.random(3_000) < P).astype(float)


def test_weights_of_one_give_the_statistics_of_the_sweep_table_bit_for_bit():
    assert arm_statistics(Y, P, bins=15, weight=np.ones(3_000)) == sweep_statistics(Y, P, bins=15)


def test_rows_count_by_their_weight():
    weight = np.where(Y > 0.5, 1.6, 1.0)
    found = arm_statistics(Y, P, bins=15, weight=weight)
    assert found["log_loss"] == pytest.approx(log_loss(Y, P, sample_weight=weight))
    assert found["roc_auc"] == pytest.approx(roc_auc_score(Y, P, sample_weight=weight))
    assert found["average_precision"] == pytest.approx(average_precision_score(Y, P, sample_weight=weight))
    assert found["precision_at_half"] == pytest.approx(np.average(Y[P >= 0.5], weights=weight[P >= 0.5]))
