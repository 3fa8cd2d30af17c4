import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from evaluation.statistics.logistic_line import MANY_ROWS, clipped_logit, logistic_line, score_and_information


def rows(count, seed=1):
    rng = np.random.default_rng(seed)
    z = rng.normal(-2, 1.5, count)
    return (rng.random(count) < expit(0.4 + 0.7 * z)).astype(float), z, rng.random(count) + 0.5


@pytest.mark.parametrize("ridge", [0.0, 5.0])
@pytest.mark.parametrize("count", [300, MANY_ROWS + 1])
def test_the_line_is_where_a_general_minimiser_ends(count, ridge):
    y, z, w = rows(count)

    def loss(beta):
        margin = beta[0] + beta[1] * z
        return w @ (np.logaddexp(0, margin) - y * margin) + ridge / 2 * beta @ beta

    assert logistic_line(y, z, w, ridge=ridge) == pytest.approx(minimize(loss, [0.0, 1.0], tol=1e-12).x, abs=1e-4)


def test_a_weight_is_a_repetition():
    y, z, _ = rows(200)
    w = np.random.default_rng(2).integers(1, 4, 200)
    repeated = logistic_line(np.repeat(y, w), np.repeat(z, w), np.ones(w.sum()))
    assert logistic_line(y, z, w.astype(float)) == pytest.approx(repeated)


def test_separable_rows_have_no_finite_line_but_a_ridge_gives_them_one():
    y, z = np.array([0, 0, 1, 1.0]), np.array([-2, -1, 1, 2.0])
    assert np.isnan(logistic_line(y, z, np.ones(4))).all()
    assert logistic_line(y, z, np.ones(4), ridge=0.1)[1] > 0


def test_the_score_is_zero_at_the_optimum_and_the_information_its_slope():
    y, z, w = rows(400)
    line = np.array(logistic_line(y, z, w))

    def score(beta):
        return score_and_information(y, expit(beta[0] + beta[1] * z), z, w)

    assert score(line)[0] == pytest.approx([0, 0], abs=1e-6)
    step = np.array([0.0, 1e-5])
    numeric = -(score(line + step)[0] - score(line - step)[0]) / 2e-5
    assert score(line)[1][1] == pytest.approx(numeric, rel=1e-5)


def test_logits_of_certainty_are_finite_and_opposite():
    low, high = clipped_logit(np.array([0.0, 1.0]))
    assert np.isfinite([low, high]).all()
    assert low == pytest.approx(-high, rel=1e-4)
