"""One Newton step stands for fitting the calibrator anew."""

import numpy as np
import pytest
from scipy.special import expit

from evaluation.options import BootstrapSettings
from evaluation.statistics.calibrator_noise import CalibratorRows, line_steps
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import count_blocks, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from models.calibration import fit_affine

ROWS, CARDS = 12_000, 600


def calib_fold(seed: int = 1):
    rng = np.random.default_rng(seed)
    card = rng.integers(0, CARDS, ROWS)
    z = rng.normal(-3.8, 1.6, ROWS)
    y = (rng.random(ROWS) < expit(z + rng.normal(0, 0.6, CARDS)[card] - 0.18)).astype(float)
    return y, fit_affine(y, z).apply(z), card


def drawn_counts(resamples: int) -> np.ndarray:
    return np.hstack(list(count_blocks(CARDS, rng=np.random.default_rng(3), resamples=resamples, block=500)))


def test_the_step_lands_where_a_refit_of_the_affine_map_lands():
    y, p, card = calib_fold()
    counts = drawn_counts(20)
    steps = line_steps(y, p, np.ones(ROWS), card) @ (counts - 1.0)
    z = np.log(p / (1 - p))
    for draw in range(20):
        rows = np.repeat(np.arange(ROWS), counts[card, draw].astype(int))
        refitted = fit_affine(y[rows], z[rows])
        assert steps[1, draw] == pytest.approx(refitted.slope - 1.0, abs=0.02)
        expected = refitted.apply(z).sum() / p.sum() - 1.0
        moved = (p * (1 - p)) @ (steps[0, draw] + steps[1, draw] * z) / p.sum()
        assert moved == pytest.approx(expected, abs=0.012), draw


def test_a_cluster_counts_as_the_sum_of_its_rows():
    y, p, card = calib_fold()
    by_row = line_steps(y, p, np.ones(ROWS), np.arange(ROWS))
    by_card = line_steps(y, p, np.ones(ROWS), card)
    assert by_card[0] == pytest.approx(np.bincount(card, weights=by_row[0]))


def test_a_weight_of_two_is_the_row_twice():
    y, p, card = calib_fold()
    twice = np.concatenate([np.arange(ROWS), np.flatnonzero(card < 50)])
    weighted = line_steps(y, p, 1.0 + (card < 50), card)
    assert line_steps(y[twice], p[twice], np.ones(twice.size), card[twice]) == pytest.approx(weighted)


def test_the_interval_of_observed_expected_is_that_of_both_folds():
    y, p, card = calib_fold(1)
    test_y, test_p, test_card = calib_fold(2)
    rows = [
        JudgedRows(labels, np.zeros(ROWS, dtype=np.int64), np.ones(ROWS), c)
        for labels, c in ((y, card), (test_y, test_card))
    ]
    calib, test = (dependence(each, by="card", fewest=30) for each in rows)
    noise = CalibratorRows(y, {"a": p}, np.ones(ROWS), calib)
    settings = BootstrapSettings(resamples=600, ranking=False)
    with_noise, without = (
        paired_bootstrap(
            test_y,
            {"a": test_p},
            clusters=test,
            rng=np.random.default_rng(4),
            settings=settings,
            calibrators=each,
        )
        for each in (noise, None)
    )
    ratio = with_noise.deviation("a", "observed_expected") / without.deviation("a", "observed_expected")
    assert ratio == pytest.approx(np.sqrt(2), rel=0.1)
    assert with_noise.deviation("a", "log_loss") == pytest.approx(without.deviation("a", "log_loss"), rel=0.1)
    assert with_noise.calibrators_moved
    assert not without.calibrators_moved
