"""All headline statistics of one candidate under many row weightings at once.

A bootstrap of clusters gives each row the number of times its cluster was drawn. Every statistic here is a function of
sums over rows, so the rows are folded once into a sparse matrix [sums, clusters] and each block of resamples is one
product with the counts [clusters, resamples]. Ranking needs sums too: of frauds and legitimate rows at each distinct
probability, in order, with neighbours that hold no fraud merged since nothing happens between them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit

from evaluation.options import BootstrapSettings
from evaluation.statistics.calibration_error import Binning, bin_index
from evaluation.statistics.logistic_line import clipped_logit, logistic_line
from evaluation.statistics.sample import Floats, Integers, Sample
from evaluation.statistics.scores import log_loss_rows, one_class

SUMS = (
    "rows",
    "frauds",
    "expected",
    "squared",
    "log_loss",
    "flagged",
    "flagged_frauds",
    "sure_negatives",
    "fraud_value",
    "line_score_0",
    "line_score_1",
    "line_information_00",
    "line_information_01",
    "line_information_11",
)
UNFITTED = (float("nan"), float("nan"))
KINDS: tuple[Binning, ...] = ("width", "mass", "positives")


@dataclass(frozen=True)
class Folded:
    """One candidate's rows folded by cluster.

    `sums` [len(SUMS), G]; `gaps` by binning [bins, G]; `steps` [3·M, G]: frauds, legitimate rows and value of frauds
    at M thresholds, highest first; `line` is the calibration line at full weight (intercept, slope).
    """

    sums: csr_matrix
    gaps: dict[Binning, csr_matrix]
    steps: csr_matrix | None
    line: tuple[float, float]
    budget: float

    @property
    def width(self) -> int:
        """Floats that one resample needs while it is worked on."""
        steps = 0 if self.steps is None else 3 * self.steps.shape[0]
        return int(self.sums.shape[0] + sum(gap.shape[0] for gap in self.gaps.values()) + steps)


def folded(s: Sample, *, clusters: Integers, amount: Floats, settings: BootstrapSettings) -> Folded:
    """One candidate's rows, folded by cluster.

    Args:
        s: labels, probabilities and weights of its rows [N].
        clusters: codes 0 … G − 1, each used [N].
        amount: value of each row [N].
        settings: bins, thresholds and budget; without `ranking` only sums are kept.
    """
    count = int(clusters.max()) + 1 if clusters.size else 0
    z = clipped_logit(s.probabilities)
    line = UNFITTED if one_class(s) else logistic_line(s.labels, z, s.weight)
    dense = _row_sums(s, z, line, amount=amount, settings=settings)
    sums = csr_matrix(np.stack([np.bincount(clusters, weights=column, minlength=count) for column in dense]))
    gaps = {kind: _gaps(s, clusters, count, bins=settings.bins, kind=kind) for kind in KINDS}
    steps = _steps(s, clusters, amount, count) if settings.ranking else None
    return Folded(sums, gaps, steps, line, settings.budget)


def statistics(f: Folded, counts: NDArray[np.float64]) -> dict[str, Floats]:
    """Every headline statistic for each column of cluster counts [G, B]; NaN where undefined, arrays [B].

    >>> from evaluation.statistics.sample import sample
    >>> rows = sample([1, 0, 0], [0.5, 0.5, 0.0])
    >>> f = folded(rows, clusters=np.array([0, 0, 1]), amount=np.ones(3), settings=BootstrapSettings())
    >>> statistics(f, np.array([[1.0, 2.0], [1.0, 0.0]]))["brier"].round(4).tolist()
    [0.1667, 0.25]

    Args:
        f: what `folded` returned.
        counts: how often each cluster was drawn, a column per resample [G, B].
    """
    total = dict(zip(SUMS, f.sums @ counts, strict=True))
    rows, frauds = total["rows"], total["frauds"]
    legitimate, prevalence = rows - frauds, _divide(frauds, rows)
    score = _divide(total["squared"], rows)
    intercept, slope = _line(f, total)
    result = {
        "prevalence": prevalence,
        "log_loss": _divide(total["log_loss"], rows),
        "brier": score,
        "brier_skill": 1.0 - _divide(score, prevalence * (1.0 - prevalence)),
        "observed_expected": _divide(frauds, total["expected"]),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "precision_at_half": _divide(total["flagged_frauds"], total["flagged"]),
        "share_negatives_above_095": _divide(total["sure_negatives"], legitimate),
    }
    names = {"width": "ece", "mass": "ece_equal_mass", "positives": "ece_equal_positives"}
    for kind, gap in f.gaps.items():
        result[names[kind]] = _divide(np.abs(gap @ counts).sum(axis=0), rows)
    return result if f.steps is None else result | _ranking(f.steps @ counts, total, budget=f.budget)


def _row_sums(
    s: Sample, z: Floats, line: tuple[float, float], *, amount: Floats, settings: BootstrapSettings
) -> list[Floats]:
    y, p, w = s.labels, s.probabilities, s.weight
    flagged = w * (p >= settings.threshold)
    fitted: Floats = expit(line[0] + line[1] * z)
    residual, spread = w * (y - fitted), w * fitted * (1.0 - fitted)
    return [
        w,
        w * y,
        w * p,
        w * (p - y) ** 2,
        w * log_loss_rows(y, p),
        flagged,
        flagged * y,
        w * (1.0 - y) * (p > settings.level),
        w * y * amount,
        residual,
        residual * z,
        spread,
        spread * z,
        spread * z**2,
    ]


def _gaps(s: Sample, clusters: Integers, count: int, *, bins: int, kind: Binning) -> csr_matrix:
    """Σ weight · (label − probability) by bin and cluster [bins, G]."""
    index = bin_index(s.probabilities, bins=bins, kind=kind, weight=s.weight)
    return _by_cluster(index, s.weight * (s.labels - s.probabilities), clusters, (bins, count))


def _steps(s: Sample, clusters: Integers, amount: Floats, shape: int) -> csr_matrix:
    values, group = np.unique(-s.probabilities, return_inverse=True)
    with_fraud = np.bincount(group, weights=s.labels * s.weight, minlength=values.size) > 0
    opens = np.r_[True, with_fraud[1:] | with_fraud[:-1]] if values.size else np.zeros(0, dtype=bool)
    step = (np.cumsum(opens) - 1)[group]
    count = int(opens.sum())
    parts = (s.weight * s.labels, s.weight * (1.0 - s.labels), s.weight * s.labels * amount)
    index = np.concatenate([step + i * count for i in range(3)])
    return _by_cluster(index, np.concatenate(parts), np.tile(clusters, 3), (3 * count, shape))


def _by_cluster(index: Integers, values: Floats, clusters: Integers, shape: tuple[int, int]) -> csr_matrix:
    used = values != 0
    return csr_matrix((values[used], (index[used], clusters[used])), shape=shape)


def _line(f: Folded, total: dict[str, Floats]) -> tuple[Floats, Floats]:
    """One Newton step from the full-sample line: the one-step bootstrap of Moulton & Zeger (1991)."""
    a, b, c = (total[f"line_information_{k}"] for k in ("00", "01", "11"))
    u, v = total["line_score_0"], total["line_score_1"]
    determinant = a * c - b * b
    one_sided = (total["frauds"] <= 0) | (total["frauds"] >= total["rows"])
    determinant = np.where(one_sided | (determinant <= 0), np.nan, determinant)
    return f.line[0] + (c * u - b * v) / determinant, f.line[1] + (a * v - b * u) / determinant


def _ranking(steps: Floats, total: dict[str, Floats], *, budget: float) -> dict[str, Floats]:
    frauds, legitimate, value = np.split(steps, 3)
    room = budget * total["rows"]
    flagged_legitimate = np.cumsum(legitimate, axis=0)
    flagged = np.cumsum(frauds, axis=0) + flagged_legitimate
    below = total["rows"] - total["frauds"] - flagged_legitimate + legitimate / 2.0
    auc = np.einsum("mb,mb->b", frauds, below)
    precision = np.cumsum(frauds, axis=0)
    np.divide(precision, flagged, out=precision, where=flagged > 0)
    mass = frauds + legitimate
    share = np.clip(_divide(room - (flagged - mass), mass, empty=0.0), 0.0, 1.0)
    return {
        "roc_auc": _divide(auc, total["frauds"] * (total["rows"] - total["frauds"])),
        "average_precision": _divide(np.einsum("mb,mb->b", frauds, precision), total["frauds"]),
        "recall_at_budget": _divide(np.einsum("mb,mb->b", frauds, share), total["frauds"]),
        "value_recall_at_budget": _divide(np.einsum("mb,mb->b", value, share), total["fraud_value"]),
    }


def _divide(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    result: Floats = np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, empty), where=whole > 0)
    return result
