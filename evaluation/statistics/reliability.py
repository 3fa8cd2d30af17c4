"""Reliability tables: what was promised against what happened, bin by bin, with exact binomial bars."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from evaluation.statistics.calibration_error import Binning, bin_index
from evaluation.statistics.sample import Floats, Integers, sample


@dataclass(frozen=True)
class ReliabilityTable:
    """One row per non-empty bin, ascending: all arrays [B].

    `lowest` and `highest` are the extreme probabilities inside the bin, `expected` their mean, `observed` the fraud
    rate, `low` and `high` its Clopper–Pearson interval.
    """

    kind: Binning
    lowest: Floats
    highest: Floats
    expected: Floats
    observed: Floats
    low: Floats
    high: Floats
    rows: Integers
    frauds: Integers

    def records(self) -> list[dict[str, float]]:
        """The table as plain numbers, a dictionary per bin, for JSON."""
        names = ("lowest", "highest", "expected", "observed", "low", "high", "rows", "frauds")
        columns = [getattr(self, name).tolist() for name in names]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def reliability_table(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 15,
    kind: Binning = "positives",
    confidence: float = 0.95,
    weight: ArrayLike | None = None,
) -> ReliabilityTable:
    """Bins of equal width, equal mass or equal expected frauds; empty ones are left out, so no rows, no bins.

    Equal expected frauds is the default: with rare fraud, equal width shows one bin that means anything.

    >>> table = reliability_table([1, 0, 0, 0], [0.75, 0.75, 0.25, 0.25], bins=2, kind="width")
    >>> table.expected.tolist(), table.observed.tolist(), table.rows.tolist()
    ([0.25, 0.75], [0.0, 0.5], [2, 2])

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        bins: number of bins.
        kind: what bins are equal in.
        confidence: coverage of the bars.
        weight: row weights, ≥ 0 [N]; `expected` and `observed` are weighted, bars are those of the bin's effective
            number of rows, and `rows` and `frauds` stay plain counts.
    """
    s = sample(labels, probabilities, weight=weight)
    index = bin_index(s.probabilities, bins=bins, kind=kind, weight=s.weight)
    rows = np.bincount(index, minlength=bins)
    used = np.flatnonzero(np.bincount(index, weights=s.weight, minlength=bins))
    frauds = np.bincount(index, weights=s.labels, minlength=bins)[used].astype(np.int64)
    rows = rows[used]
    lowest, highest = np.full(bins, np.inf), np.full(bins, -np.inf)
    np.minimum.at(lowest, index, s.probabilities)
    np.maximum.at(highest, index, s.probabilities)
    mass = np.bincount(index, weights=s.weight, minlength=bins)[used]
    expected = np.bincount(index, weights=s.weight * s.probabilities, minlength=bins)[used] / mass
    observed = np.bincount(index, weights=s.weight * s.labels, minlength=bins)[used] / mass
    effective = mass**2 / np.bincount(index, weights=s.weight**2, minlength=bins)[used]
    low, high = clopper_pearson(observed * effective, effective, confidence=confidence)
    return ReliabilityTable(
        kind, lowest[used], highest[used], expected, observed, low, high, rows.astype(np.int64), frauds
    )


def clopper_pearson(successes: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact binomial interval (Clopper & Pearson, 1934): at least the stated coverage for every true rate.

    >>> low, high = clopper_pearson([0], [1], confidence=0.9)  # no success in one trial: up to 1 − 0.05
    >>> low.tolist(), high.round(6).tolist()
    ([0.0], [0.95])

    Args:
        successes: counts [B], fractional where they are effective ones.
        trials: counts [B], each ≥ 1.
        confidence: coverage of the equal-tailed interval.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    tail = (1.0 - confidence) / 2.0
    low = np.where(k > 0, betaincinv(np.where(k > 0, k, 1.0), n - k + 1.0, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1.0, np.where(k < n, n - k, 1.0), 1.0 - tail), 1.0)
    return low, high


def score_histogram(labels: ArrayLike, probabilities: ArrayLike, *, edges: ArrayLike) -> tuple[Integers, Integers]:
    """Frauds and legitimate rows between consecutive edges, each [E − 1]; what lies outside counts in the end bins.

    >>> frauds, legitimate = score_histogram([1, 0, 0], [0.9, 0.2, 0.0], edges=[0.1, 0.5, 1.0])
    >>> frauds.tolist(), legitimate.tolist()
    ([0, 1], [2, 0])

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        edges: ascending [E].
    """
    s = sample(labels, probabilities)
    borders = np.asarray(edges, dtype=np.float64)
    index = np.clip(np.searchsorted(borders, s.probabilities, side="right") - 1, 0, borders.size - 2)
    frauds = np.bincount(index[s.labels > 0.5], minlength=borders.size - 1)
    return frauds, np.bincount(index[s.labels < 0.5], minlength=borders.size - 1)
