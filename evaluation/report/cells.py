"""How a number stands in a report: with its interval, whose it is, and in JSON's own types."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.statistics.intervals import Interval


def cell(interval: Interval, population: Mapping[str, Any], *, reason: str = "") -> dict[str, Any]:
    """One number of the report with its interval, and whose it is."""
    result = {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "population": population["fold"],
        "prevalence": population["prevalence"],
    }
    why = reason or interval.reason
    return result | {"reason": why} if why else result


def plain(value: Any) -> Any:
    """The same tree of JSON's own types: NaN and infinities become null, arrays lists, numpy numbers Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
