"""Recall at a fixed share of false alerts, with an interval that redraws the threshold too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.dependence import Dependence, compact
from evaluation.statistics.intervals import count_blocks
from evaluation.statistics.percentiles import UNDEFINED, Interval, percentile_interval
from evaluation.statistics.sample import Floats, Mask, sample
from evaluation.statistics.two_way import combined_draws

BLOCK_FLOATS = 8_000_000


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
    order = np.argsort(-s.probabilities, kind="stable")
    ends = np.append(np.diff(s.probabilities[order]) != 0, True)
    parts = _Parts(s.labels[order] * s.weight[order], (1 - s.labels[order]) * s.weight[order], ends)
    values = parts.recalls(np.ones((s.labels.size, 1)), at)[:, 0]
    draws: dict[str, Floats] = {}
    for unit, codes in units.units.items():
        dense = compact(codes)
        size, block = int(dense.max()) + 1, max(1, BLOCK_FLOATS // s.labels.size)
        blocks = count_blocks(size, rng=rng, resamples=resamples, block=block)
        draws[unit] = np.concatenate([parts.recalls(counts[dense[order]], at) for counts in blocks], axis=1)
    within = (0.0, 1.0)
    return [
        percentile_interval(
            float(value),
            combined_draws(float(value), {u: d[i] for u, d in draws.items()}, within=within),
            confidence=0.95,
        )
        for i, value in enumerate(values)
    ]


class _Parts:
    """Weights of frauds and of legitimate rows, most probable first, and where runs of ties end [N]."""

    def __init__(self, frauds: Floats, honest: Floats, ends: Mask) -> None:
        self._frauds, self._honest, self._ends = frauds, honest, ends

    def recalls(self, counts: Floats, at: Sequence[float]) -> Floats:
        """Recall at each share, for rows drawn so often [N, B]: [len(at), B]."""
        caught = np.cumsum(counts * self._frauds[:, None], axis=0)
        false = np.cumsum(counts * self._honest[:, None], axis=0)
        found = np.full((len(at), counts.shape[1]), np.nan)
        for b in range(counts.shape[1]):
            if caught[-1, b] > 0 and false[-1, b] > 0:
                own = false[self._ends, b]
                places = np.searchsorted(own, np.asarray(at) * own[-1] * (1 + 1e-12), side="right") - 1
                hits = caught[self._ends, b]
                found[:, b] = np.where(places >= 0, hits[np.maximum(places, 0)], 0.0) / caught[-1, b]
        return found
