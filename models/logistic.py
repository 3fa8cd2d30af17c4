"""A logistic fit of a handful of numbers by Newton's method: what affine maps, beta maps and combinations share.

One of three such solvers: this one takes any few columns and soft labels, `affine_log_loss` tensors on their
device, and `logistic_line` of `evaluation.statistics.scores` stands where no model may be imported.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.rows import Float64s, Floats


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients [P], the weighted mean log loss at them, and whether the gradient vanished there."""

    coefficients: Float64s
    log_loss: float
    converged: bool


def fit_logistic(
    features: Floats, labels: Floats, *, weights: Floats | None = None, bound: float = 100.0, steps: int = 100
) -> LogisticFit:
    """Maximum likelihood of P(1) = σ(features · coefficients), no intercept added.

    Newton's method with step halving on features scaled to unit spread; exact for a few columns, where quasi-Newton
    methods stop a digit or two early. Separable data has no optimum: the fit then ends at `bound` (in units of the
    scaled coefficients) and says that it did not converge, unless its gradient vanishes before.

    Example:
        >>> fit = fit_logistic(np.array([[0.0, 1.0]] * 4 + [[1.0, 1.0]] * 4), np.array([0, 0, 0, 1, 0, 1, 1, 1]))
        >>> fit.coefficients.round(4).tolist(), fit.converged
        ([2.1972, -1.0986], True)

    Args:
        features: [N, P], a column of ones where an intercept is wanted.
        labels: [N], in [0, 1]; soft labels are allowed.
        weights: [N], or all one.
        bound: largest scaled coefficient that is still believed.
        steps: Newton steps at most.
    """
    matrix = np.asarray(features, dtype=np.float64)
    target = np.asarray(labels, dtype=np.float64)
    share = np.ones(len(target)) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.sum()
    spread = np.sqrt((share[:, None] * matrix**2).sum(0))
    spread[spread == 0] = 1.0
    matrix = matrix / spread
    beta, converged = np.zeros(matrix.shape[1]), False
    loss = logistic_loss(matrix @ beta, target, share)
    for _ in range(steps):
        probability = expit(matrix @ beta)
        gradient = matrix.T @ (share * (probability - target))
        if np.abs(gradient).max() < 1e-10:
            converged = True
            break
        curvature = (matrix * (share * probability * (1 - probability))[:, None]).T @ matrix
        step = np.linalg.lstsq(curvature + 1e-15 * np.eye(len(beta)), gradient, rcond=None)[0]
        length = 1.0
        while length > 1e-6 and logistic_loss(matrix @ (beta - length * step), target, share) > loss:
            length /= 2
        beta = beta - length * step
        improved = logistic_loss(matrix @ beta, target, share)
        # the gradient cannot get below what float64 leaves of it once the loss stands still
        converged = loss - improved < 1e-15 and np.abs(gradient).max() < 1e-6
        loss = min(loss, improved)
        if converged or np.abs(beta).max() > bound:
            break
    inside = bool(np.abs(beta).max() <= bound)
    return LogisticFit(np.clip(beta, -bound, bound) / spread, float(loss), bool(converged) and inside)


def base_rate_fit(labels: Floats, weights: Floats | None = None) -> LogisticFit:
    """The best constant: log odds of the weighted mean of labels in [0, 1], both classes there, and its log loss."""
    rate = float(np.average(labels, weights=weights))
    loss = -rate * float(np.log(rate)) - (1 - rate) * float(np.log(1 - rate))
    return LogisticFit(np.array([log_odds(rate)]), loss, converged=True)


def log_odds(probability: Floats | float) -> Float64s:
    """Logarithm of p / (1 − p) of probabilities strictly inside (0, 1), the small ones to the last digit.

    Example:
        >>> log_odds(np.array([0.5, 1e-18])).round(4).tolist()
        [0.0, -41.4465]
    """
    odds: Float64s = np.log(probability) - np.log1p(np.negative(probability))
    return odds


def logistic_loss(logits: Floats, labels: Floats, shares: Floats) -> float:
    """Log loss of σ(logits), weighted by shares of sum 1, without forming a probability."""
    return float(shares @ (np.logaddexp(0, logits) - labels * logits))
