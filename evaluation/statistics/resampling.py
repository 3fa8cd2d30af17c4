"""All headline statistics of one candidate under many row weightings at once.

A bootstrap of clusters gives each row the number of times its cluster was drawn. Every statistic here is a function of
sums over rows, so the rows are folded once into a sparse matrix [sums, clusters] and each block of resamples is one
product with the counts [clusters, resamples]. Ranking needs sums too: of frauds and legitimate rows at each distinct
probability, in order, with neighbours that hold no fraud merged since nothing happens between them.

A calibrator is fitted on few frauds of its own and would have come out otherwise on other rows: a draw may carry such
a move of its line, which moves the expected frauds of every bin by Σ p (1 − p) (δ0 + δ1 · logit p).
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from evaluation.options import BootstrapSettings
from evaluation.statistics.calibration_error import Binning, bin_index, ordered_bins
from evaluation.statistics.logistic_line import clipped_logit, logistic_line
from evaluation.statistics.machine_code import machine_code
from evaluation.statistics.ranking_loop import ranking_sums
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
    "leaning",
    "line_score_0",
    "line_score_1",
    "line_information_00",
    "line_information_01",
    "line_information_11",
)
UNFITTED = (float("nan"), float("nan"))
ERRORS: dict[Binning, str] = {"width": "ece", "mass": "ece_equal_mass", "positives": "ece_equal_positives"}
"""The calibration error of each binning."""


@dataclass(frozen=True)
class Foldable:
    """One candidate's rows in the sums that its statistics need, ready to be folded by any cluster.

    Attributes:
        sample: labels, probabilities and weights [N].
        loss: log loss of each row [N].
        logit: of the probability, clipped [N].
        bins: bin of each row by binning [N].
        steps: place of each row among the distinct probabilities, highest first [N]; None without ranking.
        amount: value of each row [N].
        moves: by binning, what a move of the calibrator's line adds to the frauds expected in each bin [bins, 2].
        leaning_moves: what it takes from Σ weight · (label − probability) · (1 − 2 · probability), expected [2].
        line: the calibration line at full weight (intercept, slope).
        settings: thresholds, bins and budget.
    """

    sample: Sample
    loss: Floats
    logit: Floats
    bins: dict[Binning, Integers]
    steps: Integers | None
    amount: Floats
    moves: dict[Binning, Floats]
    leaning_moves: Floats
    line: tuple[float, float]
    settings: BootstrapSettings

    def by(self, clusters: Integers) -> "Folded":
        """The sums by cluster; codes 0 … G − 1 [N]."""
        count = int(clusters.max()) + 1 if clusters.size else 0
        s, settings = self.sample, self.settings
        rows = (s.labels, s.probabilities, s.weight, self.amount, self.loss, self.logit)
        limits = (settings.threshold, settings.level)
        gap = s.weight * (s.labels - s.probabilities)
        gaps = {
            kind: _dense_by_cluster(index, gap, clusters, (self.moves[kind].shape[0], count))
            for kind, index in self.bins.items()
        }
        return Folded(self, _cluster_sums(rows, self.line, limits, clusters, count), gaps, self._steps(clusters, count))

    def _steps(self, clusters: Integers, shape: int) -> csr_matrix | None:
        if self.steps is None:
            return None
        count = int(self.steps.max()) + 1 if self.steps.size else 0
        w = self.sample.weight
        frauds = w * self.sample.labels
        index = np.concatenate([self.steps + i * count for i in range(3)])
        parts = np.concatenate((frauds, w - frauds, frauds * self.amount))
        return _by_cluster(index, parts, np.tile(clusters, 3), (3 * count, shape))


@dataclass(frozen=True)
class Folded:
    """One candidate's rows folded by cluster.

    `sums` [len(SUMS), G]; `gaps` by binning [bins, G]; `steps` [3·M, G]: frauds, legitimate rows and value of frauds
    at M thresholds, highest first; `source` is what was folded.
    """

    source: Foldable
    sums: Floats
    gaps: dict[Binning, Floats]
    steps: csr_matrix | None

    @property
    def clusters(self) -> int:
        """G."""
        return int(self.sums.shape[1])

    @property
    def bins(self) -> int:
        """Bins of equal width."""
        return int(self.gaps["width"].shape[0])

    @property
    def width(self) -> int:
        """Floats that one resample needs while it is worked on."""
        return int(self.sums.shape[0] + sum(gap.shape[0] for gap in self.gaps.values()))

    def total_rows(self, counts: Floats) -> Floats:
        """Weight of all rows under each column of counts [B]."""
        rows: Floats = self.sums[SUMS.index("rows")] @ counts
        return rows.reshape(-1)

    def bin_gaps(self, counts: Floats, moves: Floats | None = None, *, kind: Binning = "width") -> Floats:
        """Observed − expected frauds of each bin under each column of counts [bins, B]."""
        gaps: Floats = self.gaps[kind] @ counts
        return gaps if moves is None else gaps - self.source.moves[kind] @ moves


def foldable(s: Sample, *, amount: Floats, settings: BootstrapSettings) -> Foldable:
    """One candidate's rows, ready to be folded by any cluster.

    Args:
        s: labels, probabilities and weights of its rows [N].
        amount: value of each row [N].
        settings: bins, thresholds and budget; without `ranking` only sums are kept.
    """
    z = clipped_logit(s.probabilities)
    line = UNFITTED if one_class(s) else logistic_line(s.labels, z, s.weight)
    place = np.unique(s.probabilities, return_inverse=True)[1] if settings.ranking else None
    bins = _bins(s, place, settings.bins)
    spread = s.weight * s.probabilities * (1.0 - s.probabilities)
    lean = spread * (1.0 - 2.0 * s.probabilities)
    return Foldable(
        sample=s,
        loss=log_loss_rows(s.labels, s.probabilities),
        logit=z,
        bins=bins,
        steps=None if place is None else _steps(s, place),
        amount=amount,
        moves={kind: _moves(index, spread, z, settings.bins) for kind, index in bins.items()},
        leaning_moves=np.array([lean.sum(), lean @ z]),
        line=line,
        settings=settings,
    )


def statistics(f: Folded, counts: Floats, moves: Floats | None = None) -> dict[str, Floats]:
    """Every headline statistic for each column of cluster counts [G, B]; NaN where undefined, arrays [B].

    >>> from evaluation.statistics.sample import sample
    >>> rows = sample([1, 0, 0], [0.5, 0.5, 0.0])
    >>> f = foldable(rows, amount=np.ones(3), settings=BootstrapSettings()).by(np.array([0, 0, 1]))
    >>> statistics(f, np.array([[1.0, 2.0], [1.0, 0.0]]))["brier"].round(4).tolist()
    [0.1667, 0.25]

    Args:
        f: what `folded` returned.
        counts: how often each cluster was drawn, a column per resample [G, B].
        moves: of the calibrator's intercept and slope in each resample [2, B]; observed/expected, the calibration
            errors and `leaning` follow them. None where the calibrator is taken as it is.
    """
    total = dict(zip(SUMS, f.sums @ counts, strict=True))
    if moves is not None:
        total["expected"] = total["expected"] + f.source.moves["width"].sum(axis=0) @ moves
        total["leaning"] = total["leaning"] - f.source.leaning_moves @ moves
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
        "leaning": np.where(rows > 0, total["leaning"], np.nan),
    }
    for kind in f.gaps:
        result[ERRORS[kind]] = _divide(np.abs(f.bin_gaps(counts, moves, kind=kind)).sum(axis=0), rows)
    return result if f.steps is None else result | _ranking(f.steps, counts, total, budget=f.source.settings.budget)


@machine_code
def _cluster_sums(
    rows: tuple[Floats, ...],
    line: tuple[float, float],
    limits: tuple[float, float],
    clusters: Integers,
    count: int,
) -> Floats:
    """Each of SUMS over the rows of each cluster [len(SUMS), G].

    Args:
        rows: labels, probabilities, weights, amounts, log losses and logits, each [N].
        line: the calibration line.
        limits: from where on a row is flagged, and above which a legitimate row counts as surely wrong.
        clusters: codes 0 … count − 1 [N].
        count: G.
    """
    labels, probabilities, weight, amount, loss, logit = rows
    sums = np.zeros((count, 15))
    for i in range(len(labels)):
        y, p, w, z = labels[i], probabilities[i], weight[i], logit[i]
        margin = line[0] + line[1] * z
        small = np.exp(-np.abs(margin))
        fitted = (1.0 if margin >= 0 else small) / (1.0 + small)
        spread = w * fitted * (1.0 - fitted)
        into = sums[clusters[i]]
        into[0] += w
        into[1] += w * y
        into[2] += w * p
        into[3] += w * (p - y) ** 2
        into[4] += w * loss[i]
        into[5] += w * (p >= limits[0])
        into[6] += w * y * (p >= limits[0])
        into[7] += w * (1.0 - y) * (p > limits[1])
        into[8] += w * y * amount[i]
        into[9] += w * (y - p) * (1.0 - 2.0 * p)
        into[10] += w * (y - fitted)
        into[11] += w * (y - fitted) * z
        into[12] += spread
        into[13] += spread * z
        into[14] += spread * z * z
    return np.ascontiguousarray(sums.T)


def _moves(index: Integers, spread: Floats, z: Floats, bins: int) -> Floats:
    """Derivative of each bin's expected frauds by intercept and slope of a line through the logits [bins, 2]."""
    return np.column_stack([np.bincount(index, weights=part, minlength=bins) for part in (spread, spread * z)])


def _bins(s: Sample, place: Integers | None, bins: int) -> dict[Binning, Integers]:
    """Bin of each row by binning; equal shares need the order of rows, and are missing where nobody asks for it."""
    equal: dict[Binning, Integers] = {"width": bin_index(s.probabilities, bins=bins, kind="width")}
    if place is None:
        return equal
    masses: dict[Binning, Floats] = {"mass": s.weight, "positives": s.weight * s.probabilities}
    return equal | {kind: ordered_bins(place, mass, bins=bins) for kind, mass in masses.items()}


def _steps(s: Sample, place: Integers) -> Integers:
    """Place of each row among distinct probabilities, highest first; those without a fraud between share one [N]."""
    group = int(place.max()) - place if place.size else place
    with_fraud = np.bincount(group, weights=s.labels * s.weight) > 0
    opens = np.r_[True, with_fraud[1:] | with_fraud[:-1]] if place.size else np.zeros(0, dtype=bool)
    step: Integers = (np.cumsum(opens) - 1)[group]
    return step


def _by_cluster(index: Integers, values: Floats, clusters: Integers, shape: tuple[int, int]) -> csr_matrix:
    used = values != 0
    return csr_matrix((values[used], (index[used], clusters[used])), shape=shape)


def _dense_by_cluster(index: Integers, values: Floats, clusters: Integers, shape: tuple[int, int]) -> Floats:
    """The same where rows are few: nothing is sorted, and the product is a plain one."""
    return _sums(index * shape[1] + clusters, values, shape[0] * shape[1]).reshape(shape)


def _sums(codes: Integers, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(codes, weights=values, minlength=count), dtype=np.float64)


def _line(f: Folded, total: dict[str, Floats]) -> tuple[Floats, Floats]:
    """One Newton step from the full-sample line: the one-step bootstrap of Moulton & Zeger (1991)."""
    a, b, c = (total[f"line_information_{k}"] for k in ("00", "01", "11"))
    u, v = total["line_score_0"], total["line_score_1"]
    determinant = a * c - b * b
    one_sided = (total["frauds"] <= 0) | (total["frauds"] >= total["rows"])
    determinant = np.where(one_sided | (determinant <= 0), np.nan, determinant)
    return f.source.line[0] + (c * u - b * v) / determinant, f.source.line[1] + (a * v - b * u) / determinant


def _ranking(steps: csr_matrix, counts: Floats, total: dict[str, Floats], *, budget: float) -> dict[str, Floats]:
    rows, frauds = total["rows"], total["frauds"]
    sums = ranking_sums(steps, counts, rows=rows, frauds=frauds, budget=budget)
    return {
        "roc_auc": _divide(sums[0], frauds * (rows - frauds)),
        "average_precision": _divide(sums[1], frauds),
        "recall_at_budget": _divide(sums[2], frauds),
        "value_recall_at_budget": _divide(sums[3], total["fraud_value"]),
    }


def _divide(part: Floats, whole: Floats) -> Floats:
    result: Floats = np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)
    return result
