"""The binned calibration error without what noise alone puts into it, and an interval that can hold 0.

Every bin's gap between observed and expected frauds is off by noise, and a sum of sizes cannot cancel it: the plain
error is above 0 for the best of models. What the same noise would show around gaps of 0 is taken off.
"""

from collections.abc import Mapping

import numpy as np

from evaluation.statistics.percentiles import UNDEFINED, Interval
from evaluation.statistics.sample import Floats
from evaluation.statistics.two_way import two_way_variance, variance, widest_unit


def debiased_error(gaps: Floats, draws: Mapping[str, Floats], *, confidence: float) -> Interval:
    """The error ‖gaps‖ = Σ |gap| minus the mean of ‖noise‖, which is 0 on average where every true gap is 0.

    The lower end is ‖gaps‖ minus the `confidence` quantile of ‖noise‖: by the triangle inequality it exceeds the true
    error no more often than that quantile is exceeded, and it exceeds 0 only where chance alone would not reach so far.
    The upper end adds the quantile of the noise along the signs of the gaps. Where gaps are far beyond their noise,
    the value is too low by what was taken off, and the interval is not.

    >>> noise = np.array([[-0.2, -0.1, 0.0, 0.1, 0.2]])
    >>> found = debiased_error(np.array([0.1]), {"card": noise}, confidence=0.95)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (-0.02, -0.1, 0.29)

    Args:
        gaps: (observed − expected frauds) / rows of each bin [bins].
        draws: unit to the same in each resample minus `gaps` [bins, B].
        confidence: coverage of the interval.
    """
    noise = stretched_noise(draws)
    if noise.shape[-1] < 2 or not np.isfinite(noise).all():
        return UNDEFINED.because("no rows" if noise.shape[-1] else "no resamples")
    error, sizes = float(np.abs(gaps).sum()), np.abs(noise).sum(axis=0)
    along = np.sign(gaps) @ noise
    low = error - float(np.quantile(sizes, confidence))
    high = error + float(np.quantile(-along, (1.0 + confidence) / 2.0))
    return Interval(error - float(sizes.mean()), low, high)


def stretched_noise(draws: Mapping[str, Floats]) -> Floats:
    """Centred draws of the widest unit, each bin's stretched to its two-way variance [bins, B].

    >>> stretched_noise({"row": np.array([[-1.0, 1.0, 3.0]])}).tolist()
    [[-2.0, 0.0, 2.0]]

    Args:
        draws: unit to deviations of each bin's gap [bins, B].
    """
    widest = draws[widest_unit(draws)]
    if widest.size == 0:
        return widest
    own, both = variance(widest), two_way_variance(draws)
    factor = np.sqrt(np.divide(both, own, out=np.ones_like(own), where=own > 0))
    stretched: Floats = (widest - widest.mean(axis=-1, keepdims=True)) * factor[:, None]
    return stretched
