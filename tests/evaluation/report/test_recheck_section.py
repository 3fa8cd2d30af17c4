import numpy as np
import pytest

from evaluation.paired_losses import RowLosses
from evaluation.report.recheck_section import calibration_check, recheck_section, setting_check
from evaluation.selection import Setting, SettingOutcome, rank_sweep

DAY = 86_400_000_000
USED, OTHER = Setting(0.1, "none", "example"), Setting(0.0, "none", "example")
RIVALS = (Setting(0.0, "sqrt", "example"), Setting(0.05, "sqrt", "example"))


def swept(*, noise, rows=6_000, seed=1, margin=0.0):
    """Two settings on the same rows; the one in use has margins with extra noise."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-2.5, 1.5, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(float)
    time = np.sort(rng.integers(0, 30 * DAY, rows))
    margins = {OTHER: z, USED: z + rng.normal(0, noise, rows)}
    outcomes = [SettingOutcome(s, 0, m, 1 / (1 + np.exp(-m)), 0.9) for s, m in margins.items()]
    ranking = rank_sweep(labels, outcomes, event_time=time, auc_tolerance=0.5)
    return setting_check(ranking, USED, margin=margin), labels, z, time


def test_a_setting_that_is_clearly_behind_has_moved():
    found = swept(noise=2.0)[0]
    assert found.moved
    assert (found.rank, found.settings, found.best) == (2, 2, OTHER)
    assert found.difference > found.noise > 0
    assert "so the optimum has moved" in found.sentence


def test_a_setting_that_is_behind_by_less_than_the_margin_holds():
    found = swept(noise=2.0, margin=0.9)[0]
    assert found.difference > found.noise
    assert not found.moved
    assert "too little to matter" in found.sentence


def test_a_setting_within_noise_holds():
    found = swept(noise=0.02)[0]
    assert not found.moved
    assert "optimum has moved" not in found.sentence


def test_the_difference_is_that_of_the_rankings_log_losses():
    rng = np.random.default_rng(1)
    found, labels, z, time = swept(noise=1.0)
    rows = rng.normal(-2.5, 1.5, 6_000)
    np.testing.assert_array_equal(rows, z)
    assert found.difference == pytest.approx(_behind(labels, z, time, seed=1), rel=1e-9)


def _behind(labels, z, time, *, seed):
    """The same difference from the ranking's own two numbers."""
    rng = np.random.default_rng(seed)
    rng.normal(-2.5, 1.5, z.size), rng.random(z.size), rng.integers(0, 30 * DAY, z.size)
    margins = {OTHER: z, USED: z + rng.normal(0, 1.0, z.size)}
    outcomes = [SettingOutcome(s, 0, m, 1 / (1 + np.exp(-m)), 0.9) for s, m in margins.items()]
    rows = rank_sweep(labels, outcomes, event_time=time, auc_tolerance=0.5).rows
    return rows[1].log_loss_affine - rows[0].log_loss_affine


def test_a_setting_the_sweep_did_not_try_is_not_judged():
    _, labels, z, time = swept(noise=1.0)
    outcomes = [SettingOutcome(OTHER, 0, z, 1 / (1 + np.exp(-z)), 0.9)]
    ranking = rank_sweep(labels, outcomes, event_time=time)
    assert setting_check(ranking, USED, margin=0.0) is None


@pytest.mark.parametrize(("scale", "holds"), [(1.0, True), (0.5, False), (2.0, False)])
def test_calibration_holds_where_observed_over_expected_meets_the_band(scale, holds):
    rng = np.random.default_rng(2)
    p = rng.beta(1, 30, 20_000)
    y = (rng.random(p.size) < np.minimum(p * scale, 1)).astype(float)
    y[::10] = np.nan
    found = calibration_check(y, p, event_time=np.arange(p.size) * 60_000_000, band=(0.85, 1.15))
    assert found.holds is holds
    assert found.low < found.observed_expected < found.high
    assert found.observed_expected == pytest.approx(scale, rel=0.15)
    alarms = recheck_section(None, found)["alarms"]
    assert bool(alarms) is not holds


def test_nothing_to_check_says_nothing():
    assert recheck_section(None, calibration_check([], [], event_time=[], band=(0.9, 1.1))) == {}


def test_a_week_of_days_calls_a_calibrated_model_wrong_as_seldom_as_it_says():
    found = [calibration_check_of(calibrated_week(seed), band=(1.0, 1.0)) for seed in range(600)]
    assert np.mean([not each.holds for each in found]) == pytest.approx(0.05, abs=0.02)


def calibrated_week(seed, *, rows=700):
    """Labels and probabilities of seven days whose fraud rate moves from day to day around what is promised."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(7), rows // 7)
    p = rng.uniform(0.02, 0.2, rows)
    labels = (rng.random(rows) < p * np.exp(rng.normal(-0.02, 0.2, 7))[day]).astype(float)
    return labels, p, day * DAY


def calibration_check_of(week, **keywords):
    labels, p, time = week
    return calibration_check(labels, p, event_time=time, **keywords)


def test_rows_of_one_day_refuse_no_model():
    labels, p, _ = calibrated_week(0)
    found = calibration_check(labels, p / 10, event_time=np.zeros(700, np.int64), band=(0.85, 1.15))
    assert found.holds


def test_three_rivals_that_are_alike_move_the_optimum_in_six_weeks_of_a_hundred_at_most():
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(7), 30)
    moved = 0
    for _ in range(500):
        drawn = {n: (rng.normal(size=210) + rng.normal(size=7)[day])[None] for n in (USED, OTHER, *RIVALS)}
        losses = RowLosses(drawn, {"day": day})
        leader = min(drawn, key=lambda each: drawn[each].mean())
        moved += losses.difference(USED, leader).proven
    assert moved / 500 <= 0.06


def test_a_row_of_weight_three_is_three_rows_to_the_champions_level():
    labels, p, time = calibrated_week(3)
    weight = np.where(labels == 1, 3, 1)
    often = (np.repeat(each, weight) for each in (labels, p, time))
    weighed = calibration_check(labels, p, event_time=time, band=(0.9, 1.1), weight=weight)
    labels, p, time = often
    repeated = calibration_check(labels, p, event_time=time, band=(0.9, 1.1))
    assert weighed.observed_expected == pytest.approx(repeated.observed_expected)
    assert weighed.low == pytest.approx(repeated.low)
