import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from models.logistic import base_rate_fit, fit_logistic, log_odds, logistic_loss

RNG = np.random.default_rng(0)
FEATURES = np.column_stack([RNG.normal(size=500), 40 * RNG.normal(size=500), np.ones(500)])
LABELS = (RNG.random(500) < expit(FEATURES @ [1.0, 0.02, -1.5])).astype(float)


def test_coefficients_are_those_of_the_peer_without_a_penalty():
    peer = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=10_000).fit(FEATURES, LABELS)
    fit = fit_logistic(FEATURES, LABELS)
    np.testing.assert_allclose(fit.coefficients, peer.coef_[0], rtol=1e-4)
    assert fit.converged
    assert fit.log_loss == pytest.approx(logistic_loss(FEATURES @ fit.coefficients, LABELS, np.full(500, 1 / 500)))


def test_a_weight_of_two_is_the_row_twice():
    weights = np.where(np.arange(500) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(500), weights.astype(int))
    weighted = fit_logistic(FEATURES, LABELS, weights=weights)
    np.testing.assert_allclose(
        weighted.coefficients, fit_logistic(FEATURES[twice], LABELS[twice]).coefficients, rtol=1e-8
    )


def test_separable_data_ends_at_the_bound_and_says_so():
    fit = fit_logistic(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0.0, 0, 1, 1]), bound=5)
    assert not fit.converged
    assert fit.coefficients[0] * np.sqrt(2.5) == pytest.approx(5)


def test_the_best_constant_is_the_fit_of_a_column_of_ones():
    peer, found = fit_logistic(np.ones((500, 1)), LABELS), base_rate_fit(LABELS)
    np.testing.assert_allclose(found.coefficients, peer.coefficients, rtol=1e-9)
    assert found.log_loss == pytest.approx(peer.log_loss, rel=1e-12)


def test_log_odds_are_those_of_the_peer_down_to_the_smallest_probability():
    probability = np.array([5e-324, 1e-300, 1e-18, 0.02, 0.5, 0.98, 1 - 1e-15])
    np.testing.assert_allclose(log_odds(probability), logit(probability), rtol=1e-12)
