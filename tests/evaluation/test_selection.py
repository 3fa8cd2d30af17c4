from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from evaluation.selection import Setting, SettingOutcome, cross_fitted_affine, rank_sweep, sweep_statistics, time_blocks
from evaluation.statistics.scores import log_loss

ROWS = 6000
RNG = np.random.default_rng(3)
TRUE = RNG.normal(-3.5, 1.8, ROWS)
LABELS = (RNG.random(ROWS) < expit(TRUE)).astype(float)
TIME = np.sort(RNG.integers(0, 10**9, ROWS))


def outcome(smoothing: float, noise: float, *, weight="none", shift=0.0, scale=1.0, repeat=0, seed=0, selectable=True):
    seen = TRUE * 0.9 + np.random.default_rng(repeat + 10 * seed).normal(0, noise, ROWS)
    setting = Setting(smoothing, weight, "example")
    return SettingOutcome(setting, repeat, scale * seen + shift, expit(seen), 0.98, selectable)


def rank(outcomes, **kwargs):
    return rank_sweep(LABELS, outcomes, event_time=TIME, **kwargs)


def test_the_winner_is_the_better_model_however_its_raw_output_is_distorted():
    ranking = rank([outcome(0.0, 0.6), outcome(0.1, 0.2, shift=4.0, scale=0.4)])
    assert ranking.selected.smoothing == 0.1
    assert ranking.rows[0].raw["brier"] > ranking.rows[1].raw["brier"]


def test_lowest_ece_would_have_chosen_the_useless_histogram_and_is_only_told():
    useless = SettingOutcome(
        Setting(0.2, "none", "example"),
        0,
        np.full(ROWS, logit(LABELS.mean())) + 1e-9 * TRUE,
        np.full(ROWS, LABELS.mean()),
        0.98,
    )
    ranking = rank([outcome(0.0, 0.3, shift=0.3), useless])
    assert ranking.selected.smoothing == 0.0
    assert ranking.lowest_ece.smoothing == 0.2


def test_a_setting_that_ranks_far_worse_cannot_win():
    ranking = rank([outcome(0.0, 0.2), outcome(0.1, 3.0)], auc_tolerance=0.01)
    assert [row.setting.smoothing for row in ranking.rows] == [0.0, 0.1]
    assert "at most 0.01 below that of ε = 0, no class weights" in ranking.rule


def test_a_setting_that_ranks_worse_than_no_smoothing_cannot_win_however_low_its_log_loss():
    sure = outcome(0.1, 0.0)
    low = np.argsort(TRUE)[: int(0.85 * ROWS)]
    sure.margins[low] = sure.margins[low].mean() + 1e-3 * np.random.default_rng(1).normal(size=low.size)
    free, held = (rank([outcome(0.0, 1.0), sure], auc_tolerance=each) for each in (0.5, 0.01))
    assert free.selected.smoothing == 0.1
    assert held.selected == held.smallest_mean == Setting(0.0, "none", "example")


def test_a_lead_within_noise_leaves_the_simplest_setting_and_is_told():
    ranking = rank([outcome(0.0, 0.34, seed=1), outcome(0.1, 0.30, seed=2), outcome(0.0, 0.4, seed=3, weight="sqrt")])
    assert ranking.smallest_mean == ranking.rows[0].setting == Setting(0.1, "none", "example")
    assert ranking.selected == ranking.simplest == Setting(0.0, "none", "example")
    behind = next(row.behind for row in ranking.rows if row.setting == ranking.selected)
    losses = {row.setting: row.log_loss_affine for row in ranking.rows}
    assert behind.value == pytest.approx(losses[ranking.selected] - losses[ranking.smallest_mean])
    assert 0 < behind.value < behind.limit


def test_where_no_smoothing_must_be_left_the_lightest_weights_that_hold_up_are_taken_first():
    good = [outcome(0.0, 0.1, weight="balanced", seed=1), outcome(0.05, 0.1, seed=2), outcome(0.1, 0.09, seed=3)]
    ranking = rank([outcome(0.0, 1.2), outcome(0.0, 1.1, weight="sqrt"), *good])
    assert ranking.selected == Setting(0.0, "balanced", "example")
    assert rank([outcome(0.0, 1.2), *good[1:]]).selected == Setting(0.05, "none", "example")


def test_settings_that_are_alike_leave_no_smoothing_and_no_weights_in_nine_worlds_of_ten():
    chosen = [alike(seed).selected for seed in range(20)]
    assert sum(each == Setting(0.0, "none", "example") for each in chosen) >= 18


def alike(seed, *, rows=800, days=7):
    """Four settings with errors of one size that hang together by day and by merchant."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, days * 86_400_000_000, rows))
    day, merchant = time // 86_400_000_000, rng.integers(0, 60, rows)
    z = rng.normal(-2.5, 1.8, rows)
    labels = (rng.random(rows) < expit(z)).astype(float)
    outcomes = []
    for smoothing, weight in ((0.0, "none"), (0.1, "none"), (0.0, "sqrt"), (0.1, "sqrt")):
        off = rng.normal(size=days)[day] + rng.normal(size=60)[merchant] + rng.normal(size=rows)
        margins = z + 0.4 * off
        outcomes.append(SettingOutcome(Setting(smoothing, weight, "example"), 0, margins, expit(margins), 0.98))
    return rank_sweep(labels, outcomes, event_time=time, merchant=merchant, bins=5)


def test_few_days_are_cut_into_blocks_and_merchants_count_where_they_are_known():
    merchant = np.where(np.arange(ROWS) % 7 == 0, -1, np.arange(ROWS) % 50)
    clusters = rank([outcome(0.0, 0.2)], merchant=merchant).losses.clusters
    assert list(clusters) == ["block of time", "merchant"]
    assert np.unique(clusters["block of time"]).size == 20
    assert np.unique(clusters["merchant"]).size == 50 + (merchant < 0).sum()
    week = rank_sweep(LABELS, [outcome(0.0, 0.2)], event_time=np.arange(ROWS) * 86_400_000)
    assert list(week.losses.clusters) == ["day"]


def test_when_no_smoothing_wins_the_best_smoothed_setting_is_named():
    ranking = rank([outcome(0.0, 0.1), outcome(0.1, 0.5), outcome(0.2, 0.4)])
    assert ranking.selected == Setting(0.0, "none", "example")
    assert ranking.unsmoothed == ranking.selected
    assert ranking.smoothed.smoothing == 0.2


def test_the_unsmoothed_twin_shares_weight_and_weighting():
    ranking = rank([outcome(0.1, 0.1, weight="sqrt"), outcome(0.0, 0.5, weight="sqrt"), outcome(0.0, 0.4)])
    assert ranking.unsmoothed == Setting(0.0, "sqrt", "example")


def test_repeats_are_ranked_on_their_mean_and_their_spread_is_told():
    lucky = [outcome(0.1, noise, repeat=i) for i, noise in enumerate((0.05, 1.2))]
    steady = [outcome(0.0, 0.3, repeat=i) for i in range(2)]
    ranking = rank([*lucky, *steady], auc_tolerance=0.2)
    assert ranking.selected.smoothing == 0.0
    assert ranking.rows[0].repeats == 2
    assert ranking.rows[1].log_loss_affine_spread > ranking.rows[0].log_loss_affine_spread


def test_rows_that_are_only_shown_never_win():
    ranking = rank([outcome(0.1, 0.05, weight="balanced", selectable=False), outcome(0.0, 0.5)])
    assert ranking.selected.class_weight == "none"


def test_the_order_of_settings_changes_nothing():
    outcomes = [outcome(e, 0.3, weight=w) for e in (0.0, 0.1) for w in ("none", "sqrt")]
    one, other = rank(outcomes), rank(outcomes[::-1])
    assert [row.setting for row in one.rows] == [row.setting for row in other.rows]
    assert (one.selected, one.lowest_ece, one.rule) == (other.selected, other.lowest_ece, other.rule)


def test_cross_fitting_equals_scikit_learn_on_the_other_blocks():
    block = time_blocks(TIME, folds=4)
    z = 2 * TRUE + 1
    ours = cross_fitted_affine(LABELS, z, block=block)
    out = block == 2
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(z[~out].reshape(-1, 1), LABELS[~out])
    assert ours[out] == pytest.approx(peer.predict_proba(z[out].reshape(-1, 1))[:, 1], rel=1e-3)


def test_cross_fitting_never_sees_the_labels_of_its_own_block():
    block = time_blocks(TIME, folds=5)
    changed = np.where(block == 1, 1 - LABELS, LABELS)
    one, other = (cross_fitted_affine(y, TRUE, block=block) for y in (LABELS, changed))
    assert (one[block == 1] == other[block == 1]).all()
    assert (one[block != 1] != other[block != 1]).all()


def test_separable_or_one_class_blocks_stay_finite():
    y = np.array([0, 0, 0, 1, 1, 1.0])
    p = cross_fitted_affine(y, np.array([-5, -4, -3, 3, 4, 5.0]), block=np.array([0, 1, 2, 0, 1, 2]))
    assert log_loss(y, p) < 0.1
    lone = cross_fitted_affine(np.array([0, 0, 1.0]), np.array([-1, 0, 1.0]), block=np.array([0, 0, 1]))
    assert np.isfinite(lone).all()


def test_blocks_of_time_are_even_and_share_ties():
    block = time_blocks([5, 1, 5, 9, 9, 2, 3, 7], folds=4)
    assert block[0] == block[2]
    assert block[3] == block[4]
    assert (np.diff(time_blocks(TIME, folds=5)) >= 0).all()
    assert np.bincount(time_blocks(TIME, folds=5)) == pytest.approx(np.full(5, ROWS / 5), abs=2)


def test_nothing_to_rank_is_refused():
    with pytest.raises(ValueError, match="got 0 fits"):
        rank([])
    with pytest.raises(ValueError, match="0 frauds among 6000 rows"):
        rank_sweep(np.zeros(ROWS), [outcome(0.0, 0.1)], event_time=TIME)
    broken = outcome(0.0, 0.1)
    broken.margins[0] = np.inf
    with pytest.raises(ValueError, match="margins must be finite, got inf in row 0"):
        rank([broken])


def test_sweep_statistics_count_rows_by_their_weight():
    p, weight = expit(TRUE), np.where(LABELS > 0.5, 1.6, 1.0)
    found = sweep_statistics(LABELS, p, bins=15, weight=weight)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(LABELS, p, sample_weight=weight))
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(LABELS, p, sample_weight=weight))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(LABELS, p, sample_weight=weight))
    assert sweep_statistics(LABELS, p, bins=15, weight=np.ones(p.size)) == sweep_statistics(LABELS, p, bins=15)


def test_sweep_statistics_are_the_metrics_themselves():
    found = sweep_statistics(LABELS, expit(TRUE), bins=15)
    assert found["log_loss"] == log_loss(LABELS, expit(TRUE))
    assert set(found) == {
        "roc_auc", "average_precision", "brier", "ece", "log_loss", "precision_at_half", "share_negatives_above_095"
    }  # fmt: skip


def test_a_setting_that_a_race_stopped_is_compared_and_cannot_win_however_simple_or_good():
    stopped = replace(outcome(0.0, 0.2, weight="sqrt"), finished=False)
    best = replace(outcome(0.2, 0.0, seed=1), finished=False)
    ranking = rank([outcome(0.0, 3.0, seed=2), stopped, outcome(0.1, 0.25, seed=3), best], auc_tolerance=0.5)
    assert ranking.selected == ranking.smoothed == ranking.smallest_mean == Setting(0.1, "none", "example")
    assert [row.finished for row in ranking.rows] == [True, True, False, False]
    assert ranking.rows[-1].behind is not None


def test_a_twin_that_a_race_stopped_is_none():
    twin = replace(outcome(0.0, 2.0, weight="sqrt", seed=1), finished=False)
    ranking = rank([outcome(0.0, 3.0), twin, outcome(0.1, 0.2, weight="sqrt", seed=2)], auc_tolerance=0.5)
    assert ranking.selected == Setting(0.1, "sqrt", "example")
    assert ranking.unsmoothed is None
