"""Counts of values by size: what a request may cost is less than a lock."""

from bisect import bisect_left
from collections.abc import Sequence
from math import log

LATENCIES = (50e-6, 100e-6, 200e-6, 400e-6, 800e-6, 1.5e-3, 3e-3, 6e-3, 12e-3, 25e-3, 50e-3, 0.1, 0.25, 1.0)
"""Seconds."""
FEWEST_EXPECTED = 1e-4


class Histogram:
    """How many values lie up to each of some bounds; one thread counts."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus takes it: the upper bound as text and how many values lie up to it."""
        found, so_far = [], 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            so_far += count
            found.append((bound, float(so_far)))
        return found


def stability_index(counts: Sequence[int], expected: Sequence[float]) -> float:
    """Population stability index (Karakoulas, 2004): Σ (p − q) ln(p / q) over bins; 0 where nothing was counted.

    >>> round(stability_index([50, 50], [0.5, 0.5]), 6), round(stability_index([80, 20], [0.5, 0.5]), 3)
    (0.0, 0.416)

    Args:
        counts: values that fell into each bin.
        expected: shares, of sum 1.
    """
    total = sum(counts)
    if not total:
        return 0.0
    shares = [
        (max(count / total, FEWEST_EXPECTED), max(share, FEWEST_EXPECTED))
        for count, share in zip(counts, expected, strict=True)
    ]
    return sum((seen - share) * log(seen / share) for seen, share in shares)
