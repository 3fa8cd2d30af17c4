import numpy as np
from scipy.special import expit

from evaluation.options import BootstrapSettings
from evaluation.report.temperature_section import temperature_table, temperature_verdict

RNG = np.random.default_rng(11)
TRUE = RNG.normal(-3, 1.5, 8000)
LABELS = (RNG.random(8000) < expit(TRUE)).astype(float)
ROUGH = TRUE + RNG.normal(0, 1.0, 8000)


def table(arms, *, fold="test", seed=1):
    return temperature_table(
        LABELS,
        arms,
        fold=fold,
        clusters=np.arange(8000),
        rng=np.random.default_rng(seed),
        settings=BootstrapSettings(resamples=200),
    )


def arms(*, plain, plain_scaled, smooth, smooth_scaled):
    return {
        (0.0, "none"): expit(plain),
        (0.0, "temperature"): expit(plain_scaled),
        (0.1, "none"): expit(smooth),
        (0.1, "temperature"): expit(smooth_scaled),
    }


def test_both_steps_help_where_each_repairs_something_of_its_own():
    verdict = temperature_verdict(
        table(arms(plain=2 * ROUGH, plain_scaled=0.8 * ROUGH, smooth=0.5 * TRUE, smooth_scaled=TRUE))
    )
    assert verdict.additive_benefit
    assert "both are kept" in verdict.reason


def test_scaling_adds_nothing_where_smoothing_left_nothing_to_repair():
    verdict = temperature_verdict(
        table(arms(plain=2 * ROUGH, plain_scaled=0.8 * ROUGH, smooth=TRUE, smooth_scaled=1.001 * TRUE))
    )
    assert not verdict.additive_benefit
    assert "makes no difference that this data can show" in verdict.reason


def test_smoothing_adds_nothing_where_scaling_repairs_all():
    verdict = temperature_verdict(table(arms(plain=3 * TRUE, plain_scaled=TRUE, smooth=0.6 * TRUE, smooth_scaled=TRUE)))
    assert not verdict.additive_benefit
    assert verdict.contrasts[0].better
    assert not verdict.contrasts[1].better


def test_the_form_of_an_arm_is_chosen_on_calib_and_judged_on_test():
    test = {
        **arms(plain=2 * TRUE, plain_scaled=TRUE, smooth=0.4 * TRUE, smooth_scaled=TRUE),
        (0.1, "inverse"): expit(0.9 * TRUE),
    }
    calib = {**test, (0.1, "inverse"): expit(3 * TRUE)}
    assert temperature_verdict(table(test)).contrasts[0].other == (0.1, "inverse")
    chosen = temperature_verdict(table(test), chosen_on=table(calib, fold="calib"))
    assert chosen.contrasts[0].other == (0.1, "none")


def test_an_arm_does_not_differ_from_itself():
    same = table({(0.0, "none"): expit(TRUE), (0.1, "none"): expit(TRUE)})
    interval = same.contrast("Same", (0.0, "none"), (0.1, "none")).log_loss
    assert (interval.value, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_without_smoothing_or_without_temperature_nothing_is_compared():
    assert "no pair" in temperature_verdict(table({(0.0, "none"): expit(TRUE)})).reason
    assert "not fitted" in temperature_verdict(table({(0.0, "none"): expit(TRUE), (0.1, "none"): expit(TRUE)})).reason


def test_every_arm_has_its_statistics_with_intervals():
    cells = table(arms(plain=TRUE, plain_scaled=TRUE, smooth=TRUE, smooth_scaled=TRUE)).arms[(0.0, "none")]
    assert all(cells[name].low <= cells[name].value <= cells[name].high for name in cells)
