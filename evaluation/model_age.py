"""What a walk through past dates shows: one line a date and model, and how a model fares as its training rows age."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import Floats, Integers
from evaluation.statistics.scores import brier_skill, log_loss, observed_expected

DAY = 86_400_000_000
WEEK = 7 * DAY
FEWEST_FRAUDS = 10
"""Frauds of a week below which its average precision is not counted."""


@dataclass(frozen=True)
class WalkedRows:
    """One model on one date's test rows of known label.

    Attributes:
        model: "retrained", "never retrained" or "baseline".
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        event_time: microseconds [N].
        newest_training_row: microseconds, the last event the model was fitted on.
    """

    model: str
    labels: Floats
    probabilities: Floats
    event_time: Integers
    newest_training_row: int


def walk_statistics(labels: ArrayLike, probabilities: ArrayLike) -> dict[str, float]:
    """The statistics of one line of the table."""
    return {
        "average_precision": average_precision(labels, probabilities),
        "brier_skill": brier_skill(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities),
        "observed_expected": observed_expected(labels, probabilities),
    }


def ageing_table(walked: Sequence[WalkedRows]) -> list[dict[str, Any]]:
    """Average precision by the age of a model's newest training row, in weeks, over all dates.

    Weeks of different dates differ in how hard their frauds are, so each is compared with the youngest model on the
    same rows: `shortfall` is the other's average precision minus this one's, averaged over dates with the frauds as
    weights. It is what folds, gaps and not retraining cost.
    """
    cells: dict[tuple[str, int], list[tuple[int, float, float]]] = {}
    by_date: dict[bytes, list[WalkedRows]] = {}
    for each in walked:
        by_date.setdefault(np.ascontiguousarray(each.event_time).tobytes(), []).append(each)
    for group in by_date.values():
        youngest = max(group, key=lambda each: (each.newest_training_row, each.model == "retrained"))
        for each in group:
            weeks = (each.event_time - each.newest_training_row) // WEEK
            for week in np.unique(weeks):
                rows = weeks == week
                frauds = int(each.labels[rows].sum())
                if frauds >= FEWEST_FRAUDS:
                    own = average_precision(each.labels[rows], each.probabilities[rows])
                    best = average_precision(each.labels[rows], youngest.probabilities[rows])
                    cells.setdefault((each.model, int(week)), []).append((frauds, own, best - own))
    return [_ageing_row(model, week, found) for (model, week), found in sorted(cells.items())]


def _ageing_row(model: str, week: int, found: Sequence[tuple[int, float, float]]) -> dict[str, Any]:
    frauds, precision, shortfall = (np.array(column, dtype=np.float64) for column in zip(*found, strict=True))
    return {
        "model": model,
        "age_weeks": week,
        "dates": len(found),
        "frauds": int(frauds.sum()),
        "average_precision": float(np.average(precision, weights=frauds)),
        "shortfall": float(np.average(shortfall, weights=frauds)),
    }
