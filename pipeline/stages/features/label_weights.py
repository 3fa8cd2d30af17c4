"""For how many rows of its class each usable row stands, late labels being later for one class than for the other.

Rows whose label came after a fold's deadline are left out. Where frauds are reported later than honest rows are
cleared, what stays has too few frauds, and whatever is fitted on it learns too low a level. So a row that stayed counts
1 / P(its label is known by the deadline | class, age) times (Horvitz and Thompson, 1952). Within a class the delay is
taken not to depend on the features.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from evaluation.statistics.label_delay import RIPE, effective_size, fit_label_curves
from features.earlier_labels import EarlierLabels
from features.split import Folds


@dataclass(frozen=True)
class LabelTimes:
    """Labels and when they came: label 0, 1 or NaN where not known [N], times in microseconds [N].

    `earlier` holds labels that others took the place of; None where none did.
    """

    label: NDArray[np.float32]
    event_time: NDArray[np.int64]
    available_at: NDArray[np.int64]
    earlier: EarlierLabels | None = None

    def known_by(self, moment: int | NDArray[np.int64]) -> Self:
        """With each label as it was known by a moment (microseconds, one or [N]), where another stood there then."""
        if self.earlier is None:
            return self
        label, available_at = self.earlier.known_by(moment, self.label, self.available_at)
        return replace(self, label=label, available_at=available_at)


@dataclass(frozen=True)
class LabelWeights:
    """Folds without the rows of unripe ages, and the weight of every row.

    Attributes:
        folds: a row is usable only at ages at which a fifth of each class is known by its fold's deadline: a class that
            is missing at an age takes the other with it, or the age itself would be a sign of the class.
        weight: float32 [N], 1 for rows that are not usable.
    """

    folds: Folds
    weight: NDArray[np.float32]


def label_weights(labels: LabelTimes, folds: Folds, *, as_of: int | None) -> LabelWeights:
    """Weights of the usable rows of every fold, delays told from what was known at the fold's own deadline.

    Args:
        labels: every row's label and times [N].
        folds: of the same rows.
        as_of: the deadline of test; None where its labels count as complete.

    Raises:
        InputError: a fold keeps no row of a class.
    """
    weight = np.ones(len(labels.label), np.float32)
    unripe = np.zeros(len(labels.label), np.bool_)
    for fold in folds.folds:
        deadline = fold.deadline if fold.deadline is not None else as_of
        if deadline is not None:
            rows = np.flatnonzero(folds.usable & folds.rows(fold.name))
            unripe[rows], weight[rows] = _fold_weights(labels.known_by(deadline), rows, deadline=deadline)
    ripe = folds
    if unripe.any():
        ripe = folds.without(unripe, label=labels.label, event_time=labels.event_time, reason="unripe")
    return LabelWeights(ripe, weight)


def _fold_weights(
    labels: LabelTimes, rows: NDArray[np.intp], *, deadline: int
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which usable rows of a fold are of an unripe age, and the weights of the others, 1 for those."""
    curves = fit_label_curves(labels.label, labels.event_time, labels.available_at, deadline=deadline)
    age = (deadline - labels.event_time[rows]).astype(np.float64)
    legitimate, fraud = (curves.known_share(value, age) for value in (False, True))
    unripe = np.minimum(legitimate, fraud) < RIPE
    share = np.where(labels.label[rows] == 1, fraud, legitimate)
    return unripe, (1.0 / np.where(unripe, 1.0, share)).astype(np.float32)


def effective_rows(name: str, labels: LabelTimes, weights: LabelWeights) -> tuple[float, float]:
    """(Σ w)² / Σ w² of the usable rows of each class in a fold: as many rows of equal weight would say as much."""
    rows = weights.folds.usable & weights.folds.rows(name)
    legitimate, fraud = (effective_size(weights.weight[rows & (labels.label == value)]) for value in (0, 1))
    return legitimate, fraud
