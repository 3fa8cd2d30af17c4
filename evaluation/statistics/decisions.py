"""What flagging rows does, at or above a threshold or by a policy: workload, catch, money, and thresholds for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from evaluation.statistics.sample import Floats, Integers, Mask, Sample, same_length, sample

NOTHING = float(np.nextafter(1.0, 2.0))
"""A threshold above every probability: it flags no row."""


@dataclass(frozen=True)
class FurtherCosts:
    """What an alert does to money beside its own cost.

    Attributes:
        decline: cost of an alert on a legitimate row: an honest customer was stopped; in the amount's unit.
        recovery: share of a flagged fraud's amount that is kept from being lost, in (0, 1].
    """

    decline: float = 0.0
    recovery: float = 1.0

    def least_loss(self, alert_cost: float) -> float:
        """The expected loss p · amount from which an alert pays; one on an honest customer is what is weighed.

        Exactly an alert pays from p · (amount · recovery + decline) ≥ alert_cost + decline; without p · decline, which
        is small wherever fraud is rare, the rule needs p · amount alone, as a service has it.

        >>> FurtherCosts(decline=3, recovery=0.5).least_loss(5)
        16.0
        """
        return (alert_cost + self.decline) / self.recovery


NO_FURTHER = FurtherCosts()


@dataclass(frozen=True)
class Operation:
    """What flagging rows does to one population.

    Attributes:
        threshold: rows with probability ≥ it are flagged; NaN where the amount decides too.
        alert_share: share of the rows flagged.
        precision: share of frauds among the flagged; NaN where none is.
        recall: share of the frauds flagged; NaN without frauds.
        value_recall: share of the frauds' amount flagged.
        cost: per row, alerts, declined customers and lost frauds, in the amount's unit.
        cost_without: the same without any alert.
        net_benefit: true alerts per row less the false ones at the odds of the threshold.
    """

    threshold: float
    alert_share: float
    precision: float
    recall: float
    value_recall: float
    cost: float
    cost_without: float
    net_benefit: float


def operation(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    amount: ArrayLike,
    threshold: float,
    alert_cost: float,
    weight: ArrayLike | None = None,
    further: FurtherCosts = NO_FURTHER,
) -> Operation:
    """Workload, catch and money at one threshold.

    Cost is per row: an alert costs `alert_cost`, a missed fraud its amount; `cost_without` is the cost of no alerts.
    Net benefit is TP/N − FP/N · t/(1 − t) (Vickers & Elkin, 2006), NaN at t = 1. It means something only where the
    threshold is the risk at which one is indifferent between an alert and none, as p = 0.5 is where a missed fraud and
    a false alert weigh the same; a threshold that comes from a budget says nothing of the kind.

    >>> done = operation([1, 1, 0, 0], [0.9, 0.2, 0.8, 0.1], amount=[100, 50, 10, 10], threshold=0.5, alert_cost=5)
    >>> done.alert_share, done.precision, done.recall, done.cost, done.cost_without
    (0.5, 0.5, 0.5, 15.0, 37.5)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        amount: value at stake, ≥ 0 [N].
        threshold: rows with probability ≥ threshold are flagged.
        alert_cost: cost of one alert in the amount's unit.
        weight: row weights, ≥ 0 [N]; None counts each row once.
        further: what an alert does to money beside its own cost.
    """
    s = sample(labels, probabilities, weight=weight)
    value = _amounts(amount, s.labels.size)
    alerts = s.probabilities >= threshold
    return _operation(s, alerts, value, _row_costs(s, alerts, value, alert_cost, further), threshold=threshold)


def flagged_operation(
    labels: ArrayLike,
    alerts: Mask,
    *,
    amount: ArrayLike,
    alert_cost: float,
    weight: ArrayLike | None = None,
    further: FurtherCosts = NO_FURTHER,
) -> Operation:
    """Workload, catch and money where these rows are flagged, whatever rule chose them; without a threshold.

    >>> flagged_operation([1, 1, 0], np.array([True, False, True]), amount=[100, 40, 9], alert_cost=5).precision
    0.5

    Args:
        labels: 0 or 1 [N].
        alerts: which rows are flagged [N].
        amount: value at stake, ≥ 0 [N].
        alert_cost: cost of one alert in the amount's unit.
        weight: row weights, ≥ 0 [N]; None counts each row once.
        further: what an alert does to money beside its own cost.
    """
    s = sample(labels, np.zeros(np.shape(labels)), weight=weight)
    value = _amounts(amount, s.labels.size)
    return _operation(s, alerts, value, _row_costs(s, alerts, value, alert_cost, further), threshold=float("nan"))


def row_costs(
    labels: Floats, alerts: Mask, amount: Floats, *, alert_cost: float, further: FurtherCosts = NO_FURTHER
) -> Floats:
    """What each row costs [N]: an alert, a declined customer, and what of a fraud is lost.

    >>> costs = row_costs(np.array([1.0, 1.0, 0.0]), np.array([True, False, True]), np.array([100.0, 40.0, 9.0]),
    ...     alert_cost=5, further=FurtherCosts(decline=2, recovery=0.9))
    >>> costs.round(6).tolist()
    [15.0, 40.0, 7.0]

    Args:
        labels: 0 or 1 [N].
        alerts: which rows are flagged [N].
        amount: value at stake, ≥ 0 [N].
        alert_cost: cost of one alert in the amount's unit.
        further: what an alert does to money beside its own cost.
    """
    flagged = alert_cost + (1.0 - labels) * further.decline + labels * amount * (1.0 - further.recovery)
    found: Floats = np.where(alerts, flagged, labels * amount)
    return found


def _row_costs(s: Sample, alerts: Mask, amount: Floats, alert_cost: float, further: FurtherCosts) -> Floats:
    return row_costs(s.labels, alerts, amount, alert_cost=alert_cost, further=further)


def _operation(s: Sample, alerts: Mask, amount: Floats, costs: Floats, *, threshold: float) -> Operation:
    """What flagging these rows does [N]."""
    value, inside = s.weight * amount, alerts.astype(np.float64)
    flagged, rows = float(inside @ s.weight), s.rows
    caught, lost = float(inside @ (s.weight * s.labels)), float(s.labels @ value)
    odds = threshold / (1.0 - threshold) if threshold < 1.0 else float("nan")
    return Operation(
        threshold=threshold,
        alert_share=_ratio(flagged, rows),
        precision=_ratio(caught, flagged),
        recall=_ratio(caught, s.frauds),
        value_recall=_ratio(float(inside @ (s.labels * value)), lost),
        cost=_ratio(float(s.weight @ costs), rows),
        cost_without=_ratio(lost, rows),
        net_benefit=_ratio(caught - (flagged - caught) * odds, rows),
    )


def expected_cost(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    amount: ArrayLike,
    alert_cost: float,
    weight: ArrayLike | None = None,
    further: FurtherCosts = NO_FURTHER,
) -> float:
    """Cost per row when a row is flagged exactly if its expected loss p · amount reaches the alert's cost.

    This is the decision that is best if the probabilities are right (Elkan, 2001), so miscalibration costs money here.

    >>> expected_cost([1, 0], [0.5, 0.01], amount=[100.0, 100.0], alert_cost=5)
    2.5

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        amount: value at stake, ≥ 0 [N].
        alert_cost: cost of one alert in the amount's unit.
        weight: row weights, ≥ 0 [N]; None counts each row once.
        further: what an alert does to money beside its own cost.
    """
    s = sample(labels, probabilities, weight=weight)
    value = _amounts(amount, s.labels.size)
    flagged = s.probabilities * value >= further.least_loss(alert_cost)
    return _ratio(float(s.weight @ _row_costs(s, flagged, value, alert_cost, further)), s.rows)


def threshold_for_budget(probabilities: ArrayLike, *, budget: float, weight: ArrayLike | None = None) -> float:
    """Lowest probability whose rows at or above it are at most the budget's share; above every row if none is.

    It is meant for the calibration fold: an operating point read off the test fold would describe luck.

    >>> threshold_for_budget([0.9, 0.9, 0.5, 0.1], budget=0.5)
    0.9

    Args:
        probabilities: P(fraud) [N].
        budget: share of rows, in (0, 1].
        weight: row weights, ≥ 0 [N]; None counts each row once.
    """
    s = sample(np.zeros(np.shape(probabilities)), probabilities, weight=weight)
    values, group = np.unique(-s.probabilities, return_inverse=True)
    fits = np.cumsum(np.bincount(group, weights=s.weight, minlength=values.size)) <= budget * s.rows
    return float(-values[fits][-1]) if fits.any() else NOTHING


def least_loss_for_budget(
    probabilities: ArrayLike, *, amount: ArrayLike, budget: float, weight: ArrayLike | None = None
) -> float:
    """Lowest expected loss p · amount whose rows at or above it are at most the budget's share; infinite if none is.

    Of all ways to flag so many rows this one saves most if the probabilities are right.

    >>> least_loss_for_budget([0.9, 0.5, 0.1, 0.1], amount=[10, 100, 20, 10], budget=0.5)
    9.0

    Args:
        probabilities: P(fraud) [N].
        amount: value at stake, ≥ 0 [N].
        budget: share of rows, in (0, 1].
        weight: row weights, ≥ 0 [N]; None counts each row once.
    """
    s = sample(np.zeros(np.shape(probabilities)), probabilities, weight=weight)
    values, group = np.unique(-s.probabilities * _amounts(amount, s.labels.size), return_inverse=True)
    fits = np.cumsum(np.bincount(group, weights=s.weight, minlength=values.size)) <= budget * s.rows
    return float(-values[fits][-1]) if fits.any() else float("inf")


def threshold_for_cost(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    amount: ArrayLike,
    alert_cost: float,
    weight: ArrayLike | None = None,
    further: FurtherCosts = NO_FURTHER,
) -> float:
    """Threshold of least cost on these rows, the highest among ties; above every row if flagging nothing is best.

    >>> threshold_for_cost([1, 0, 1, 0], [0.9, 0.7, 0.4, 0.1], amount=[50, 20, 6, 20], alert_cost=5)
    0.9

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        amount: value at stake, ≥ 0 [N].
        alert_cost: cost of one alert in the amount's unit.
        weight: row weights, ≥ 0 [N]; None counts each row once.
        further: what an alert does to money beside its own cost.
    """
    s = sample(labels, probabilities, weight=weight)
    value = _amounts(amount, s.labels.size)
    values, group = np.unique(-s.probabilities, return_inverse=True)
    saved = s.labels * value * further.recovery - alert_cost - (1.0 - s.labels) * further.decline
    gain = np.bincount(group, weights=s.weight * saved, minlength=values.size)
    total = np.concatenate([[0.0], np.cumsum(gain)])
    best = int(np.argmax(total))
    return float(-values[best - 1]) if best else NOTHING


def threshold_for_precision(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    floor: float,
    confidence: float = 0.8,
    weight: ArrayLike | None = None,
) -> float:
    """Lowest probability whose rows at or above it are shown to hold a share `floor` of frauds; above 1 if none are.

    Shown is what the one-sided lower bound of Clopper and Pearson (1934) reaches. The deepest cut whose own share
    meets the floor is the luckiest of many, and on new rows it stays below the floor more often than not.

    >>> labels, probabilities = [1, 1, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.6, 0.5, 0.1]
    >>> threshold_for_precision(labels, probabilities, floor=0.6), threshold_for_precision(labels, probabilities,
    ...     floor=0.9) == NOTHING
    (0.6, True)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        floor: least share of frauds among the rows flagged.
        confidence: of the bound, one-sided.
        weight: row weights, ≥ 0 [N]; None counts each row once. The bound takes `effective_counts`.
    """
    s = sample(labels, probabilities, weight=weight)
    values, group = np.unique(-s.probabilities, return_inverse=True)
    frauds, rows = effective_counts(s.labels, s.weight, group, values.size)
    enough = np.flatnonzero(least_share(frauds, rows, confidence=confidence) >= floor)
    return float(-values[enough[-1]]) if enough.size else NOTHING


def effective_counts(labels: Floats, weight: Floats, group: Integers, groups: int) -> tuple[Floats, Floats]:
    """Frauds and rows of weight 1 that would show the weighted share of frauds as surely, of groups 0 … g [G].

    With a share q, frauds of weight u and legitimate rows of weight v the variance of the weighted share is
    q (1 − q) (u (1 − q) + v q) / Σ weight, so the last factor is what a row of weight 1 stands for. Kish's
    (Σ weight)² / Σ weight² would be u q + v (1 − q) there: it takes rare, heavy frauds for light ones.

    >>> [counts.tolist() for counts in effective_counts(np.ones(2), np.array([2.0, 2.0]), np.array([0, 1]), 2)]
    [[1.0, 2.0], [1.0, 2.0]]

    Args:
        labels: 0 or 1 [N].
        weight: ≥ 0 [N].
        group: which group each row is of, the first that is flagged is 0 [N].
        groups: how many there are, G.
    """

    def reached(values: Floats) -> Floats:
        total: Floats = np.cumsum(np.bincount(group, weights=values, minlength=groups))
        return total

    frauds, rows = reached(weight * labels), reached(weight)
    squares, both = reached(weight**2 * labels), reached(weight**2)
    heavy = _mean_weight(squares, frauds)
    light = _mean_weight(both - squares, rows - frauds)
    share = np.divide(frauds, rows, out=np.zeros(groups), where=rows > 0)
    times = np.where(frauds < rows, heavy + share * (light - heavy), heavy)
    return frauds / times, rows / times


def least_share(hits: ArrayLike, rows: ArrayLike, *, confidence: float) -> Floats:
    """One-sided lower bound of a share, of Clopper and Pearson (1934) [N].

    >>> least_share([0, 5, 10], [10, 10, 10], confidence=0.8).round(3).tolist()
    [0.0, 0.327, 0.851]

    Args:
        hits: how many of the rows count [N].
        rows: of how many [N].
        confidence: in how many samples out of one the bound is not above the truth.
    """
    k, n = np.asarray(hits, np.float64), np.asarray(rows, np.float64)
    bound: Floats = np.where(k > 0, stats.beta.ppf(1.0 - confidence, np.where(k > 0, k, 1.0), n - k + 1.0), 0.0)
    return bound


def _mean_weight(squares: Floats, total: Floats) -> Floats:
    """Σ weight² / Σ weight, and 1 where there is no weight."""
    found: Floats = np.divide(squares, total, out=np.ones(total.size), where=(total > 0) & (squares > 0))
    return found


def _amounts(amount: ArrayLike, rows: int) -> Floats:
    value = np.asarray(amount, dtype=np.float64)
    same_length(rows, amount=value)
    return value


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else float("nan")
