"""How soon labels come, from data in which the late ones are still missing, and the fraud rate that follows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from evaluation.errors import InputError
from evaluation.statistics.sample import DAY, Floats, Integers, Mask

FEWEST_KNOWN = 10
"""Labels of a class below which its delays are not estimated and its known labels are counted as they stand."""
RIPE = 0.2
"""Share of labels known at an age below which rows of that age are left out: one label would stand for too many."""


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

    def reaching(self, share: float) -> float:
        """The shortest delay within which this share of the labels comes; 0 where every label is known at once."""
        if self.delay.size == 0:
            return 0.0
        return float(self.delay[min(int(np.searchsorted(self.share, share)), self.delay.size - 1)])


@dataclass(frozen=True)
class LabelCurves:
    """The delays of both classes; None where a class has too few labels for its delays to be told."""

    legitimate: DelayCurve | None
    fraud: DelayCurve | None

    def known_share(self, fraud: bool, age: ArrayLike) -> Floats:
        """P(the label is known | class, age) [N]; 1 where nothing is known of the class's delays."""
        curve = self.fraud if fraud else self.legitimate
        return np.ones(np.shape(age)) if curve is None else curve.at(age)


@dataclass(frozen=True)
class DelayedPrevalence:
    """The fraud rate of recent rows.

    Attributes:
        rows: the recent rows.
        known: those whose label is known; `frauds` among them.
        frauds: known frauds.
        as_known: frauds / known, biased where the two classes mature at different speeds.
        corrected: the rate once every known fraud counts for those of its age that are still to come.
        low: lower end of its 95 % interval, NaN where it has none.
        high: upper end.
        reported: share of the recent frauds that is thought to be known by now.
        judged_rows: recent rows of an age at which a fifth of the frauds is known, which the rate is taken from.
        effective_frauds: (Σ w)² / Σ w² of the frauds among those: as many frauds of equal weight would say as much.
    """

    rows: int
    known: int
    frauds: int
    as_known: float
    corrected: float
    low: float
    high: float
    reported: float
    judged_rows: int
    effective_frauds: float


def fit_delay_curve(delay: ArrayLike, age: ArrayLike, *, fewest_old: int = 1) -> DelayCurve:
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
        fewest_old: a delay that fewer rows are old enough to have shown counts as the longest one of the others; where
            one row alone is so old, its own delay would pass for the only one possible.

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
    stay = np.where(limit.size - too_young >= fewest_old, 1.0 - events / np.maximum(come - too_young, 1), 1.0)
    within = np.cumprod(stay[::-1])[::-1]
    share: Floats = np.append(within[1:], 1.0) if steps.size else np.empty(0)
    return DelayCurve(steps, share)


def fit_label_curves(
    label: ArrayLike, event_time: ArrayLike, available_at: ArrayLike, *, deadline: int | None
) -> LabelCurves:
    """The delays of both classes from what was known at a moment: of every row, not of one fold's alone.

    Within a class the delay is taken not to depend on anything else of the row but its age.

    >>> time = np.arange(20)
    >>> fit_label_curves(np.ones(20), time, time + 2, deadline=30).known_share(fraud=True, age=[1, 2]).tolist()
    [0.0, 1.0]

    Args:
        label: 0, 1 or NaN where not known [N].
        event_time: microseconds [N].
        available_at: microseconds [N]; read where the label is known.
        deadline: the moment in microseconds; what became known later is not looked at. None where every label is known.
    """
    if deadline is None:
        return LabelCurves(None, None)
    y, time, available = np.asarray(label), np.asarray(event_time, np.int64), np.asarray(available_at, np.int64)
    known = (available <= deadline) & (time <= deadline)

    def curve(value: int) -> DelayCurve | None:
        rows = known & (y == value)
        if rows.sum() < FEWEST_KNOWN:
            return None
        return fit_delay_curve((available - time)[rows], (deadline - time)[rows], fewest_old=FEWEST_KNOWN)

    return LabelCurves(curve(0), curve(1))


def delayed_prevalence(
    label: ArrayLike, event_time: ArrayLike, available_at: ArrayLike, *, as_of: int | None, start: int
) -> DelayedPrevalence:
    """The fraud rate of the rows later than `start`, as the labels known at `as_of` let it be told.

    Each known fraud counts 1 / P(a fraud's label is known at this age) times (Horvitz and Thompson, 1952), at ages
    where that share is a fifth or more. Below the line stand all rows of these ages that will have a label: known ones
    weighted alike where honest rows of the age are known too, else the rows themselves times the share of older rows
    that got a label, for a feed may date its frauds alone.

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
    if as_of is not None:
        y = np.where(np.asarray(available_at, np.int64) <= as_of, y, np.nan)
    recent, known = time > start, np.isfinite(y)
    if as_of is None:
        ripe, weight, expected = np.ones(y.size, np.bool_), known.astype(np.float64), known.astype(np.float64)
    else:
        curves = fit_label_curves(y, time, available_at, deadline=as_of)
        ripe, weight, expected = _weighted(y, (as_of - time).astype(np.float64), curves)
    frauds, judged = recent & (y == 1), recent & ripe
    weights = np.where(frauds & judged, weight, 0.0)
    whole = float(expected[judged].sum())
    corrected = _ratio(float(weights.sum()), whole)
    low, high = _interval(weights[judged], expected[judged], time[judged] // DAY)
    return DelayedPrevalence(
        rows=int(recent.sum()),
        known=int((recent & known).sum()),
        frauds=int(frauds.sum()),
        as_known=_ratio(float(frauds.sum()), float((recent & known).sum())),
        corrected=corrected,
        low=low,
        high=high,
        reported=_ratio(float(frauds.sum()), max(corrected * float(expected[recent].sum()), float(frauds.sum()))),
        judged_rows=int(judged.sum()),
        effective_frauds=effective_size(weights),
    )


def effective_size(weight: ArrayLike) -> float:
    """(Σ w)² / Σ w²: how many rows of equal weight would say as much (Kish, 1965); 0 of none.

    >>> effective_size([1.0, 1.0, 2.0])
    2.6666666666666665
    """
    w = np.asarray(weight, np.float64)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0


def _weighted(label: Floats, age: Floats, curves: LabelCurves) -> tuple[Mask, Floats, Floats]:
    """Which rows are of a ripe age, for how many each known one stands, and how many labels each row will bring."""
    shares = [curves.known_share(fraud, age) for fraud in (False, True)]
    ripe = shares[1] >= RIPE
    dated = ripe & (shares[0] >= RIPE) & (curves.legitimate is not None)
    weight = np.zeros(label.size)
    for value, share in enumerate(shares):
        weight[label == value] = 1.0 / np.maximum(share[label == value], RIPE)
    labelled = min(1.0, _ratio(float(weight[dated].sum()), float(dated.sum()))) if dated.any() else 1.0
    return ripe, weight, np.where(dated, weight, labelled)


def _interval(weights: Floats, expected: Floats, day: Integers) -> tuple[float, float]:
    """The 95 % interval of Σ weights / Σ expected on a log scale, with days as clusters and t of their number − 1.

    Never narrower than independent frauds would make it, for a few quiet days may agree by chance.
    """
    _, place = np.unique(day, return_inverse=True)
    days, rate = int(place.max(initial=-1)) + 1, _ratio(float(weights.sum()), float(expected.sum()))
    if days < 2 or not rate > 0:
        return float("nan"), float("nan")
    residual = np.bincount(place, weights) - rate * np.bincount(place, expected)
    between = days / (days - 1) * float((residual**2).sum())
    relative = float(np.sqrt(max(between, float((weights**2).sum())))) / float(weights.sum())
    factor = float(np.exp(student.ppf(0.975, days - 1) * relative))
    return rate / factor, rate * factor


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
