"""How a statistic stands in the report: its value, its interval, and whose it is."""

from collections.abc import Mapping
from typing import Any

from evaluation.statistics.intervals import Interval


def interval_record(interval: Interval, population: Mapping[str, Any], *, reason: str = "") -> dict[str, Any]:
    """One statistic with its interval, the population it speaks of, and where it is undefined why.

    Args:
        interval: value and bounds; NaN where undefined.
        population: the report's `population`, of which `fold` and `prevalence` are quoted.
        reason: why it is undefined, where that is known better than from the resamples.
    """
    record = bounds_record(interval) | {"population": population["fold"], "prevalence": population["prevalence"]}
    why = reason or interval.reason
    return record | {"reason": why} if why else record


def bounds_record(interval: Interval) -> dict[str, float]:
    """The value with its bounds, for tables that name their population once."""
    return {"value": interval.value, "low": interval.low, "high": interval.high}
