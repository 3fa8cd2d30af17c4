"""How well probabilities order the rows: ROC AUC and average precision.

Both look at the table of distinct probabilities alone, so ties are exact and row order changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.sample import Floats, Sample, sample


@dataclass(frozen=True)
class Thresholds:
    """Weight per distinct probability, from the highest down, each [D]."""

    probability: Floats
    frauds: Floats
    legitimate: Floats


def thresholds(s: Sample) -> Thresholds:
    """Frauds and legitimate rows at each distinct probability, highest first.

    >>> found = thresholds(sample([1, 0, 0, 1], [0.2, 0.2, 0.1, 0.9]))
    >>> found.probability.tolist(), found.frauds.tolist(), found.legitimate.tolist()
    ([0.9, 0.2, 0.1], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0])
    """
    values, group = np.unique(-s.probabilities, return_inverse=True)
    frauds = np.bincount(group, weights=s.weight * s.labels, minlength=values.size)
    legitimate = np.bincount(group, weights=s.weight * (1.0 - s.labels), minlength=values.size)
    return Thresholds(-values, frauds.astype(np.float64), legitimate.astype(np.float64))


def roc_auc(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Chance that a fraud scores above a legitimate row, ties counting half (Hanley & McNeil, 1982).

    NaN where one class is missing.

    >>> roc_auc([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])
    0.875

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N]; any monotone map of them gives the same.
        weight: row weights, ≥ 0 [N].
    """
    return area_below(thresholds(sample(labels, probabilities, weight=weight)))


def area_below(t: Thresholds) -> float:
    """ROC AUC of a table of thresholds; NaN where one class is missing.

    >>> area_below(thresholds(sample([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])))
    0.875
    """
    frauds, legitimate = t.frauds.sum(), t.legitimate.sum()
    if frauds == 0 or legitimate == 0:
        return float("nan")
    below = legitimate - np.cumsum(t.legitimate) + t.legitimate / 2.0
    return float(t.frauds @ below / (frauds * legitimate))


def average_precision(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Precision averaged over the recall gained at each distinct threshold, without interpolation.

    Its chance level is the prevalence, so it compares models on one population only. NaN without frauds. It is the area
    under the precision-recall curve as steps (Davis & Goadrich, 2006).

    >>> average_precision([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.1])
    0.75

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N]; any monotone map of them gives the same.
        weight: row weights, ≥ 0 [N].
    """
    return mean_precision(thresholds(sample(labels, probabilities, weight=weight)))


def mean_precision(t: Thresholds) -> float:
    """Average precision of a table of thresholds; NaN without frauds.

    >>> mean_precision(thresholds(sample([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.1])))
    0.75
    """
    frauds = t.frauds.sum()
    if frauds == 0:
        return float("nan")
    caught, flagged = np.cumsum(t.frauds), np.cumsum(t.frauds + t.legitimate)
    precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
    return float(t.frauds @ precision / frauds)
