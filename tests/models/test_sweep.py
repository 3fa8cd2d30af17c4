import numpy as np
import pytest
from pydantic import ValidationError

from models.losses import LossSettings
from models.network import network_architecture
from models.rows import RowArrays, taken_rows
from models.sweep import Setting, SweepConfig, fit_sweep, sweep_notes, sweep_settings
from models.training.loop import TrainConfig
from tests.fixtures.made_rows import CARDINALITIES, made_rows, made_scaling

TRAIN, VALID = made_rows(600, seed=1), made_rows(300, seed=2)
CONFIG = TrainConfig(epochs=1, batch_size=128, threads=1, device="cpu")


def swept(train=TRAIN, *, config=CONFIG, chosen=None, fitted=None, soft_labels=None, **keywords):
    return fit_sweep(
        train,
        VALID,
        architecture=network_architecture(made_scaling(TRAIN), cardinalities=CARDINALITIES),
        sweep=SweepConfig(**keywords),
        config=config,
        chosen=chosen,
        fitted=fitted,
        soft_labels=soft_labels,
    )


def test_the_default_grid_holds_every_pair_and_the_column_form_at_each_smoothing():
    settings = sweep_settings(SweepConfig(), prevalence=0.018)
    assert len(settings) == 20
    guide = [each for each in settings if each.guide]
    assert [each.loss.smoothing for each in guide] == [0, 0.05, 0.1, 0.15, 0.2]
    assert {(each.loss.weighting, each.class_weight) for each in guide} == {("column", "balanced")}
    assert guide[0].loss.ratio == pytest.approx(0.982 / 0.018)


def test_a_column_weighted_grid_already_holds_them():
    settings = sweep_settings(SweepConfig(weighting="column"), prevalence=0.018)
    assert len(settings) == 15
    assert not any(each.guide for each in settings)


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


def test_repeats_cover_the_grid_and_the_guide_is_there_once():
    settings = sweep_settings(SweepConfig(smoothing=(0.0, 0.1), class_weight=("none",), repeats=3), prevalence=0.1)
    assert [each.repeat for each in settings if not each.guide] == [0, 0, 1, 1, 2, 2]
    assert [each.repeat for each in settings if each.guide] == [0, 0]


@pytest.mark.parametrize(
    ("smoothing", "weight", "expected"),
    [
        (0.1, "sqrt", [("sqrt", 0.0), ("sqrt", 0.05), ("sqrt", 0.1), ("sqrt", 0.15)]),
        (0.05, "sqrt", [("sqrt", 0.0), ("sqrt", 0.05), ("sqrt", 0.1), ("none", 0.0)]),
        (0.2, "balanced", [("balanced", 0.0), ("balanced", 0.15), ("balanced", 0.2), ("sqrt", 0.0)]),
        (0.0, "none", [("none", 0.0), ("none", 0.05), ("sqrt", 0.0), ("balanced", 0.0)]),
        (0.07, "none", [("none", 0.0), ("none", 0.05), ("none", 0.07), ("none", 0.1)]),
    ],
)
def test_a_recheck_tries_the_chosen_setting_its_neighbours_and_no_smoothing(smoothing, weight, expected):
    chosen = Setting(weight, LossSettings(smoothing, 3.0))
    settings = sweep_settings(SweepConfig(mode="recheck"), prevalence=0.1, chosen=chosen)
    assert [(each.class_weight, each.loss.smoothing) for each in settings] == expected
    assert not any(each.guide for each in settings)
    ratios = {"none": 1.0, "sqrt": 3.0, "balanced": 9.0}
    assert [each.loss.ratio for each in settings] == pytest.approx([ratios[name] for name, _ in expected])


def test_a_recheck_without_a_chosen_setting_is_a_full_sweep():
    assert len(sweep_settings(SweepConfig(mode="recheck"), prevalence=0.1)) == 20


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


def test_rows_without_a_label_teach_nothing():
    label = TRAIN.label.copy()
    label[::2] = np.nan
    half = RowArrays(TRAIN.numeric, TRAIN.categorical, label, TRAIN.weight, TRAIN.time)
    odd = taken_rows(TRAIN, np.arange(1, 600, 2))
    soft = TRAIN.label * 0.5 + 0.2
    options = {"smoothing": (0.0,), "class_weight": ("none",)}
    one, two = swept(half, soft_labels=soft, **options), swept(odd, soft_labels=soft[1::2], **options)
    assert one.prevalence == two.prevalence
    np.testing.assert_array_equal(one.fits[0].valid_margins, two.fits[0].valid_margins)


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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"smoothing": (0.0, 1.0)}, r"every smoothing must be in \[0, 1\) in torch's sense, got \[1.0\]"),
        ({"smoothing": (0.5,), "convention": "non_target"}, r"got \[0.5\] \(non_target\)"),
        ({"smoothing": (0.1, 0.1)}, "smoothing must not repeat a value"),
        ({"smoothng": (0.1,)}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_grids_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        SweepConfig(**wrong)


def test_a_fold_of_one_class_is_refused():
    legitimate = taken_rows(TRAIN, np.flatnonzero(TRAIN.label == 0))
    with pytest.raises(ValueError, match="train must hold both classes, got 0 frauds"):
        swept(legitimate)
