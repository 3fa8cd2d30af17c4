"""The mean of values whose rows are not independent, with the standard error that whole clusters give it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from evaluation.statistics.sample import Floats, Integers


@dataclass(frozen=True)
class ClusteredMean:
    """A mean, its standard error, and how many clusters stand behind it."""

    value: float
    error: float
    clusters: int

    def beyond(self, false_alarms: float, *, repeat_error: float = 0.0, degrees: float = np.inf) -> float:
        """What a mean that is really 0 exceeds with this probability; infinite below two clusters.

        Student's t with one degree of freedom less than there are clusters (Cameron & Miller, 2015): over a week of
        days the normal quantile is exceeded twice as often as it says.

        Args:
            false_alarms: the probability, one side.
            repeat_error: standard error from another source, which adds up in squares.
            degrees: degrees of freedom of that one.
        """
        if self.clusters < 2:
            return float("inf")
        quantile = student.ppf(1 - false_alarms, min(self.clusters - 1, degrees))
        return float(quantile * np.hypot(self.error, repeat_error))


def clustered_mean(values: Floats, clusters: Integers) -> ClusteredMean:
    """The mean of values [N] and its standard error, clusters taken as a whole.

    With the small-sample factor G / (G − 1) of G clusters, whose residuals sum to 0 like those of G numbers around
    their mean.

    >>> found = clustered_mean(np.array([1.0, 3.0, 5.0]), np.array([0, 1, 2]))
    >>> found.value, round(found.error, 4), found.clusters
    (3.0, 1.1547, 3)

    Args:
        values: [N].
        clusters: the cluster of each row [N].
    """
    group = np.unique(clusters, return_inverse=True)[1]
    mean = float(values.mean())
    sums = np.bincount(group, weights=values - mean)
    count = int(sums.size)
    factor = count / (count - 1) if count > 1 else 1.0
    return ClusteredMean(mean, float(np.sqrt(factor * (sums**2).sum())) / values.size, count)
