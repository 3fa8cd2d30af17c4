import numpy as np
import pytest
from scipy.special import expit

from models.losses import LossSettings
from models.network import Architecture
from models.sweep import Sweep
from models.sweep_settings import Setting
from models.training.loop import Fit
from pipeline.stages.train.unsmoothed import unsmoothed_evidence

RNG = np.random.default_rng(0)
MARGINS = RNG.normal(-3, 2, 3000)
LABELS = (RNG.random(3000) < expit(MARGINS)).astype(np.float32)


def sweep(*losses):
    architecture = Architecture(knots=((),), center=(0.0,), scale=(1.0,))
    settings = tuple(Setting("none", loss) for loss in losses)
    fits = tuple(Fit({}, MARGINS + 5 * place, 0.9, 1, (), ()) for place in range(len(settings)))
    return Sweep(architecture, 0.1, settings, fits, ())


def test_the_evidence_is_of_the_setting_without_smoothing_and_weights_wherever_it_stands():
    # as in a recheck of a champion with weights, whose own settings come first
    found = unsmoothed_evidence(sweep(LossSettings(0.0, 7.4), LossSettings(), LossSettings(0.1)), LABELS, bins=15)
    p = expit(MARGINS + 5)
    assert found.metrics["unsmoothed_valid_brier"] == pytest.approx(np.mean((p - LABELS) ** 2))
    expected = -np.mean(LABELS * np.log(p) + (1 - LABELS) * np.log1p(-p))
    assert found.metrics["unsmoothed_valid_log_loss"] == pytest.approx(expected)
    assert found.line.startswith(
        f"ε = 0 on valid, without class weights: Brier {np.mean((p - LABELS) ** 2):.5f}, ECE 0."
    )
    assert found.png.startswith(b"\x89PNG")


def test_a_sweep_without_that_setting_is_no_evidence():
    assert unsmoothed_evidence(sweep(LossSettings(0.0, 7.4), LossSettings(0.1)), LABELS, bins=15) is None
