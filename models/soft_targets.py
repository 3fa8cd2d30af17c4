"""A head's weighted, smoothed loss for learners that know cross-entropy alone: soft labels and row weights."""

from dataclasses import dataclass

import numpy as np
import torch

from models.errors import InputError
from models.losses import LossSettings, loss_table, target_coefficients, target_probabilities
from models.rows import Float64s, Floats


@dataclass(frozen=True)
class SoftTargets:
    """A head's loss as labels [N] in [0, 1] and row weights [N] of a plain cross-entropy."""

    label: Float64s
    weight: Float64s


def soft_targets(labels: Floats, settings: LossSettings, *, prevalence: float) -> SoftTargets:
    """What a learner that knows only −t log p − (1 − t) log(1 − p) must be given to minimise `settings`.

    With the coefficients c_k of `target_coefficients`, Σ_k c_k (−log p_k) is (c_0 + c_1) times the cross-entropy of
    t = c_1 / (c_0 + c_1): the same function of p, so the same inverse leads back.

    Args:
        labels: P(fraud) [N], 0 and 1 for hard labels.
        settings: the loss.
        prevalence: fraud rate of train, which scales the class weights.

    Raises:
        InputError: the loss is focal, whose factor (1 − p)^γ no label can stand for.
    """
    if settings.gamma > 0:
        raise InputError(
            f"soft labels can stand for smoothing and weights, not for focal loss, got γ = {settings.gamma:g}"
        )
    table = loss_table([settings], prevalence=prevalence, device=torch.device("cpu"))
    target_NK = target_probabilities(torch.from_numpy(np.asarray(labels, dtype=np.float32)))
    coefficient_NK = target_coefficients(target_NK, table)[0].double().numpy()
    weight = coefficient_NK.sum(axis=1)
    return SoftTargets(coefficient_NK[:, 1] / weight, weight)
