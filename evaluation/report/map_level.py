"""Whether the map that serves keeps the level of the rows it was fitted on."""

import numpy as np

from evaluation.gate import MapLevel
from evaluation.report.evidence import CalibRows


def map_level(calib: CalibRows | None, shipped: str) -> MapLevel | None:
    """Observed over promised frauds on calib by the very probabilities that serve; None where they are not given.

    A map with a level of its own solves Σ weight · (label − probability) = 0, so that it is 1 but for rounding: anything
    else is another map than the one that was fitted, or a level that no map has.

    Args:
        calib: labelled rows of calib with the shipped candidate's P(fraud) by the map that serves.
        shipped: its name.
    """
    if calib is None or shipped not in calib.mapped:
        return None
    known = np.isfinite(calib.rows.labels)
    y, p = calib.rows.labels[known], np.asarray(calib.mapped[shipped], dtype=np.float64)[known]
    w = np.ones(y.size) if calib.rows.weight is None else calib.rows.weight[known]
    expected = float(w @ p)
    if expected <= 0:
        return MapLevel(float("nan"), float("nan"))
    return MapLevel(float(w @ y) / expected, float(np.sqrt(w**2 @ (p * (1.0 - p)))) / expected)
