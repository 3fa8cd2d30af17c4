"""Scores of probabilities that need no ranking: proper scores and calibration in the large.

Every statistic takes `labels, probabilities` first and an optional weight; it is NaN where it is undefined, and
`undefined_because` says why. Weights mean repetition: weight 2 equals the row twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from evaluation.statistics.logistic_line import clipped_logit, logistic_line
from evaluation.statistics.sample import Floats, Sample, sample

EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1 inside logarithms, as scikit-learn does."""


def log_loss(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Mean of −log of the probability given to what happened (Good, 1952), in nats; NaN without rows.

    >>> round(log_loss([1, 0], [0.8, 0.4]), 4)
    0.367

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    return _mean(log_loss_rows(s.labels, s.probabilities), s)


def brier(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Mean squared distance of probability and outcome (Brier, 1950); NaN without rows.

    It is the binary form: half of Brier's own sum over both classes.

    >>> brier([1, 0], [0.5, 0.0])
    0.125

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    return _mean((s.probabilities - s.labels) ** 2, s)


def brier_skill(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Share of the base rate's Brier score that the model removes: 1 − Brier / (π(1 − π)) (Murphy, 1973).

    A bare Brier score says nothing without its prevalence; the skill does. NaN where one class is missing.

    >>> brier_skill([1, 0], [0.5, 0.0]), brier_skill([1, 0], [0.5, 0.5])
    (0.5, 0.0)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if one_class(s):
        return float("nan")
    prevalence = s.frauds / s.rows
    return 1.0 - _mean((s.probabilities - s.labels) ** 2, s) / (prevalence * (1.0 - prevalence))


def observed_expected(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Frauds that happened over frauds that the probabilities add up to; 1 is calibration in the large.

    NaN where nothing is expected. Above 1 the model is too sure that all is well.

    >>> observed_expected([1, 0, 0, 0], [0.25, 0.125, 0.125, 0.0])
    2.0

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    expected = float(s.weight @ s.probabilities)
    return s.frauds / expected if expected > 0 else float("nan")


@dataclass(frozen=True)
class CalibrationLine:
    """logit P(y = 1) = intercept + slope · logit p; slope 1 and intercept 0 are perfect (Cox, 1958)."""

    slope: float
    intercept: float


def calibration_line(
    labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None
) -> CalibrationLine:
    """Logistic recalibration by Newton's method; NaN where a class is missing or no finite line fits best.

    A slope below 1 means probabilities too extreme, above 1 too timid. Logits are clipped at ±27.6.

    >>> labels, probabilities = [1, 0, 0, 0, 1, 1, 1, 0], [0.1] * 4 + [0.9] * 4
    >>> line = calibration_line(labels, probabilities)  # observed are a quarter and three quarters
    >>> round(line.slope, 6), abs(round(line.intercept, 6))
    (0.5, 0.0)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if one_class(s):
        return CalibrationLine(float("nan"), float("nan"))
    z = clipped_logit(s.probabilities)
    intercept, slope = logistic_line(s.labels, z, s.weight)
    return CalibrationLine(slope, intercept)


def spiegelhalter_z(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Standardised deviation of the Brier score from what calibration implies (Spiegelhalter, 1986).

    Standard normal if every probability is right and rows are independent; NaN where the variance is 0.

    >>> round(spiegelhalter_z([1, 1, 0, 0], [0.2, 0.2, 0.2, 0.2]), 6)  # 2 frauds where 0.8 are expected
    1.5

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    p, lean = s.probabilities, 1.0 - 2.0 * s.probabilities
    variance = float(s.weight @ (lean**2 * p * (1.0 - p)))
    return float(s.weight @ ((s.labels - p) * lean)) / float(np.sqrt(variance)) if variance > 0 else float("nan")


def two_sided_p(z: float) -> float:
    """Probability of a standard normal at least this far from 0.

    >>> round(two_sided_p(-1.96), 4)
    0.05
    """
    return float(2.0 * ndtr(-abs(z)))


def log_loss_rows(labels: Floats, probabilities: Floats) -> Floats:
    """Log loss of each row [N] in nats, probabilities kept off 0 and 1 by one float epsilon.

    >>> log_loss_rows(np.array([1.0, 0.0]), np.array([1.0, 0.5])).round(4).tolist()
    [0.0, 0.6931]
    """
    p = np.clip(probabilities, EPSILON, 1.0 - EPSILON)
    loss: Floats = -np.log(np.where(labels > 0.5, p, 1.0 - p))
    return loss


def one_class(s: Sample) -> bool:
    """True where frauds or legitimate rows carry no weight.

    >>> one_class(sample([1, 1], [0.5, 0.9])), one_class(sample([0, 1], [0.5, 0.9]))
    (True, False)
    """
    return not 0.0 < s.frauds < s.rows


def undefined_because(labels: ArrayLike, *, weight: ArrayLike | None = None) -> str:
    """Why a statistic of these labels may be NaN, in words; empty where both classes are present.

    >>> undefined_because([0, 0]), undefined_because([0, 1])
    ('no frauds among 2 rows', '')
    """
    y = np.asarray(labels, dtype=np.float64)
    w = np.ones(y.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    rows = int((w > 0).sum())
    if rows == 0:
        return "no rows"
    frauds = int(((y == 1) & (w > 0)).sum())
    if frauds == 0:
        return f"no frauds among {rows:,} rows"
    return f"no legitimate rows among {rows:,}" if frauds == rows else ""


def _mean(values: Floats, s: Sample) -> float:
    return float(s.weight @ values) / s.rows if s.rows > 0 else float("nan")
