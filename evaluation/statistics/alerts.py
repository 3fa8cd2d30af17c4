"""What the probabilities mean for the people who work the alerts: thresholds, daily lists and money."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.ranking import flagged_share
from evaluation.statistics.sample import Floats, Integers, same_length, sample

DAY = 86_400_000_000
"""Microseconds in a UTC day."""


def precision_at(
    labels: ArrayLike, probabilities: ArrayLike, *, threshold: float = 0.5, weight: ArrayLike | None = None
) -> float:
    """Share of frauds among the rows with probability ≥ threshold; NaN where no row reaches it."""
    s = sample(labels, probabilities, weight=weight)
    flagged = s.weight * (s.probabilities >= threshold)
    return float(flagged @ s.labels) / float(flagged.sum()) if flagged.sum() > 0 else float("nan")


def share_negatives_above(
    labels: ArrayLike, probabilities: ArrayLike, *, level: float = 0.95, weight: ArrayLike | None = None
) -> float:
    """Share of the legitimate rows with probability > level: certainty that was misplaced. NaN without such rows."""
    s = sample(labels, probabilities, weight=weight)
    legitimate = s.weight * (1.0 - s.labels)
    total = float(legitimate.sum())
    return float(legitimate @ (s.probabilities > level)) / total if total > 0 else float("nan")


@dataclass(frozen=True)
class DailyCards:
    """Card precision per day, days ascending: the mean over `precision` is the headline."""

    day: Integers
    precision: Floats
    compromised: Integers

    @property
    def mean(self) -> float:
        """Mean over days, each day alike; NaN without days."""
        return float(self.precision.mean()) if self.precision.size else float("nan")


def card_precision(
    labels: ArrayLike, probabilities: ArrayLike, *, card: ArrayLike, event_time: ArrayLike, top: int = 100
) -> DailyCards:
    """Card precision top-k per day, as the Fraud Detection Handbook defines it (Le Borgne et al., 2022, ch. 4.4).

    Each UTC day the distinct cards are ordered by their highest probability that day, and the first `top` are looked
    into. A card is a hit if any of its rows that day is fraud; hits are removed from all later days. The day's
    precision is hits / top, also where fewer cards transacted, and days with no row left count 0 hits. Rows without a
    card cannot be looked into and are left out. Equal probabilities are ordered by card code, so row order changes
    nothing.

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        card: integer codes [N], < 0 where there is none.
        event_time: microseconds since the epoch, UTC [N].
        top: cards looked into per day.
    """
    s = sample(labels, probabilities)
    cards, times = np.asarray(card, dtype=np.int64), np.asarray(event_time, dtype=np.int64)
    same_length(s.labels.size, card=cards, event_time=times)
    kept = cards >= 0
    day, code, best, fraud = _card_days(times[kept] // DAY, cards[kept], s.probabilities[kept], s.labels[kept] > 0.5)
    days, start = np.unique(day, return_index=True)
    hits, compromised = np.zeros(days.size), np.zeros(days.size, dtype=np.int64)
    found: set[int] = set()
    bounds = [*start.tolist(), day.size]
    for i, (first, last) in enumerate(pairwise(bounds)):
        open_rows = [j for j in range(first, last) if code[j] not in found]
        compromised[i] = sum(bool(fraud[j]) for j in open_rows)
        listed = sorted(open_rows, key=lambda j: (-best[j], code[j]))[:top]
        caught = [int(code[j]) for j in listed if fraud[j]]
        hits[i] = len(caught)
        found.update(caught)
    return DailyCards(days, hits / top, compromised)


@dataclass(frozen=True)
class Operation:
    """What flagging the rows at or above a threshold does to one population."""

    threshold: float
    alert_share: float
    precision: float
    recall: float
    value_recall: float
    cost: float
    cost_without: float
    net_benefit: float


def operation(
    labels: ArrayLike, probabilities: ArrayLike, *, amount: ArrayLike, threshold: float, alert_cost: float
) -> Operation:
    """Workload, catch and money at one threshold.

    Cost is per row: an alert costs `alert_cost`, a missed fraud its amount; `cost_without` is the cost of no alerts.
    Net benefit is TP/N − FP/N · t/(1 − t) (Vickers & Elkin, 2006), NaN at t = 1.

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        amount: value at stake, ≥ 0 [N].
        threshold: rows with probability ≥ threshold are flagged.
        alert_cost: cost of one alert in the amount's unit.
    """
    s = sample(labels, probabilities)
    value = np.asarray(amount, dtype=np.float64)
    same_length(s.labels.size, amount=value)
    flag, rows = (s.probabilities >= threshold).astype(np.float64), s.labels.size
    caught, lost = float(flag @ s.labels), float(s.labels @ value)
    odds = threshold / (1.0 - threshold) if threshold < 1.0 else float("nan")
    return Operation(
        threshold=threshold,
        alert_share=_ratio(flag.sum(), rows),
        precision=_ratio(caught, flag.sum()),
        recall=_ratio(caught, s.labels.sum()),
        value_recall=_ratio(float(flag @ (s.labels * value)), lost),
        cost=_ratio(alert_cost * flag.sum() + float((1.0 - flag) @ (s.labels * value)), rows),
        cost_without=_ratio(lost, rows),
        net_benefit=_ratio(caught - (flag.sum() - caught) * odds, rows),
    )


def expected_cost(labels: ArrayLike, probabilities: ArrayLike, *, amount: ArrayLike, alert_cost: float) -> float:
    """Cost per row when a row is flagged exactly if its expected loss p · amount reaches the alert's cost.

    This is the decision that is best if the probabilities are right (Elkan, 2001), so miscalibration costs money here.
    """
    s = sample(labels, probabilities)
    value = np.asarray(amount, dtype=np.float64)
    same_length(s.labels.size, amount=value)
    flagged = s.probabilities * value >= alert_cost
    return _ratio(float(np.where(flagged, alert_cost, s.labels * value).sum()), s.labels.size)


def threshold_for_budget(probabilities: ArrayLike, *, budget: float) -> float:
    """Lowest probability whose rows at or above it are at most the budget's share; above every row if none is.

    It is meant for the calibration fold: an operating point read off the test fold would describe luck.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    values, counts = np.unique(-p, return_counts=True)
    fits = np.cumsum(counts) <= budget * p.size
    return float(-values[fits][-1]) if fits.any() else float(np.nextafter(1.0, 2.0))


def threshold_for_cost(labels: ArrayLike, probabilities: ArrayLike, *, amount: ArrayLike, alert_cost: float) -> float:
    """Threshold of least cost on these rows, the highest among ties; above every row if flagging nothing is best."""
    s = sample(labels, probabilities)
    value = np.asarray(amount, dtype=np.float64)
    same_length(s.labels.size, amount=value)
    values, group = np.unique(-s.probabilities, return_inverse=True)
    gain = np.bincount(group, weights=s.labels * value - alert_cost, minlength=values.size)
    total = np.concatenate([[0.0], np.cumsum(gain)])
    best = int(np.argmax(total))
    return float(-values[best - 1]) if best else float(np.nextafter(1.0, 2.0))


def value_at_budget(labels: ArrayLike, probabilities: ArrayLike, *, amount: ArrayLike, budget: float) -> float:
    """Amount of fraud found per alert at a budget; NaN without rows."""
    s = sample(labels, probabilities)
    share = flagged_share(s, budget=budget)
    return _ratio(float(share @ (s.labels * np.asarray(amount, dtype=np.float64))), float(share.sum()))


def _card_days(
    day: Integers, card: Integers, probabilities: Floats, fraud: np.ndarray
) -> tuple[Integers, Integers, Floats, np.ndarray]:
    """One row per day and card, days ascending: highest probability and whether any row is fraud."""
    order = np.lexsort((card, day))
    day, card, probabilities, fraud = day[order], card[order], probabilities[order], fraud[order]
    if day.size == 0:
        return day, card, probabilities, fraud
    start = np.flatnonzero(np.r_[True, (np.diff(day) != 0) | (np.diff(card) != 0)])
    return day[start], card[start], np.maximum.reduceat(probabilities, start), np.logical_or.reduceat(fraud, start)


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else float("nan")
