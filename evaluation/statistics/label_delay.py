"""How soon labels come, from data in which the late ones are still missing, and the fraud rate that follows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.errors import InputError
from evaluation.statistics.sample import Floats, Integers

FEWEST_KNOWN = 10
"""Labels of a class below which its delays are not estimated and its known labels are counted as they stand."""


@dataclass(frozen=True)
class DelayCurve:
    """The share of labels that come within a delay: a step function, 1 from the longest delay ever possible to see.

    Attributes:
        delay: where it steps, ascending [K].
        share: its value from each step on [K].
    """

    delay: Floats
    share: Floats

    def at(self, age: ArrayLike) -> Floats:
        """Share of the labels of rows of this age that are known by now [N]."""
        if self.delay.size == 0:
            return np.ones(np.shape(age))
        place = np.searchsorted(self.delay, np.asarray(age, np.float64), side="right") - 1
        return np.where(place >= 0, self.share[np.maximum(place, 0)], 0.0)


@dataclass(frozen=True)
class DelayedPrevalence:
    """The fraud rate of recent rows.

    Attributes:
        rows: the recent rows.
        known: those whose label is known; `frauds` among them.
        frauds: known frauds.
        as_known: frauds / known, biased where the two classes mature at different speeds.
        corrected: the rate once every known label counts for those of its age that are still to come.
        reported: share of the recent frauds that is thought to be known by now.
    """

    rows: int
    known: int
    frauds: int
    as_known: float
    corrected: float
    reported: float


def fit_delay_curve(delay: ArrayLike, age: ArrayLike) -> DelayCurve:
    """The distribution of delays from rows that are seen only if their delay is at most their age.

    The product-limit estimator in reversed time (Lagakos, Barraj and De Gruttola, 1988): going down from the longest
    delay, the share within u is multiplied by 1 − d(u) / n(u), where d counts the delays of u and n the rows that had
    come by u and were old enough for u to be seen. It is conditional on delays no longer than the oldest row's age.

    >>> curve = fit_delay_curve([1.0, 1.0, 4.0], [9.0, 9.0, 9.0])
    >>> curve.at([0.5, 1.0, 4.0]).round(4).tolist()
    [0.0, 0.6667, 1.0]

    Args:
        delay: of the labels that are known [N].
        age: how old those rows are [N], never below their delay.

    Raises:
        InputError: a delay is longer than its row is old.
    """
    x, limit = np.asarray(delay, np.float64), np.asarray(age, np.float64)
    late = x > limit
    if late.any():
        raise InputError(f"a known label's delay must be at most the row's age, got {int(late.sum())} that are longer")
    steps, events = np.unique(x, return_counts=True)
    come = np.searchsorted(np.sort(x), steps, side="right")
    too_young = np.searchsorted(np.sort(limit), steps, side="left")
    risk = come - too_young
    within = np.cumprod((1.0 - events / risk)[::-1])[::-1]
    share: Floats = np.append(within[1:], 1.0) if steps.size else np.empty(0)
    return DelayCurve(steps, share)


def delayed_prevalence(
    label: ArrayLike, event_time: ArrayLike, available_at: ArrayLike, *, as_of: int | None, start: int
) -> DelayedPrevalence:
    """The fraud rate of the rows later than `start`, as the labels known at `as_of` let it be told.

    Each known label counts 1 / P(a label of its class is known at this age) times (Horvitz and Thompson, 1952).
    Without it, the newest rows look more honest than they are wherever frauds are reported late.

    >>> found = delayed_prevalence([1, 0, np.nan, 0], [1, 2, 3, 4], [9, 9, 0, 9], as_of=None, start=0)
    >>> found.rows, found.known, found.frauds, round(found.corrected, 4)
    (4, 3, 1, 0.3333)

    Args:
        label: 0, 1 or NaN where not known [N].
        event_time: microseconds [N].
        available_at: microseconds [N]; read where the label is known.
        as_of: microseconds, or None where every label is known.
        start: microseconds.
    """
    y, time = np.asarray(label, np.float64), np.asarray(event_time, np.int64)
    recent, known = time > start, np.isfinite(y)
    weight = known.astype(np.float64)
    if as_of is not None:
        delay, age = np.asarray(available_at, np.int64) - time, (as_of - time).astype(np.float64)
        for value in (0.0, 1.0):
            weight[y == value] = _label_weights(delay[y == value], age[y == value])
    frauds, judged = recent & (y == 1), recent & known
    estimated, everyone = float(weight[frauds].sum()), float(weight[judged].sum())
    return DelayedPrevalence(
        rows=int(recent.sum()),
        known=int(judged.sum()),
        frauds=int(frauds.sum()),
        as_known=_ratio(float(frauds.sum()), float(judged.sum())),
        corrected=_ratio(estimated, everyone),
        reported=_ratio(float(frauds.sum()), estimated),
    )


def _label_weights(delay: Integers, age: Floats) -> Floats:
    """For how many rows of its age each known label of a class stands [N]."""
    if delay.size < FEWEST_KNOWN:
        return np.ones(delay.size)
    return 1.0 / np.maximum(fit_delay_curve(delay, age).at(age), 1e-6)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
