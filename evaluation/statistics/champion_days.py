"""What a fixed model promised and what has come of it by event day, while labels are still arriving."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.change_detection import DailySums
from evaluation.statistics.label_delay import FEWEST_KNOWN, DelayCurve, fit_delay_curve
from evaluation.statistics.sample import DAY, Floats, Integers, Mask

LEAST_KNOWN = 0.2
"""Share of a class that must be known at a row's age before the row counts: no label stands for more than five."""

NEARLY_ALL = 0.95
"""Share of the frauds known from which on it can be told how many rows never get a label, blocked ones above all."""


@dataclass(frozen=True)
class WatchedRows:
    """Rows that a fixed model scored and never saw before.

    Attributes:
        labels: 0, 1 or NaN where not known yet [N].
        probabilities: P(fraud), finite [N].
        event_time: microseconds since 1970 [N].
    """

    labels: Floats
    probabilities: Floats
    event_time: Integers


@dataclass(frozen=True)
class ChampionDays:
    """Daily sums of a model: frauds, and the log loss that frauds cost, in the unit of a fraud of mean surprise."""

    frauds: DailySums
    loss: DailySums


def fraud_delays(label: ArrayLike, event_time: ArrayLike, available_at: ArrayLike, *, as_of: int | None) -> DelayCurve:
    """How soon frauds are known, from all that are known; every one at once where `as_of` is None or they are few.

    >>> fraud_delays([1, 0], [0, 0], [5, 5], as_of=None).at([0.0]).tolist()
    [1.0]

    Args:
        label: 0, 1 or NaN [N].
        event_time: microseconds [N].
        available_at: microseconds [N]; read where the label is 1.
        as_of: microseconds, or None where all labels are known.
    """
    fraud = np.asarray(label, np.float64) == 1
    if as_of is None or int(fraud.sum()) < FEWEST_KNOWN:
        return DelayCurve(np.empty(0), np.empty(0))
    time = np.asarray(event_time, np.int64)[fraud]
    return fit_delay_curve(np.asarray(available_at, np.int64)[fraud] - time, (as_of - time).astype(np.float64))


def champion_days(rows: WatchedRows, delays: DelayCurve, *, as_of: int | None) -> ChampionDays:
    """What came of a model's promises by event day, as of one night.

    A known fraud counts 1 / P(a fraud of its age is known) times (Horvitz and Thompson, 1952); what was promised is the
    sum over all rows, known or not, so that it has no noise of its own. Rows too young to have a fifth of their frauds
    known are left out; so are rows older than the longest delay that have no label, and of the younger ones' promise
    the share that no label ever comes of.

    The loss is the part of the log loss that frauds cost, Σ −log p over frauds, against its promise Σ −p log p: it
    moves most where a model misses frauds that it used to find.

    >>> rows = WatchedRows(np.array([1.0, 0.0]), np.array([0.5, 0.25]), np.array([0, DAY]))
    >>> found = champion_days(rows, fraud_delays([], [], [], as_of=None), as_of=None).frauds
    >>> found.observed.tolist(), found.expected.tolist()
    ([1.0, 0.0], [0.5, 0.25])

    Args:
        rows: in any order.
        delays: how soon frauds are known.
        as_of: the night, microseconds; None where all labels are known.
    """
    age = np.full(rows.labels.size, np.inf) if as_of is None else (as_of - rows.event_time).astype(np.float64)
    share, unlabelled = delays.at(age), ~np.isfinite(rows.labels)
    finished, settled = share >= 1.0, share >= NEARLY_ALL
    kept = (share >= LEAST_KNOWN) & (age >= 0) & ~(finished & unlabelled)
    labelled = _labelled_share(rows.probabilities[settled], unlabelled[settled], share[settled])
    coming = np.where(finished, 1.0, labelled)[kept]
    p, weight = np.clip(rows.probabilities[kept], 1e-12, 1.0), 1.0 / share[kept]
    fraud, day = rows.labels[kept] == 1, rows.event_time[kept] // DAY
    surprise = -np.log(p)
    unit = _ratio(float((p * surprise**2).sum()), float((p * surprise).sum()))
    frauds = _daily(day, fraud * weight, p * coming, weight)
    return ChampionDays(frauds, _daily(day, fraud * weight * surprise / unit, p * coming * surprise / unit, weight))


def _daily(day: Integers, observed: Floats, expected: Floats, weight: Floats) -> DailySums:
    first = int(day.min()) if day.size else 0
    place = day - first
    present = np.flatnonzero(np.bincount(place)).astype(np.int64)
    came, promised, noise = (
        np.bincount(place, each)[present].astype(np.float64) for each in (observed, expected, expected * (weight - 1.0))
    )
    return DailySums(present + first, came, promised, noise)


def _labelled_share(probabilities: Floats, unlabelled: Mask, share: Floats) -> float:
    """Share of the promise that ever gets a label, among rows of which nearly all that will come has come."""
    due = float((probabilities * share).sum())
    return min(1.0, float(probabilities[~unlabelled].sum()) / due) if due > 0 else 1.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
