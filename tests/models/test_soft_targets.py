"""A head's loss as soft labels: the same function, the same optimum, and the same way back."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.boosting import LabelledMatrix, fit_booster
from models.losses import LossSettings, loss_table, smoothed_cross_entropy, target_probabilities
from models.options import BoostingConfig, TrainConfig
from models.soft_targets import soft_targets

LOSSES = [
    LossSettings(smoothing, ratio, weighting)
    for smoothing, ratio, weighting in itertools.product((0.0, 0.1), (1.0, 20.0), ("example", "column"))
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LOSSES), st.floats(0, 1), st.floats(-8, 8))
def test_the_weighted_cross_entropy_of_the_soft_label_is_the_loss_of_the_head(loss, label, margin):
    logits_SBK = torch.tensor([[[0.0, margin]]])
    head = smoothed_cross_entropy(
        logits_SBK,
        target_probabilities(torch.tensor([label])),
        loss_table([loss], prevalence=0.02, device=torch.device("cpu")),
        denominator=1,
    )
    soft = soft_targets(np.array([label]), loss, prevalence=0.02)
    alone = soft.weight[0] * (np.logaddexp(0, margin) - soft.label[0] * margin)
    assert alone == pytest.approx(float(head[0]), rel=1e-4, abs=1e-6)


def test_hard_labels_without_smoothing_or_weights_stay_as_they_are():
    soft = soft_targets(np.array([0.0, 1.0, 0.3]), LossSettings(), prevalence=0.3)
    np.testing.assert_allclose(soft.label, [0, 1, 0.3], atol=1e-7)
    np.testing.assert_allclose(soft.weight, 1)


@pytest.mark.parametrize("loss", LOSSES[1:])
def test_a_booster_on_soft_labels_finds_the_rate_of_each_cell_after_the_inverse(loss):
    # cells with known shares of fraud, and trees free enough to reach the optimum of every cell
    rates = np.array([0.02, 0.2, 0.5, 0.9])
    cell = np.repeat(np.arange(4), 1000).astype(np.float32)
    label = (np.tile(np.arange(1000), 4) < 1000 * rates[cell.astype(int)]).astype(np.float32)
    rows = LabelledMatrix(cell[:, None], label, np.ones(4000, dtype=np.float32))
    config = BoostingConfig(
        rounds=200, learning_rate=0.5, min_child_weight=0, reg_lambda=0, subsample=1, colsample=1, max_depth=3
    )
    booster = fit_booster(
        rows, rows, columns=["cell"], config=config, training=TrainConfig(seed=0, threads=1, device="cpu"), loss=loss
    )
    odds = booster.log_odds(booster.margins(np.arange(4, dtype=np.float32)[:, None]), floor=1e-3)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), rates, atol=2e-3)
    assert booster.loss == loss


def test_focal_loss_has_no_soft_label():
    with pytest.raises(ValueError, match="not for focal loss, got γ = 2"):
        soft_targets(np.array([0.0, 1.0]), LossSettings(gamma=2.0), prevalence=0.1)
