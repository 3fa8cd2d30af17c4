"""How well probabilities order the rows: ROC AUC, average precision, and what an alert budget catches.

All of them look at the table of distinct probabilities alone, so ties are exact and row order changes nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.errors import InputError
from evaluation.statistics.sample import Floats, Sample, same_length, sample


@dataclass(frozen=True)
class Thresholds:
    """Weight per distinct probability, from the highest down, each [D]."""

    probability: Floats
    frauds: Floats
    legitimate: Floats


def thresholds(s: Sample) -> Thresholds:
    """Frauds and legitimate rows at each distinct probability, highest first."""
    values, group = np.unique(-s.probabilities, return_inverse=True)
    frauds = np.bincount(group, weights=s.weight * s.labels, minlength=values.size)
    legitimate = np.bincount(group, weights=s.weight * (1.0 - s.labels), minlength=values.size)
    return Thresholds(-values, frauds.astype(np.float64), legitimate.astype(np.float64))


def roc_auc(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Chance that a fraud scores above a legitimate row, ties counting half (Hanley & McNeil, 1982).

    NaN where one class is missing.
    """
    t = thresholds(sample(labels, probabilities, weight=weight))
    frauds, legitimate = t.frauds.sum(), t.legitimate.sum()
    if frauds == 0 or legitimate == 0:
        return float("nan")
    below = legitimate - np.cumsum(t.legitimate) + t.legitimate / 2.0
    return float(t.frauds @ below / (frauds * legitimate))


def average_precision(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Precision averaged over the recall gained at each distinct threshold, without interpolation.

    Its chance level is the prevalence, so it compares models on one population only. NaN without frauds.
    """
    t = thresholds(sample(labels, probabilities, weight=weight))
    frauds = t.frauds.sum()
    if frauds == 0:
        return float("nan")
    caught, flagged = np.cumsum(t.frauds), np.cumsum(t.frauds + t.legitimate)
    precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
    return float(t.frauds @ precision / frauds)


def recall_at_budget(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    budget: float,
    amount: ArrayLike | None = None,
    weight: ArrayLike | None = None,
) -> float:
    """Share of the frauds found when the top `budget` share of the rows is flagged.

    The number of alerts is budget · N, not rounded; rows tied at the border are flagged in proportion, which is the
    mean over all ways to break the tie. NaN without frauds.

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        budget: share of all rows that may be flagged, in (0, 1].
        amount: value of each row ≥ 0 [N]; with it the result is the share of fraud *value* found.
        weight: row weights [N].

    Raises:
        InputError: the budget is outside (0, 1] or an amount is negative or not finite.
    """
    if not 0.0 < budget <= 1.0:
        raise ValueError(f"budget must lie in (0, 1], got {budget}")
    s = sample(labels, probabilities, weight=weight)
    value = np.ones(s.labels.shape) if amount is None else _checked_amount(amount, s.labels.size)
    share = flagged_share(s, budget=budget)
    total = float(s.weight @ (s.labels * value))
    return float(s.weight @ (s.labels * value * share)) / total if total > 0 else float("nan")


def flagged_share(s: Sample, *, budget: float) -> Floats:
    """For each row the share of it that a budget flags: 1 above the border, 0 below, a fraction at it [N]."""
    values, group = np.unique(-s.probabilities, return_inverse=True)
    mass = np.bincount(group, weights=s.weight, minlength=values.size)
    room = budget * s.rows - (np.cumsum(mass) - mass)
    share = np.clip(np.divide(room, mass, out=np.zeros_like(mass), where=mass > 0), 0.0, 1.0)
    result: Floats = share[group]
    return result


def _checked_amount(amount: ArrayLike, rows: int) -> Floats:
    value = np.asarray(amount, dtype=np.float64)
    same_length(rows, amount=value)
    bad = ~(np.isfinite(value) & (value >= 0))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(f"amount must be finite and ≥ 0, got {value[first]} in row {first} ({int(bad.sum())} like it)")
    return value
