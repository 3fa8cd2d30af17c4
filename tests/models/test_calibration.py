import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from models.calibration import (
    CalibrationConfig,
    Identity,
    calibrator_from_dict,
    cross_fitted,
    fit_affine,
    fit_beta,
    fit_calibrator,
    fit_isotonic,
    fit_temperature,
    repaired_map,
)
from tests.oracles.pool_adjacent import isotonic_means

METHODS = ["none", "temperature", "affine", "beta", "isotonic"]


def sample(size=3000, *, seed=0, slope=0.5, shift=-1.0):
    """Logits and labels for which σ(slope · z + shift) is the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(-2, 2, size)
    return (rng.random(size) < 1 / (1 + np.exp(-(slope * logits + shift)))).astype(float), logits


class Logits(ClassifierMixin, BaseEstimator):
    """A fitted classifier whose decision function is its only column."""

    def fit(self, matrix, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict(self, matrix):
        return self.classes_[(matrix[:, 0] > 0).astype(int)]

    def decision_function(self, matrix):
        return matrix[:, 0]


def test_temperature_is_that_of_scikit_learn():
    labels, logits = sample()
    base = Logits().fit(logits[:, None], labels)
    peer = CalibratedClassifierCV(FrozenEstimator(base), method="temperature").fit(logits[:, None], labels)
    ours = fit_temperature(labels, logits)
    assert ours.converged
    np.testing.assert_allclose(ours.apply(logits), peer.predict_proba(logits[:, None])[:, 1], atol=1e-5)


def test_affine_is_unpenalised_logistic_regression_on_the_logit():
    labels, logits = sample()
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits[:, None], labels)
    ours = fit_affine(labels, logits)
    assert (ours.slope, ours.shift) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_beta_is_the_constrained_optimum_of_its_log_loss(seed):
    labels, logits = sample(seed=seed)
    log_p, minus_log_rest = -np.logaddexp(0, -logits), np.logaddexp(0, logits)

    def loss(parameters):
        mapped = parameters[0] * log_p + parameters[1] * minus_log_rest + parameters[2]
        return np.mean(np.logaddexp(0, mapped) - labels * mapped)

    peer = minimize(
        loss, [1, 1, 0], bounds=[(0, None), (0, None), (None, None)], method="L-BFGS-B", options={"ftol": 1e-14}
    )
    ours = fit_beta(labels, logits)
    assert min(ours.a, ours.b) >= 0
    assert loss([ours.a, ours.b, ours.c]) <= peer.fun + 1e-9


def test_isotonic_is_the_max_min_formula_where_blocks_are_mixed():
    labels, logits = sample(60, seed=3)
    logits = np.round(logits, 1)
    values, expected = isotonic_means(logits, labels)
    found = fit_isotonic(labels, logits).apply(values)
    mixed = (expected > 0) & (expected < 1)
    assert mixed.any()
    np.testing.assert_allclose(found[mixed], expected[mixed], atol=1e-12)
    assert (found[~mixed] > 0).all()
    assert (found[~mixed] < 1).all()


def test_pure_isotonic_blocks_say_half_a_row_and_never_cross_their_neighbour():
    labels, logits = np.repeat([0.0, 1, 0, 1], [9, 1, 4, 4]), np.arange(18.0)
    found = fit_isotonic(labels, logits).apply(logits)
    assert found[0] == pytest.approx(0.5 / 10)
    assert found[-1] == pytest.approx(1 - 0.5 / 5)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_map_survives_json(method):
    labels, logits = sample(300)
    fitted = fit_calibrator(labels, logits, method=method)
    again = calibrator_from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    np.testing.assert_array_equal(again.apply(logits), fitted.apply(logits))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(METHODS), st.integers(0, 10_000), st.integers(8, 200), st.floats(0.05, 20))
def test_every_map_keeps_the_ranking_inside_the_unit_interval(method, seed, size, scale):
    rng = np.random.default_rng(seed)
    logits, labels = scale * rng.normal(size=size), (rng.random(size) < 0.3).astype(float)
    labels[:2] = (0, 1)
    found = fit_calibrator(labels, logits, method=method).apply(np.sort(logits))
    assert (np.diff(found) >= 0).all()
    assert (found > 0).all()
    assert (found < 1).all()


@pytest.mark.parametrize("method", ["temperature", "affine", "beta", "isotonic"])
def test_no_map_is_worse_than_none_on_the_rows_of_its_fit(method):
    labels, logits = sample()
    before = log_loss(labels, fit_calibrator(labels, logits, method="none").apply(logits))
    assert log_loss(labels, fit_calibrator(labels, logits, method=method).apply(logits)) <= before


@pytest.mark.parametrize("method", ["temperature", "affine", "beta", "isotonic"])
def test_separated_classes_are_said(method):
    logits = np.concatenate([np.linspace(-3, -1, 50), np.linspace(1, 3, 50)])
    fitted = fit_calibrator((logits > 0).astype(float), logits, method=method)
    assert np.isfinite(fitted.log_odds(logits)).all()
    assert fitted.note


def test_logits_that_rank_backwards_are_said():
    labels, logits = sample()
    fitted = fit_affine(labels, -logits)
    assert not fitted.converged
    assert "negative" in fitted.note
    np.testing.assert_allclose(fitted.apply(logits), labels.mean())


def test_too_few_positives_are_said():
    labels, logits = sample(200)
    labels[:] = 0
    labels[np.argsort(logits)[[60, 120, 190]]] = 1
    fitted = fit_temperature(labels, logits, config=CalibrationConfig(min_positives=5))
    assert not fitted.converged
    assert "3 rows of the rarer class, fewer than 5" in fitted.note


def test_cross_fitting_judges_each_row_by_the_other_parts():
    labels, logits = sample(400)
    found = cross_fitted(labels, logits, method="affine", folds=4)
    part = np.arange(400) % 4
    expected = fit_affine(labels[part != 2], logits[part != 2]).apply(logits[part == 2])
    np.testing.assert_array_equal(found[part == 2], expected)


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        ([0, 1], [0.0], "alike, got shapes"),
        ([0, 0], [0.0, 1.0], "both classes must be there to calibrate on, got 0 frauds in 2 rows"),
        ([0, 2], [0.0, np.inf], "labels must be 0 or 1, got 1 others; logits must be finite, got 1"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(labels, logits, message):
    with pytest.raises(ValueError, match=message):
        fit_affine(np.array(labels, dtype=float), np.array(logits))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind of a calibrator must be one of"):
        calibrator_from_dict({"kind": "magic"})


@pytest.mark.parametrize("method", METHODS)
def test_weights_of_one_change_no_bit(method):
    labels, logits = sample()
    plain = fit_calibrator(labels, logits, method=method)
    assert fit_calibrator(labels, logits, method=method, weights=np.ones(len(labels))) == plain
    np.testing.assert_array_equal(
        cross_fitted(labels, logits, method=method, folds=3, weights=np.ones(len(labels))),
        cross_fitted(labels, logits, method=method, folds=3),
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_weight_three_is_three_rows(method):
    labels, logits = sample(600)
    times = np.where(labels == 1, 3, 1)
    weighted = fit_calibrator(labels, logits, method=method, weights=times)
    repeated = fit_calibrator(np.repeat(labels, times), np.repeat(logits, times), method=method)
    grid = np.linspace(-8, 6, 50)
    np.testing.assert_allclose(weighted.apply(grid), repeated.apply(grid), rtol=1e-6)


@pytest.mark.parametrize(("weight", "said"), [(0.0, "got 1 that are not"), (np.nan, "got 1 that are not")])
def test_a_weight_that_is_no_number_of_rows_is_refused(weight, said):
    labels, logits = sample(100)
    with pytest.raises(ValueError, match=rf"weights must be finite and above 0, {said}"):
        fit_affine(labels, logits, weights=np.r_[weight, np.ones(99)])
    with pytest.raises(ValueError, match="one a label"):
        fit_affine(labels, logits, weights=np.ones(3))


def off_rows(*, slope: float = 1.0, shift: float = 0.0):
    """Labels of 40,000 rows and logits that are off by a line."""
    rng = np.random.default_rng(5)
    truth = rng.normal(-4, 1.5, 40_000)
    return (rng.random(40_000) < expit(truth)).astype(float), slope * truth + shift


@pytest.mark.parametrize("method", ["none", "temperature"])
@pytest.mark.parametrize("line", [{"slope": 1.3, "shift": 1.0}, {"shift": np.log(3)}])
def test_a_map_without_a_level_gives_way_where_calib_shows_that_it_is_off(method, line):
    labels, logits = off_rows(**line)
    repaired = repaired_map(fit_calibrator(labels, logits, method=method), labels, logits)
    assert repaired.kind == "affine"
    assert labels.sum() / repaired.apply(logits).sum() == pytest.approx(1.0, abs=1e-6)
    assert f"of a {method} map is off on calib" in repaired.note


def test_a_map_within_noise_one_with_a_level_and_rows_of_one_class_are_left_alone():
    labels, truth = off_rows()
    assert repaired_map(Identity(), labels, truth) == Identity()
    affine = fit_affine(labels, truth + 1.0)
    assert repaired_map(affine, labels, truth - 5.0) is affine
    assert repaired_map(Identity(), np.zeros(9), np.ones(9)) == Identity()
