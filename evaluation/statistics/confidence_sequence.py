"""The mean difference of two models' losses, watched day by day, with limits that hold on all days at once.

Whoever looks at an ordinary 95 % interval every morning and acts when it first excludes 0 acts on noise far more often
than one time in twenty. A confidence sequence covers the truth on every day together with its probability.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm
from scipy.stats import t as student

from evaluation.statistics.sample import DAY, Floats, same_length
from evaluation.statistics.scores import log_loss_rows

FEWEST_DAYS = 5
"""Days below which their spread says too little for any limit."""
SHARPEST_AT = 14
"""Days after which the sequence is narrowest for what it has seen."""


@dataclass(frozen=True)
class WatchedDifference:
    """The mean of one model's log loss minus another's on the days up to now.

    Attributes:
        value: the mean over rows, weighted; NaN without rows.
        low: lower limit, minus infinity while there are too few days.
        high: upper limit likewise.
        days: with rows.
        rows: compared; `frauds` among them.
    """

    value: float
    low: float
    high: float
    days: int
    rows: int
    frauds: int

    @property
    def worse(self) -> bool:
        """Whether the first model is shown to be worse, however often one has looked."""
        return self.low > 0

    @property
    def better(self) -> bool:
        """Whether it is shown to be better."""
        return self.high < 0


def watched_difference(
    labels: ArrayLike,
    one: ArrayLike,
    other: ArrayLike,
    *,
    event_time: ArrayLike,
    weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> WatchedDifference:
    """The asymptotic confidence sequence of a mean (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, 2024, theorem 2.2).

    Whole days are the units, for rows of one day move together; what one day shares with the next is left out. The
    spread of few days is itself uncertain, so the limits are stretched as Student's quantile stretches the normal one.

    >>> labels, time = np.tile([0.0, 1.0], 200), np.repeat(np.arange(40) * DAY, 10)
    >>> watched = watched_difference(labels, np.full(400, 0.5), np.where(labels > 0, 0.9, 0.1), event_time=time)
    >>> watched.worse, watched.days
    (True, 40)

    Args:
        labels: 0 or 1 [N].
        one: P(fraud) of the model in question [N].
        other: P(fraud) of the one it is compared with [N].
        event_time: microseconds since 1970 [N].
        weight: how many rows each row stands for [N]; None counts each once.
        confidence: probability with which the truth lies within the limits on all days.
    """
    y = np.asarray(labels, np.float64)
    w = np.ones(y.size) if weight is None else np.asarray(weight, np.float64)
    p, q, time = np.asarray(one, np.float64), np.asarray(other, np.float64), np.asarray(event_time, np.int64)
    same_length(y.size, one=p, other=q, event_time=time, weight=w)
    frauds = int(y.sum())
    if not w.sum() > 0:
        return WatchedDifference(float("nan"), -np.inf, np.inf, 0, y.size, frauds)
    day = np.unique(time // DAY, return_inverse=True)[1]
    loss, rows = (np.bincount(day, each) for each in (w * (log_loss_rows(y, p) - log_loss_rows(y, q)), w))
    value = float(loss.sum() / rows.sum())
    half = _half_width(loss - value * rows, confidence) / float(rows.sum())
    return WatchedDifference(value, value - half, value + half, len(rows), y.size, frauds)


def _half_width(sums: Floats, confidence: float) -> float:
    """How far the sum over days may lie from its mean on all days at once; infinite where days are few."""
    days, alpha = len(sums), 1.0 - confidence
    if days < FEWEST_DAYS:
        return float("inf")
    deviation = float(np.sqrt((sums**2).sum() / (days - 1)))
    stretch = student.ppf(1 - alpha / 2, days - 1) / norm.ppf(1 - alpha / 2)
    target = -2 * np.log(alpha)
    tuned = (target + np.log(target) + 1) / SHARPEST_AT
    inside = days * tuned + 1
    return float(stretch * deviation * np.sqrt(2 * inside / tuned * np.log(np.sqrt(inside) / alpha)))
