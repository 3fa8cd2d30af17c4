"""A logistic regression on one variable by Newton's method: the line of calibration slope and intercept.

`models` fits such lines too, over the axis of settings and in torch; the folders are strangers, so each has its own.
"""

import numpy as np
from scipy.special import logit

from evaluation.statistics.machine_code import machine_code
from evaluation.statistics.sample import Floats

LOGIT_CLIP = 1e-12
NEWTON_STEPS = 60
CONVERGED = 1e-7
"""Relative step after which the next would be its square or so: below rounding."""
MANY_ROWS, THINNED = 8_192, 16
"""From so many rows on, a line begins with what every so manieth row says."""


def logistic_line(labels: Floats, z: Floats, weight: Floats, *, ridge: float = 0.0) -> tuple[float, float]:
    """Intercept and slope of a one-variable logistic regression, or (NaN, NaN) where Newton finds no finite optimum.

    Steps are halved until the loss falls, so a bad start cannot diverge. Separable data has no finite optimum and is
    refused, unless a ridge (added to the summed loss as ridge/2 · |coefficients|²) gives it one. Many rows begin where
    a sixteenth of them ends, which saves most of the steps and moves the optimum by less than rounding.

    >>> intercept, slope = logistic_line(np.array([1.0, 0, 0, 0]), np.zeros(4), np.ones(4))  # a constant has no slope
    >>> intercept, slope
    (nan, nan)

    Args:
        labels: 0 or 1 [N].
        z: the one variable [N].
        weight: row weights, ≥ 0 [N].
        ridge: strength of the penalty, in the unit of the summed loss.
    """
    if _constant(z, weight):
        return float("nan"), float("nan")
    ends = np.array([z.min(), z.max()])
    beta = _line_start(labels, z, weight, ridge)
    for _ in range(NEWTON_STEPS):
        gradient, hessian = score_and_information(labels, _fitted(beta[0] + beta[1] * z), z, weight)
        gradient, hessian = gradient - ridge * beta, hessian + ridge * np.eye(2)
        try:
            step: Floats = np.linalg.solve(hessian, gradient).astype(np.float64)
        except np.linalg.LinAlgError:
            return float("nan"), float("nan")
        if not _surely_falls(step, ends):
            step = _falling(beta, step, labels, z, weight, ridge)
        beta = beta + step
        if np.abs(step).max() < CONVERGED * (1.0 + np.abs(beta).max()):
            return float(beta[0]), float(beta[1])
    return float("nan"), float("nan")


def score_and_information(labels: Floats, fitted: Floats, z: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Gradient [2] and information matrix [2, 2] of the logistic line's log likelihood.

    >>> y, half, z = np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([1.0, -1.0])
    >>> gradient, information = score_and_information(y, half, z, np.ones(2))
    >>> gradient.tolist(), information.tolist()
    ([0.0, 1.0], [[0.5, 0.0], [0.0, 0.5]])

    Args:
        labels: 0 or 1 [N].
        fitted: P(fraud) of the line [N].
        z: the one variable [N].
        weight: row weights, ≥ 0 [N].
    """
    sums: Floats = _line_sums(labels, fitted, z, weight)
    return sums[:2], sums[[2, 3, 3, 4]].reshape(2, 2)


def clipped_logit(probabilities: Floats) -> Floats:
    """log(p / (1 − p)) with p kept in [1e-12, 1 − 1e-12], so that it is finite [N].

    >>> clipped_logit(np.array([0.0, 0.5])).round(2).tolist()
    [-27.63, 0.0]
    """
    result: Floats = logit(np.clip(probabilities, LOGIT_CLIP, 1.0 - LOGIT_CLIP))
    return result


@machine_code
def _line_sums(labels: Floats, fitted: Floats, z: Floats, weight: Floats) -> Floats:
    """Σ r, Σ r z, Σ s, Σ s z and Σ s z² of residuals r and spreads s, one pass over the rows [5]."""
    sums = np.zeros(5)
    for i in range(len(z)):
        residual, spread = weight[i] * (labels[i] - fitted[i]), weight[i] * fitted[i] * (1.0 - fitted[i])
        sums[0] += residual
        sums[1] += residual * z[i]
        sums[2] += spread
        sums[3] += spread * z[i]
        sums[4] += spread * z[i] * z[i]
    return sums


def _constant(z: Floats, weight: Floats) -> bool:
    kept = z[weight > 0]
    return kept.size == 0 or float(np.ptp(kept)) == 0.0


def _line_start(labels: Floats, z: Floats, weight: Floats, ridge: float) -> Floats:
    y, w = labels[::THINNED], weight[::THINNED]
    if labels.size >= MANY_ROWS and 0.0 < w @ y < w.sum():
        coarse = np.array(logistic_line(y, z[::THINNED], w, ridge=ridge))
        if np.isfinite(coarse).all():
            return coarse
    return np.array([float(logit(weight @ labels / weight.sum())), 0.0])


def _surely_falls(step: Floats, ends: Floats) -> bool:
    """Whether a Newton step lowers the loss for certain: no margin moves by more than 1.

    A logistic loss bends at most by a factor e^d where margins move by d, so that a full step lowers it as long as
    (e^d − d − 1) / d² < 1, which holds up to d = 1.79 (Bach, 2010).
    """
    return bool(np.abs(step[0] + step[1] * ends).max() <= 1.0)


def _falling(beta: Floats, step: Floats, labels: Floats, z: Floats, weight: Floats, ridge: float) -> Floats:
    """The step, halved until the loss falls."""
    loss = _line_loss(beta, labels, z, weight, ridge)
    halvings = 0
    while not _line_loss(beta + step, labels, z, weight, ridge) <= loss and halvings < 40:
        step, halvings = step / 2.0, halvings + 1
    return step


def _fitted(margin: Floats) -> Floats:
    """P(fraud) of margins, one exponential a row [N]."""
    small = np.exp(-np.abs(margin))
    result: Floats = np.where(margin >= 0, 1.0, small) / (1.0 + small)
    return result


def _line_loss(beta: Floats, labels: Floats, z: Floats, weight: Floats, ridge: float) -> float:
    """The summed loss of a line."""
    margin = beta[0] + beta[1] * z
    loss = np.log1p(np.exp(-np.abs(margin))) + np.maximum(margin, 0.0) - labels * margin
    return float(weight @ loss + ridge / 2.0 * beta @ beta)
