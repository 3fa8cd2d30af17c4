"""How far probabilities are from frequencies: binned and smooth calibration error, and what chance alone would show."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.fft import dct, idct

from evaluation.statistics.logistic_line import clipped_logit
from evaluation.statistics.sample import Floats, Integers, Sample, sample

Binning = Literal["width", "mass", "positives"]
"""Equal width of P(fraud), equal number of rows, equal expected number of frauds."""
CELLS_PER_LOGIT = 32
GRID = 1 << 16


def bin_index(probabilities: ArrayLike, *, bins: int, kind: Binning, weight: ArrayLike | None = None) -> Integers:
    """Bin 0 … bins − 1 of each row [N]; equal probabilities always share a bin.

    `width` cuts [0, 1] into equal parts, the last one closed. `mass` and `positives` cut the cumulated weight, or the
    cumulated weight · probability, at equal shares; a group of ties goes where its middle falls, so some bins may
    stay empty. `positives` is the one to look at for rare events: equal width puts nearly every row into bin 0.

    >>> p = [0.01, 0.02, 0.03, 0.06]
    >>> [bin_index(p, bins=2, kind=kind).tolist() for kind in ("width", "mass", "positives")]
    [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]

    Args:
        probabilities: P(fraud) [N].
        bins: number of bins.
        kind: what bins are equal in.
        weight: row weights, ≥ 0 [N].

    Raises:
        ValueError: there is not even one bin.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    p = np.asarray(probabilities, dtype=np.float64)
    if kind == "width":
        return np.minimum((p * bins).astype(np.int64), bins - 1)
    w = np.ones(p.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    group = np.unique(p, return_inverse=True)[1]
    return ordered_bins(group, w if kind == "mass" else w * p, bins=bins)


def ordered_bins(group: Integers, mass: Floats, *, bins: int) -> Integers:
    """Bin 0 … bins − 1 of each row [N], cut at equal shares of the mass of groups of ties.

    >>> ordered_bins(np.array([1, 0, 1]), np.ones(3), bins=2).tolist()
    [1, 0, 1]

    Args:
        group: place of each row's probability among the distinct ones, lowest first [N].
        mass: of each row, ≥ 0 [N].
        bins: number of bins.
    """
    of_group = np.bincount(group, weights=mass)
    total = of_group.sum()
    if total <= 0:
        return np.zeros(group.shape, dtype=np.int64)
    middle = (np.cumsum(of_group) - of_group / 2.0) / total
    result: Integers = np.clip((middle * bins).astype(np.int64), 0, bins - 1)[group]
    return result


def expected_calibration_error(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 15,
    kind: Binning = "width",
    weight: ArrayLike | None = None,
) -> float:
    """Mean over rows of |observed − expected frequency| of the row's bin (Naeini et al., 2015); NaN without rows.

    It is biased upwards and 0 for the base rate alone: read it beside `ece_null` and a skill, never on its own.

    >>> expected_calibration_error([1, 0, 0, 0], [0.75, 0.75, 0.25, 0.25], bins=2)
    0.25

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        bins: number of bins.
        kind: what bins are equal in.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if s.rows == 0:
        return float("nan")
    index = bin_index(s.probabilities, bins=bins, kind=kind, weight=s.weight)
    gap = np.bincount(index, weights=s.weight * (s.labels - s.probabilities), minlength=bins)
    return float(np.abs(gap).sum() / s.rows)


def ece_null(
    probabilities: ArrayLike,
    *,
    rng: np.random.Generator,
    bins: int = 15,
    kind: Binning = "width",
    resamples: int = 1000,
    quantile: float = 0.95,
    weight: ArrayLike | None = None,
) -> float:
    """The ECE that chance alone reaches at this quantile if every probability is right; NaN without rows.

    Rows are taken as independent and the probabilities as known: with fraud in bursts, or a calibrator fitted on few
    frauds, honest models exceed it far more often. The debiased error has the interval that knows of both.

    Outcomes are drawn from the model's own probabilities (parametric bootstrap; Bröcker & Smith, 2007). Rows of one bin
    whose logits lie within 1/32 are drawn together as one binomial with their mean probability: the means are the same
    and the variance is off by less than a thousandth.

    >>> certain = ece_null([0.0, 1.0], rng=np.random.default_rng(1))
    >>> unsure = ece_null([0.5, 0.5], rng=np.random.default_rng(1))  # in half of the draws both are fraud, or neither
    >>> certain, unsure
    (0.0, 0.5)

    Args:
        probabilities: P(fraud) [N].
        rng: source of the draws.
        bins: number of bins.
        kind: what bins are equal in.
        resamples: how often outcomes are drawn.
        quantile: of the errors drawn, the one returned.
        weight: row weights, ≥ 0 [N]; a group's draws are stretched to the variance of its weighted rows.
    """
    s = sample(np.zeros(np.shape(probabilities)), probabilities, weight=weight)
    p = s.probabilities
    if s.rows == 0:
        return float("nan")
    index = bin_index(p, bins=bins, kind=kind, weight=s.weight)
    cell = np.floor(clipped_logit(p) * CELLS_PER_LOGIT).astype(np.int64)
    cells = int(np.ptp(cell)) + 1
    _, group = np.unique(index * cells + (cell - cell.min()), return_inverse=True)
    rows = np.bincount(group)
    expected = np.bincount(group, weights=p)
    owner = np.zeros(rows.size, dtype=np.int64)
    owner[group] = index
    stretch = np.sqrt(np.bincount(group, weights=s.weight**2) / rows)
    drawn = rng.binomial(rows, np.clip(expected / rows, 0.0, 1.0), size=(resamples, rows.size)) - expected
    per_bin = (drawn * stretch) @ np.eye(bins)[owner]
    return float(np.quantile(np.abs(per_bin).sum(axis=1) / s.rows, quantile))


def smooth_ece(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """Calibration error under a Gaussian kernel of width σ, at the σ that equals it (Błasiok & Nakkiran, 2024).

    No bins to choose: ∫ |smoothed residual| falls with σ, so one fixed point exists. The kernel is reflected at 0 and
    1, a heat kernel with closed ends, which is diagonal in the cosine basis; 65,536 cells carry the residuals. NaN
    without rows.

    >>> round(smooth_ece([1, 0], [0.5, 0.5]), 4), round(smooth_ece([1, 1], [0.5, 0.5]), 4)
    (0.0, 0.5)

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    if s.rows == 0:
        return float("nan")
    spectrum = dct(_residual_density(s), type=2, norm="ortho")
    decay = -0.5 * (np.pi * np.arange(GRID)) ** 2
    low, high = 0.0, 1.0
    for _ in range(30):
        width = (low + high) / 2.0
        smoothed = idct(spectrum * np.exp(decay * width**2), type=2, norm="ortho")
        if float(np.abs(smoothed).sum()) > width:
            low = width
        else:
            high = width
    return (low + high) / 2.0


def _residual_density(s: Sample) -> Floats:
    cell = np.minimum((s.probabilities * GRID).astype(np.int64), GRID - 1)
    return np.bincount(cell, weights=s.weight * (s.labels - s.probabilities), minlength=GRID) / s.rows
