import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from evaluation.statistics.calibration_error import bin_index, ece_null, expected_calibration_error, smooth_ece
from tests.oracles.evaluation import binned_error, kernel_error

PROBABILITIES = st.lists(st.integers(0, 30), min_size=1, max_size=60).map(lambda values: np.array(values) / 30)


def fold(seed: int, rows: int, *, power: float = 1.0):
    rng = np.random.default_rng(seed)
    eta = rng.random(rows) ** 4
    return (rng.random(rows) < eta).astype(float), eta**power


def test_equal_width_error_equals_the_loop_over_bins():
    y, p = fold(1, 800)
    p[:40] = np.arange(40) % 16 / 15  # rows on the edges
    assert expected_calibration_error(y, p) == pytest.approx(binned_error(y, p, np.arange(16) / 15), abs=1e-9)


def test_equal_width_error_agrees_with_scikit_learn_curve():
    y, p = fold(2, 5000)
    observed, expected = calibration_curve(y, p, n_bins=10)
    rows = np.bincount(np.minimum((p * 10).astype(int), 9), minlength=10)
    peer = np.abs(observed - expected) @ rows[rows > 0] / y.size
    assert expected_calibration_error(y, p, bins=10) == pytest.approx(peer)


def test_equal_mass_bins_hold_equal_rows_and_equal_positives_equal_expected_frauds():
    _, p = fold(3, 9000)
    rows = np.bincount(bin_index(p, bins=15, kind="mass"))
    frauds = np.bincount(bin_index(p, bins=15, kind="positives"), weights=p)
    assert rows.max() - rows.min() <= 1
    assert frauds == pytest.approx(np.full(15, p.sum() / 15), abs=1.0)


@pytest.mark.parametrize("kind", ["width", "mass", "positives"])
@settings(max_examples=40)
@given(p=PROBABILITIES)
def test_ties_share_a_bin_and_bins_are_ordered(kind, p):
    index = bin_index(p, bins=7, kind=kind)
    assert (index >= 0).all()
    assert (index < 7).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(index[order]) >= 0).all()
    assert all(len(set(index[p == value])) == 1 for value in np.unique(p))


def test_the_base_rate_has_no_error_and_no_skill():
    y, _ = fold(4, 1000)
    assert expected_calibration_error(y, np.full(1000, y.mean())) == pytest.approx(0, abs=1e-12)


def test_null_equals_drawing_every_row():
    _, p = fold(5, 3000)
    rng = np.random.default_rng(6)
    drawn = [expected_calibration_error((rng.random(p.size) < p).astype(float), p) for _ in range(2000)]
    fast = ece_null(p, rng=np.random.default_rng(7), resamples=4000)
    assert fast == pytest.approx(np.quantile(drawn, 0.95), rel=0.03)


def test_null_is_exceeded_by_a_twentieth_of_calibrated_folds():
    exceeded = [
        expected_calibration_error(y, p) > ece_null(p, rng=np.random.default_rng(1), resamples=200)
        for y, p in (fold(seed, 1000) for seed in range(150))
    ]
    assert 0.02 < np.mean(exceeded) < 0.09


def test_null_of_certain_or_no_probabilities():
    assert ece_null(np.array([0.0, 1.0]), rng=np.random.default_rng(0)) == 0.0
    assert np.isnan(ece_null(np.zeros(0), rng=np.random.default_rng(0)))


@pytest.mark.parametrize(("seed", "power"), [(8, 1.0), (9, 0.5), (10, 2.0)])
def test_smooth_error_is_the_fixed_point_of_the_reflected_kernel(seed, power):
    y, p = fold(seed, 150, power=power)
    value = smooth_ece(y, p)
    assert kernel_error(y, p, value) == pytest.approx(value, rel=0.01)


def test_smooth_error_sees_what_bins_hide():
    y = np.array([0.0, 1.0] * 500)
    p = np.where(y == 1, 0.5 - 1e-9, 0.5 + 1e-9)  # one bin's width apart, each side wrong
    assert smooth_ece(y, p) < 0.01
    shifted = np.full(1000, 0.6)
    assert smooth_ece(y, shifted) == pytest.approx(0.1, abs=0.02)


def test_smooth_error_takes_weight_as_repetition_and_ignores_row_order():
    y, p = fold(11, 60)
    w = np.random.default_rng(1).integers(0, 3, 60)
    assert smooth_ece(y, p, weight=w) == pytest.approx(smooth_ece(np.repeat(y, w), np.repeat(p, w)))
    assert smooth_ece(y[::-1], p[::-1]) == pytest.approx(smooth_ece(y, p))
    assert np.isnan(smooth_ece(np.zeros(0), np.zeros(0)))


def test_bins_must_be_positive():
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        bin_index([0.1], bins=0, kind="width")


def test_the_null_of_weighted_rows_is_that_of_their_weighted_noise():
    p = np.full(4_000, 0.05)
    weight = np.where(np.arange(4_000) < 2_000, 3.0, 1.0)
    null = ece_null(p, rng=np.random.default_rng(1), weight=weight, resamples=4_000)
    deviation = np.sqrt(weight**2 @ (p * (1 - p))) / weight.sum()
    assert null == pytest.approx(1.96 * deviation, rel=0.05)
