"""A detector of change that rings on daily sums: what happened against what a fixed model had promised.

Daily counts of fraud scatter more than chance (bursts on one card, tapped merchants, days of the week), and a model
that stands still drifts a little by calendar. So a day is held against a promise with a margin, and its scatter is
taken from the days themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from evaluation.statistics.intervals import UNDEFINED, Interval
from evaluation.statistics.sample import Floats, Integers, same_length

FACTORS = (1.25, 1.5, 2.0, 3.0)
"""By how much more than the margin allows, or less, a change is looked for; each counts alike."""
USUAL_SCATTER = 4.0
"""Variance over mean of a day's frauds where the days themselves do not tell; of simulated and of public data."""
PRIOR_DAYS = 10
"""Days that `USUAL_SCATTER` counts for beside those that were seen."""
FEWEST_DAYS = 3
"""Days below which nothing can ring."""


@dataclass(frozen=True)
class DailySums:
    """What happened and what was promised by day, days ascending [D].

    Attributes:
        day: days since 1970, UTC.
        observed: what happened, with what is still to come accounted for.
        expected: what was promised of the same rows, in the same unit.
        noise: variance of `observed` that comes from labels still to come, in the same unit squared.
    """

    day: Integers
    observed: Floats
    expected: Floats
    noise: Floats

    def __post_init__(self) -> None:
        same_length(self.day.size, observed=self.observed, expected=self.expected, noise=self.noise)

    def last(self, days: int) -> "DailySums":
        """The newest days."""
        kept = slice(-days, None)
        return DailySums(self.day[kept], self.observed[kept], self.expected[kept], self.noise[kept])


@dataclass(frozen=True)
class Change:
    """What the detector says of one statistic.

    Attributes:
        evidence: the e-detector's value, the mean over both directions; large where something changed.
        rose: whether more happened than was promised, rather than less.
        since: the day from which on the evidence is largest, days since 1970; None without days.
        ratio: observed/expected since then; its interval knows nothing of the choice of the day.
        scatter: variance over mean of a day, as the days show it.
    """

    evidence: float
    rose: bool
    since: int | None
    ratio: Interval
    scatter: float


def detect_change(days: DailySums, *, margin: float, confidence: float = 0.95) -> Change:
    """How strongly the days speak for a change on some day up to the last one, and since when.

    With a day's promise E and scatter φ, O/φ is taken as Poisson, so that κ^(O/φ) · exp(−(κ − 1)(1 + m)E/φ) has mean at
    most 1 while the true ratio is at most 1 + m; likewise below 1/(1 + m) with factors 1/κ. A day's e-value multiplies
    those after each possible day of change, and the sum over these days is an e-detector of the Shiryaev-Roberts kind
    (Shin, Ramdas and Rinaldo, 2022, arXiv 2203.03532): over n nights it reaches c with a probability of at most n/c
    where φ is known and O/φ is Poisson. Here that is only about so: φ is estimated from the same days and too small on
    some nights, and frauds that come in bursts are not Poisson at any scale. The mean over factors and directions is an
    e-detector too.

    >>> quiet = DailySums(np.arange(20), np.full(20, 40.0), np.full(20, 40.0), np.zeros(20))
    >>> risen = DailySums(np.arange(20), np.repeat([40.0, 90.0], 10), np.full(20, 40.0), np.zeros(20))
    >>> detect_change(quiet, margin=0.2).evidence < 10, detect_change(risen, margin=0.2).evidence > 1000
    (True, True)
    >>> detect_change(risen, margin=0.2).since
    10

    Args:
        days: of one model, in one unit.
        margin: relative change that is none yet.
        confidence: coverage of the ratio's interval.
    """
    scatter = daily_scatter(days)
    if days.day.size < FEWEST_DAYS:
        return Change(0.0, True, None, UNDEFINED, scatter)
    variance = scatter + np.divide(days.noise, days.expected, out=np.zeros(days.day.size), where=days.expected > 0)
    found = {rose: _evidence(days, variance, margin=margin, rose=rose) for rose in (True, False)}
    rose = max(found, key=lambda each: float(found[each].max()))
    start = int(np.argmax(found[rose]))
    ratio = daily_ratio(days.last(days.day.size - start), scatter=scatter, confidence=confidence)
    return Change(float(sum(each.sum() for each in found.values()) / 2), rose, int(days.day[start]), ratio, scatter)


def ringing_evidence(*, nights: int, false_alarms: float) -> float:
    """The evidence that chance reaches on some of so many nights with a probability of about `false_alarms` at most.

    >>> ringing_evidence(nights=160, false_alarms=0.05)
    3200.0
    """
    return nights / false_alarms


def daily_scatter(days: DailySums) -> float:
    """Variance over mean of a day, from the differences of neighbouring days, which no change of level moves much.

    Few days say little, so the usual scatter counts for `PRIOR_DAYS` of them, and it is never below 1.

    >>> even = DailySums(np.arange(90), np.full(90, 40.0), np.full(90, 40.0), np.zeros(90))
    >>> wild = DailySums(np.arange(90), np.tile([20.0, 60.0], 45), np.full(90, 40.0), np.zeros(90))
    >>> daily_scatter(even) < 1.5, daily_scatter(wild) > 10
    (True, True)
    """
    kept = days.expected > 0
    observed, expected, noise = days.observed[kept], days.expected[kept], days.noise[kept]
    if expected.size < 2:
        return USUAL_SCATTER
    level = max(float(observed.sum() / expected.sum()), 1e-9)
    ratio = observed / expected
    own = noise / expected**2
    squares = np.diff(ratio) ** 2 - own[1:] - own[:-1]
    found = squares / (level / expected[1:] + level / expected[:-1])
    count = found.size
    return max(1.0, (float(found.sum()) + PRIOR_DAYS * USUAL_SCATTER) / (count + PRIOR_DAYS))


def daily_ratio(days: DailySums, *, scatter: float, confidence: float = 0.95) -> Interval:
    """Observed/expected over the days, with the exact interval of a Poisson count that scatters as the days do.

    >>> days = DailySums(np.arange(2), np.array([30.0, 50.0]), np.array([40.0, 40.0]), np.zeros(2))
    >>> ratio = daily_ratio(days, scatter=4.0)
    >>> ratio.value, round(ratio.low, 2), round(ratio.high, 2)
    (1.0, 0.61, 1.54)

    Args:
        days: of one model, in one unit.
        scatter: variance over mean of a day, labels still to come left aside.
        confidence: coverage.
    """
    observed, expected = float(days.observed.sum()), float(days.expected.sum())
    if expected <= 0:
        return UNDEFINED
    unit = scatter + float(days.noise.sum()) / expected
    tail, count = (1.0 - confidence) / 2.0, observed / unit
    low = stats.gamma.ppf(tail, count) if count > 0 else 0.0
    high = stats.gamma.ppf(1.0 - tail, count + 1.0)
    return Interval(observed / expected, float(low * unit / expected), float(high * unit / expected))


def combined_evidence(changes: Sequence[Change]) -> float:
    """The mean over several statistics of the same days: an e-detector again, whatever they have in common.

    >>> combined_evidence([])
    0.0
    """
    return float(np.mean([each.evidence for each in changes])) if changes else 0.0


def _evidence(days: DailySums, variance: Floats, *, margin: float, rose: bool) -> Floats:
    """The product of e-values from each day on to the last, mean over factors [D]."""
    side = 1.0 if rose else -1.0
    promised = days.expected * (1.0 + margin) ** side
    gains = [
        side * np.log(factor) * days.observed / variance - (factor**side - 1.0) * promised / variance
        for factor in FACTORS
    ]
    products: Floats = np.mean([np.exp(np.minimum(np.cumsum(gain[::-1])[::-1], 600.0)) for gain in gains], axis=0)
    return products
