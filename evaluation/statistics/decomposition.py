"""Where a score comes from: Murphy's and the CORP decomposition into miscalibration, discrimination, uncertainty."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression

from evaluation.statistics.calibration_error import Binning, bin_index
from evaluation.statistics.sample import Floats, Sample, sample
from evaluation.statistics.scores import log_loss_rows, one_class


@dataclass(frozen=True)
class Murphy:
    """Brier = reliability − resolution + uncertainty + within, exactly.

    `within` is what bins hide: the variance of probabilities inside bins less twice their covariance with outcomes
    (Stephenson, Coelho & Jolliffe, 2008); it is 0 where each bin holds one probability.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def murphy(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int | None = 15,
    kind: Binning = "width",
    weight: ArrayLike | None = None,
) -> Murphy:
    """Murphy's (1973) decomposition of the Brier score over bins, or over distinct probabilities where bins is None.

    All parts are NaN without rows.

    >>> murphy([1, 0, 0, 0], [0.5, 0.5, 0.0, 0.0], bins=None)
    Murphy(reliability=0.0, resolution=0.0625, uncertainty=0.1875, within=0.0)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        bins: number of bins; None for one per distinct probability.
        kind: what bins are equal in.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if s.rows == 0:
        return Murphy(*[float("nan")] * 4)
    if bins is None:
        index = np.unique(s.probabilities, return_inverse=True)[1]
    else:
        index = bin_index(s.probabilities, bins=bins, kind=kind, weight=s.weight)
    mass = np.bincount(index, weights=s.weight)
    used = mass > 0
    mass = mass[used]
    observed = np.bincount(index, weights=s.weight * s.labels)[used] / mass
    expected = np.bincount(index, weights=s.weight * s.probabilities)[used] / mass
    base = s.frauds / s.rows
    reliability = float(mass @ (expected - observed) ** 2 / s.rows)
    resolution = float(mass @ (observed - base) ** 2 / s.rows)
    uncertainty = base * (1.0 - base)
    score = float(s.weight @ (s.probabilities - s.labels) ** 2 / s.rows)
    return Murphy(reliability, resolution, uncertainty, score - reliability + resolution - uncertainty)


@dataclass(frozen=True)
class Corp:
    """Mean score = miscalibration − discrimination + uncertainty, all ≥ 0 (Dimitriadis, Gneiting & Jordan, 2021)."""

    miscalibration: float
    discrimination: float
    uncertainty: float


def corp(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    score: Literal["brier", "log_loss"] = "brier",
    weight: ArrayLike | None = None,
) -> Corp:
    """CORP decomposition: no bins to choose, since pool-adjacent-violators chooses them.

    Miscalibration is what the best monotone recalibration on these very rows would save; NaN where a class is missing.

    >>> corp([1, 0, 0, 0], [0.75, 0.75, 0.0, 0.0])
    Corp(miscalibration=0.03125, discrimination=0.0625, uncertainty=0.1875)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        score: what is decomposed.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if one_class(s):
        return Corp(*[float("nan")] * 3)
    loss: Callable[[Floats, Floats], Floats] = _squared if score == "brier" else log_loss_rows
    base = np.full(s.labels.shape, s.frauds / s.rows)
    given, best, flat = (float(s.weight @ loss(s.labels, p) / s.rows) for p in (s.probabilities, recalibrated(s), base))
    return Corp(given - best, flat - best, flat)


def recalibrated(s: Sample) -> Floats:
    """Observed frequencies after pool-adjacent-violators over the distinct probabilities [N] (Ayer et al., 1955).

    >>> recalibrated(sample([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    values, group = np.unique(s.probabilities, return_inverse=True)
    mass = np.bincount(group, weights=s.weight, minlength=values.size)
    used = mass > 0
    observed = np.bincount(group, weights=s.weight * s.labels, minlength=values.size)[used] / mass[used]
    fitted = np.zeros(values.size)
    fitted[used] = isotonic_regression(observed, weights=mass[used]).x
    result: Floats = np.clip(fitted, 0.0, 1.0)[group]
    return result


def _squared(labels: Floats, probabilities: Floats) -> Floats:
    return (probabilities - labels) ** 2
