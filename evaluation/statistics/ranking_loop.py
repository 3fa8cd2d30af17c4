"""The numba loop that ranks many resamples at once: one walk down the thresholds, all resamples side by side.

A resample only changes how often each cluster counts, so the thresholds and what every cluster has at each are found
once. Nothing as large as thresholds times resamples is ever written down.
"""

import numpy as np
from scipy.sparse import csr_matrix

from evaluation.statistics.machine_code import inlined, machine_code
from evaluation.statistics.sample import Floats, Integers

LANES = 128
"""Resamples that are walked side by side: their counts stay in the processor's cache."""


def ranking_sums(steps: csr_matrix, counts: Floats, *, rows: Floats, frauds: Floats, budget: float) -> Floats:
    """Sums over thresholds that the ranking statistics are made of, for each column of counts [4, B].

    Over the thresholds m, highest first: Σ frauds_m · (legitimate rows below + half of those at m), which is ROC AUC
    before its division; Σ frauds_m · precision_m, likewise average precision; and the frauds, then the value of
    frauds, within the `budget` share of rows that is flagged first, a threshold that it cuts through in proportion.

    >>> steps = csr_matrix(np.array([[1.0, 0], [0, 0], [0, 0], [0, 1], [7, 0], [0, 0]]))  # fraud first, then another
    >>> once = np.ones((2, 1))
    >>> ranking_sums(steps, once, rows=np.array([2.0]), frauds=np.array([1.0]), budget=0.5).ravel().tolist()
    [1.0, 1.0, 1.0, 7.0]

    Args:
        steps: frauds, legitimate rows and value of frauds at each threshold, highest first [3·M, G].
        counts: how often each cluster was drawn [G, B].
        rows: weight of all rows [B].
        frauds: weight of all frauds [B].
        budget: share of rows that is flagged.
    """
    count = steps.shape[0] // 3
    ends = np.stack([steps.indptr[part * count : (part + 1) * count + 1] for part in range(3)])
    result = np.empty((4, counts.shape[1]))
    for start in range(0, counts.shape[1], LANES):
        lanes = slice(start, start + LANES)
        drawn = np.ascontiguousarray(counts[:, lanes])
        room, legitimate = budget * rows[lanes], rows[lanes] - frauds[lanes]
        result[:, lanes] = _sums_of_lanes(ends, steps.indices, steps.data, drawn, room, legitimate)
    return result


@machine_code
def _sums_of_lanes(
    ends: Integers, cluster: Integers, weight: Floats, counts: Floats, room: Floats, legitimate: Floats
) -> Floats:
    """What `ranking_sums` returns, for the resamples of one group of lanes.

    Args:
        ends: where frauds, legitimate rows and values of each threshold begin among the entries, and end [3, M + 1].
        cluster: of each entry.
        weight: of each entry.
        counts: how often each cluster was drawn [G, B].
        room: weight of the rows that are flagged [B].
        legitimate: weight of all legitimate rows [B].
    """
    lanes = counts.shape[1]
    area, precision, caught, value = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
    here = np.empty((3, lanes))
    frauds_above, legitimate_above = np.zeros(lanes), np.zeros(lanes)
    for m in range(ends.shape[1] - 1):
        if ends[0, m] == ends[0, m + 1]:
            _add_drawn(legitimate_above, cluster, weight, counts, ends[1, m : m + 2])
            continue
        here[:] = 0.0
        for part in range(3):
            _add_drawn(here[part], cluster, weight, counts, ends[part, m : m + 2])
        for b in range(lanes):
            fraud, mass, above = here[0, b], here[0, b] + here[1, b], frauds_above[b] + legitimate_above[b]
            frauds_above[b] += fraud
            legitimate_above[b] += here[1, b]
            flagged = min(max((room[b] - above) / mass, 0.0), 1.0) if mass > 0 else 0.0
            area[b] += fraud * (legitimate[b] - legitimate_above[b] + here[1, b] / 2.0)
            precision[b] += fraud * frauds_above[b] / (above + mass) if mass > 0 else 0.0
            caught[b] += fraud * flagged
            value[b] += here[2, b] * flagged
    return np.stack((area, precision, caught, value))


@inlined
def _add_drawn(into: Floats, cluster: Integers, weight: Floats, counts: Floats, ends: Integers) -> None:
    """Add weight times counts of a threshold's entries to every lane."""
    for k in range(ends[0], ends[1]):
        each, drawn = weight[k], counts[cluster[k]]
        for b in range(len(into)):
            into[b] += each * drawn[b]
