"""Recall at a fixed share of false alerts, with an interval that redraws the threshold too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.dependence import Dependence, compact
from evaluation.statistics.intervals import count_blocks
from evaluation.statistics.percentiles import UNDEFINED, Interval, percentile_interval
from evaluation.statistics.sample import Floats, Integers, Mask, Sample, sample
from evaluation.statistics.two_way import combined_draws

BLOCK_FLOATS = 4_000_000
MARGIN = 0.02
"""Share of the honest rows beyond twice the largest asked for: small samples spread more."""


def true_positive_rates(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    at: Sequence[float],
    units: Dependence,
    rng: np.random.Generator,
    resamples: int,
    weight: ArrayLike | None = None,
) -> list[Interval]:
    """The largest recall of a threshold that flags at most so large a share of the legitimate rows, whole ties only.

    It stays comparable where the fraud rate changes, as precision does not.

    >>> units = Dependence({"row": np.arange(4)}, {"row": 4})
    >>> found = true_positive_rates([1, 0, 1, 0], [0.9, 0.5, 0.4, 0.1], at=(0.0, 0.5), units=units,
    ...     rng=np.random.default_rng(0), resamples=50)
    >>> [interval.value for interval in found]
    [0.5, 1.0]

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        at: shares of the legitimate rows.
        units: what is drawn as a whole.
        rng: source of the draws.
        resamples: how many.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if not (0 < s.frauds < s.rows):
        return [UNDEFINED.because("it needs frauds and legitimate rows")] * len(at)
    parts = _parts(s, at)
    values = parts.recalls(np.ones((parts.rows.size, 1)), np.array([s.frauds]), np.array([s.rows - s.frauds]), at)[:, 0]
    draws: dict[str, Floats] = {}
    for unit, codes in units.units.items():
        dense = compact(codes)
        size, block = int(dense.max()) + 1, max(1, BLOCK_FLOATS // parts.rows.size)
        each = [np.bincount(dense, weights=w, minlength=size) for w in (s.weight * s.labels, s.weight * (1 - s.labels))]
        blocks = count_blocks(size, rng=rng, resamples=resamples, block=block)
        found = [parts.recalls(counts[dense[parts.rows]], each[0] @ counts, each[1] @ counts, at) for counts in blocks]
        draws[unit] = np.concatenate(found, axis=1)
    within = (0.0, 1.0)
    return [
        percentile_interval(
            float(value),
            combined_draws(float(value), {u: d[i] for u, d in draws.items()}, within=within),
            confidence=0.95,
        )
        for i, value in enumerate(values)
    ]


@dataclass(frozen=True)
class _Parts:
    """The most probable rows, first one first: their places [K], weights as frauds and not, and where ties end [K]."""

    rows: Integers
    frauds: Floats
    honest: Floats
    ends: Mask

    def recalls(self, counts: Floats, frauds: Floats, honest: Floats, at: Sequence[float]) -> Floats:
        """Recall at each share [len(at), B], for rows drawn so often [K, B] and so many of both classes in all [B]."""
        caught = np.cumsum(counts * self.frauds[:, None], axis=0)[self.ends]
        false = np.cumsum(counts * self.honest[:, None], axis=0)[self.ends]
        found = np.full((len(at), counts.shape[1]), np.nan)
        for b in np.flatnonzero((frauds > 0) & (honest > 0)):
            places = np.searchsorted(false[:, b], np.asarray(at) * honest[b] * (1 + 1e-12), side="right") - 1
            found[:, b] = np.where(places >= 0, caught[np.maximum(places, 0), b], 0.0) / frauds[b]
        return found


def _parts(s: Sample, at: Sequence[float]) -> _Parts:
    """The rows down to where twice the largest share of honest ones is passed: no draw's threshold lies below."""
    order = np.argsort(-s.probabilities, kind="stable")
    ends = np.append(np.diff(s.probabilities[order]) != 0, True)
    honest = ((1 - s.labels) * s.weight)[order]
    enough = np.cumsum(honest) >= (2 * max(at) + MARGIN) * honest.sum()
    last = int(np.flatnonzero(enough & ends)[0]) + 1 if (enough & ends).any() else order.size
    kept = order[:last]
    return _Parts(kept, (s.labels * s.weight)[kept], honest[:last], ends[:last])
