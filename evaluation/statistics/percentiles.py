"""A value with an interval, and intervals from the percentiles of draws."""

from dataclasses import dataclass, replace

import numpy as np

from evaluation.statistics.sample import Floats


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap percentile interval; NaN and a reason where it is undefined."""

    value: float
    low: float
    high: float
    reason: str = ""

    def because(self, reason: str) -> "Interval":
        """The same interval with the reason why it is undefined."""
        return replace(self, reason=reason)


UNDEFINED = Interval(float("nan"), float("nan"), float("nan"))


def percentile_interval(value: float, draws: Floats, *, confidence: float, centred: bool = False) -> Interval:
    """Equal-tailed percentiles of the finite draws; a resample without a class has no value and is left out.

    With `centred` the draws are first moved by value − mean(draws) and kept ≥ 0 at the lower end if value is: a binned
    error is pushed upwards by resampling and would otherwise lie below its own interval.

    >>> percentile_interval(50.0, np.arange(101.0), confidence=0.5)
    Interval(value=50.0, low=25.0, high=75.0, reason='')

    Args:
        value: the statistic on the rows themselves.
        draws: the same on each resample, NaN where it is undefined [B].
        confidence: coverage of the interval.
        centred: move the draws back by their bias.
    """
    kept = draws[np.isfinite(draws)]
    if not np.isfinite(value) or kept.size < max(2, draws.size // 2):
        nan = float("nan")
        return Interval(value, nan, nan, f"undefined in {draws.size - kept.size} of {draws.size} resamples")
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(kept, [tail, 1.0 - tail])
    if centred:
        shift = value - kept.mean()
        low, high = (max(low + shift, 0.0) if value >= 0 and kept.min() >= 0 else low + shift), high + shift
    return Interval(value, float(low), float(high))
