"""Whether what serves is right, in level and slope, on the rows that its map was fitted on."""

import numpy as np

from evaluation.gate import MapFit
from evaluation.report.evidence import CalibRows
from evaluation.statistics.logistic_line import clipped_logit, logistic_line, score_and_information
from evaluation.statistics.sample import sample
from evaluation.statistics.scores import one_class

UNKNOWN = MapFit(*(float("nan"),) * 4)


def map_fit(calib: CalibRows | None, shipped: str) -> MapFit | None:
    """Level and slope on calib of the very probabilities that serve; None where they are not given.

    A map with a level and a slope of its own solves the equations that make both 1. Anything else is another map than
    the one that was fitted, or a level or slope that no map has.

    Args:
        calib: labelled rows of calib with the shipped candidate's P(fraud) by the map that serves.
        shipped: its name.
    """
    if calib is None or shipped not in calib.mapped:
        return None
    known = np.isfinite(calib.rows.labels)
    weight = None if calib.rows.weight is None else calib.rows.weight[known]
    s = sample(calib.rows.labels[known], np.asarray(calib.mapped[shipped])[known], weight=weight)
    expected = float(s.weight @ s.probabilities)
    if one_class(s) or expected <= 0:
        return UNKNOWN
    z = clipped_logit(s.probabilities)
    _, slope = logistic_line(s.labels, z, s.weight)
    _, information = score_and_information(s.labels, s.probabilities, z, s.weight**2)
    spread = float(np.sqrt(information[0, 0])) / expected
    _, plain = score_and_information(s.labels, s.probabilities, z, s.weight)
    inverse = np.linalg.pinv(plain)
    return MapFit(s.frauds / expected, spread, slope, float(np.sqrt((inverse @ information @ inverse)[1, 1])))
