import pytest

from models.losses import LossSettings
from models.options import SweepConfig
from models.sweep_settings import Setting, sweep_settings


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


def test_repeats_cover_the_grid_and_the_guide_is_there_once():
    settings = sweep_settings(SweepConfig(smoothing=(0.0, 0.1), class_weight=("none",), repeats=3), prevalence=0.1)
    assert [each.repeat for each in settings if not each.guide] == [0, 0, 1, 1, 2, 2]
    assert [each.repeat for each in settings if each.guide] == [0, 0]


@pytest.mark.parametrize(
    ("smoothing", "weight", "expected"),
    [
        (0.1, "sqrt", [("sqrt", 0.0), ("sqrt", 0.05), ("sqrt", 0.1), ("sqrt", 0.15), ("none", 0.0)]),
        (0.05, "sqrt", [("sqrt", 0.0), ("sqrt", 0.05), ("sqrt", 0.1), ("none", 0.0), ("balanced", 0.0)]),
        (0.2, "balanced", [("balanced", 0.0), ("balanced", 0.15), ("balanced", 0.2), ("none", 0.0), ("sqrt", 0.0)]),
        (0.0, "none", [("none", 0.0), ("none", 0.05), ("sqrt", 0.0), ("balanced", 0.0)]),
        (0.07, "none", [("none", 0.0), ("none", 0.05), ("none", 0.07), ("none", 0.1), ("sqrt", 0.0)]),
    ],
)
def test_a_recheck_tries_the_chosen_setting_its_neighbours_and_no_smoothing(smoothing, weight, expected):
    chosen = Setting(weight, LossSettings(smoothing, 3.0))
    settings = sweep_settings(SweepConfig(mode="recheck"), prevalence=0.1, chosen=chosen)
    assert [(each.class_weight, each.loss.smoothing) for each in settings] == expected
    assert not any(each.guide for each in settings)
    ratios = {"none": 1.0, "sqrt": 3.0, "balanced": 9.0}
    assert [each.loss.ratio for each in settings] == pytest.approx([ratios[name] for name, _ in expected])


def test_smoothing_towards_the_prior_follows_the_fraud_rate_of_the_train_at_hand():
    config = SweepConfig(convention="prior")
    grid = sweep_settings(config, prevalence=0.018)
    assert {each.loss.prior for each in grid} == {0.018}
    chosen = Setting("none", LossSettings(0.1, 1.0, "example", "prior", prior=0.03))
    again = sweep_settings(config.model_copy(update={"mode": "recheck"}), prevalence=0.018, chosen=chosen)
    assert {each.loss.prior for each in again} == {0.018}


@pytest.mark.parametrize(("smoothing", "ratio", "plain"), [(0.0, 1.0, True), (0.0, 7.4, False), (0.1, 1.0, False)])
def test_plain_is_a_setting_without_smoothing_and_weights(smoothing, ratio, plain):
    assert Setting("none", LossSettings(smoothing, ratio)).plain is plain


def test_a_recheck_without_a_chosen_setting_is_a_full_sweep():
    assert len(sweep_settings(SweepConfig(mode="recheck"), prevalence=0.1)) == 20


def test_smoothing_zero_is_added_where_nobody_asked_for_it():
    settings = sweep_settings(SweepConfig(smoothing=(0.1,), class_weight=("sqrt",)), prevalence=0.1)
    assert [each.loss.smoothing for each in settings if not each.guide] == [0.0, 0.1]


@pytest.mark.parametrize(
    ("loss", "same"), [(LossSettings(0.0, 5.0), True), (LossSettings(0.1, 1.0), True), (LossSettings(0.1, 5.0), False)]
)
def test_weightings_are_one_fit_without_smoothing_or_without_weights(loss, same):
    other = LossSettings(loss.smoothing, loss.ratio, "column")
    assert (Setting("sqrt", loss).fitted_as == Setting("sqrt", other).fitted_as) == same
    assert Setting("sqrt", loss).fitted_as != Setting("sqrt", loss, repeat=1).fitted_as
