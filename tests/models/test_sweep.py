import numpy as np
import pytest

from models.losses import LossSettings
from models.network import network_architecture
from models.options import SweepConfig, TrainConfig
from models.rows import taken_rows
from models.sweep import fit_sweep, sweep_notes
from models.sweep_settings import Setting, sweep_settings
from models.task import labelled_task
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(600, seed=1), made_rows(300, seed=2)
CONFIG = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")


def swept(train=TRAIN, *, chosen=None, fitted=None, **keywords):
    architecture = network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES)
    task = labelled_task(train, VALID, architecture=architecture)
    return fit_sweep(task, sweep=SweepConfig(**keywords), config=CONFIG, chosen=chosen, fitted=fitted)


def test_the_unsmoothed_setting_is_always_there():
    sweep = swept(smoothing=(0.1, 0.2), class_weight=("sqrt",))
    for index in range(2):
        twin = sweep.settings[sweep.twin(index)]
        assert (twin.loss.epsilon, twin.class_weight) == (0, "sqrt")


def test_settings_that_are_one_function_share_one_fit():
    sweep = swept(smoothing=(0.0, 0.1), class_weight=("none", "balanced"))
    fits = {
        (each.class_weight, each.loss.weighting, each.loss.smoothing): fit
        for each, fit in zip(sweep.settings, sweep.fits, strict=True)
    }
    assert fits["balanced", "example", 0.0] is fits["balanced", "column", 0.0]
    assert fits["balanced", "example", 0.1] is not fits["balanced", "column", 0.1]


def test_valid_margins_are_of_the_labelled_rows_of_valid_in_order():
    for fit in swept(smoothing=(0.0,), class_weight=("none",)).fits:
        assert fit.valid_margins.shape == (300,)
        assert fit.valid_margins.dtype == np.float64


def test_settings_fitted_earlier_are_taken_and_the_rest_is_what_it_would_have_been():
    options = {"smoothing": (0.0, 0.1), "class_weight": ("none", "balanced")}
    before = swept(smoothing=(0.0,), class_weight=("none", "balanced"))
    in_two, at_once = swept(fitted=before, **options), swept(**options)
    assert in_two.settings == at_once.settings
    assert in_two.fits[0] is before.fits[0]
    for one, two in zip(in_two.fits, at_once.fits, strict=True):
        np.testing.assert_allclose(one.valid_margins, two.valid_margins, atol=2e-4)


def test_settings_fitted_on_other_rows_are_refused():
    before = swept(taken_rows(TRAIN, np.arange(500)), smoothing=(0.0,))
    with pytest.raises(
        ValueError, match="same architecture and train fold only, got the same architecture and a fraud"
    ):
        swept(fitted=before)


def test_much_smoothing_on_few_rows_is_noted():
    few = taken_rows(TRAIN, np.arange(400))
    assert "label smoothing up to 0.1 on 400 training rows" in swept(few, smoothing=(0.0, 0.1)).notes[0]
    assert swept(few, smoothing=(0.0, 0.05)).notes == ()
    assert swept(smoothing=(0.0, 0.1)).notes == ()


def test_smoothing_twice_is_noted():
    settings = sweep_settings(SweepConfig(), prevalence=0.1)
    assert "smoothed twice" in sweep_notes(settings, rows=10_000, mixup=0.4)[0]
    assert sweep_notes(settings, rows=10_000, mixup=0.3) == ()


def test_smoothing_tuned_without_the_class_weight_is_noted_but_not_in_a_recheck_of_both():
    alone = {"smoothing": (0.0, 0.1), "class_weight": ("sqrt",)}
    assert "smoothing was tried with one class weight (sqrt) only" in swept(**alone).notes[0]
    assert swept(smoothing=(0.0, 0.1), class_weight=("none", "sqrt")).notes == ()
    assert swept(smoothing=(0.0,), class_weight=("none",)).notes == ()
    chosen = Setting("sqrt", LossSettings(0.1, 3.0))
    assert swept(mode="recheck", chosen=chosen, **alone).notes == ()
