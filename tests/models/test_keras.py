"""The Keras pattern of the guide: `CategoricalCrossentropy(label_smoothing=ε)` is our loss without class weights."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest
import torch

from models.losses import LossSettings, loss_table, smoothed_cross_entropy, target_probabilities


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.1, 0.2])
def test_unweighted_loss_is_kerass_categorical_crossentropy(smoothing):
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, size=(64, 2)).astype(np.float32)
    labels = rng.integers(0, 2, size=64)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)(
        np.eye(2, dtype=np.float32)[labels], logits
    )
    table = loss_table([LossSettings(smoothing)], prevalence=0.5, device=torch.device("cpu"))
    targets = target_probabilities(torch.from_numpy(labels))
    ours = smoothed_cross_entropy(torch.from_numpy(logits)[None], targets, table, denominator=64)
    assert float(ours[0]) == pytest.approx(float(theirs), abs=1e-6)
