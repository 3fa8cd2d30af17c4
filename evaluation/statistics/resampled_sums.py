"""Intervals of what follows from sums over rows: money, shares of value, ratios of counts, under the same draws.

Each row's contribution is added up by cluster once; a resample is then a product with how often each was drawn. So a
hundred figures cost little more than one, and any function of the sums has its interval.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.dependence import Dependence, compact
from evaluation.statistics.intervals import count_blocks
from evaluation.statistics.percentiles import Interval, percentile_interval
from evaluation.statistics.sample import Floats
from evaluation.statistics.two_way import combined_draws

BLOCK_FLOATS = 4_000_000
"""Size of a block of draws."""
Sums = Mapping[str, Floats]
"""A sum by name, or its draws [B]."""


@dataclass(frozen=True)
class ResampledSums:
    """Sums over the rows themselves, and over each resample of each unit.

    Attributes:
        values: name to its sum [1].
        by_unit: unit and name to the sums of its resamples [B].
        confidence: coverage of the intervals.
    """

    values: Sums
    by_unit: Mapping[str, Sums]
    confidence: float = 0.95

    def interval(
        self, statistic: Callable[[Sums], Floats], *, within: tuple[float, float] = (-np.inf, np.inf)
    ) -> Interval:
        """Percentile interval of a function of the sums.

        Args:
            statistic: takes sums [B] by name and gives [B]; NaN where it is undefined.
            within: its range.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(statistic(self.values)[0])
            draws = {unit: np.asarray(statistic(found), np.float64) for unit, found in self.by_unit.items()}
        if not np.isfinite(value):
            return Interval(value, float("nan"), float("nan"), "there is nothing to divide by")
        return percentile_interval(value, combined_draws(value, draws, within=within), confidence=self.confidence)


def resampled_sums(
    columns: Mapping[str, Floats], units: Dependence, *, rng: np.random.Generator, resamples: int
) -> ResampledSums:
    """Sums of columns under draws of whole clusters, as many as there are, with replacement.

    >>> drawn = resampled_sums({"saved": np.array([1.0, 3.0])}, Dependence({"row": np.array([0, 1])}, {"row": 2}),
    ...     rng=np.random.default_rng(0), resamples=100)
    >>> drawn.interval(lambda sums: sums["saved"])
    Interval(value=4.0, low=2.0, high=6.0, reason='')

    Args:
        columns: what each row adds, by name [N].
        units: what is drawn as a whole.
        rng: source of the draws.
        resamples: how many.
    """
    names = list(columns)
    by_unit = {}
    for unit, codes in units.units.items():
        dense = compact(codes)
        size = int(dense.max()) + 1 if dense.size else 0
        table = np.array([np.bincount(dense, weights=columns[name], minlength=size) for name in names])
        blocks = count_blocks(size, rng=rng, resamples=resamples, block=max(1, BLOCK_FLOATS // (size + 1)))
        drawn = np.concatenate([table @ counts for counts in blocks], axis=1)
        by_unit[unit] = dict(zip(names, drawn, strict=True))
    return ResampledSums({name: np.array([columns[name].sum()]) for name in names}, by_unit)
