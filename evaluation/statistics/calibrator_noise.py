"""How a calibrator's line would have moved on other rows of calib: its own sampling noise.

With few frauds on calib the level of every probability is known to a few per cent only, and the outcomes of test say
nothing of that. Fitting the map anew in each resample costs too much and is not needed: about the fitted map, an affine
line through its logits stands at intercept 0 and slope 1, and one Newton step leads from there to where a resample
would have put it (the one-step bootstrap of Moulton & Zeger, 1991).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evaluation.statistics.dependence import Dependence
from evaluation.statistics.logistic_line import clipped_logit, score_and_information
from evaluation.statistics.sample import Floats, Integers


@dataclass(frozen=True)
class CalibratorRows:
    """The rows that the calibrators were fitted on, all of known label.

    Attributes:
        labels: 0 or 1 [M].
        candidates: name to calibrated P(fraud), cross-fitted [M].
        weight: ≥ 0 [M].
        clusters: units that are drawn as a whole.
    """

    labels: Floats
    candidates: Mapping[str, Floats]
    weight: Floats
    clusters: Dependence

    def unit(self, name: str) -> Integers:
        """Codes of the unit [M]; of the first of calib's own where it has too few of this one."""
        units = self.clusters.units
        return units.get(name, next(iter(units.values())))


def line_steps(labels: Floats, probabilities: Floats, weight: Floats, clusters: Integers) -> Floats:
    """What each cluster adds to intercept and slope of the calibrator's line if it is drawn once more [2, G].

    The step of a resample is this times (how often each cluster was drawn − 1), summed over clusters.

    >>> y, p = np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.1, 0.9])
    >>> steps = line_steps(y, p, np.ones(4), np.array([0, 1, 2, 3]))
    >>> (steps.round(3) + 0.0).tolist()  # the first row asks for more fraud, the third and fourth for a steeper line
    [[0.735, -0.735, -0.147, 0.147], [0.0, 0.0, 0.253, 0.253]]

    Args:
        labels: 0 or 1 [M].
        probabilities: calibrated P(fraud) [M].
        weight: ≥ 0 [M].
        clusters: codes 0 … G − 1 [M].
    """
    z = clipped_logit(probabilities)
    _, information = score_and_information(labels, probabilities, z, weight)
    residual = weight * (labels - probabilities)
    scores = np.stack([np.bincount(clusters, weights=part) for part in (residual, residual * z)])
    steps: Floats = np.linalg.pinv(information) @ scores
    return steps
