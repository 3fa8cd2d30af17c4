"""What a backtest over past dates shows: one line a date and model, and how a model fares as its training rows age."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.ranking import average_precision
from evaluation.statistics.sample import WEEK, Floats, Integers
from evaluation.statistics.scores import brier_skill, log_loss, observed_expected

FEWEST_FRAUDS = 10
"""Frauds of a week below which its average precision is not counted."""


@dataclass(frozen=True)
class BacktestRows:
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


def backtest_statistics(labels: ArrayLike, probabilities: ArrayLike, *, bins: int) -> dict[str, float]:
    """The statistics of one line of the table.

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        bins: of the calibration error, of equal width.
    """
    return {
        "average_precision": average_precision(labels, probabilities),
        "brier_skill": brier_skill(labels, probabilities),
        "log_loss": log_loss(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities, bins=bins),
        "observed_expected": observed_expected(labels, probabilities),
    }


def ageing_table(judged: Sequence[BacktestRows]) -> list[dict[str, Any]]:
    """Average precision by the age of a model's newest training row, in weeks, over all dates.

    Weeks of different dates differ in how hard their frauds are, so each is compared with the youngest model on the
    same rows: `shortfall` is the other's average precision minus this one's, averaged over dates with the frauds as
    weights. It is what folds, gaps and not retraining cost.

    Args:
        judged: every model on every date's rows; models of one date are judged on the same rows.
    """
    by_date: dict[bytes, list[BacktestRows]] = {}
    for each in judged:
        by_date.setdefault(np.ascontiguousarray(each.event_time).tobytes(), []).append(each)
    weeks: dict[tuple[str, int], list[_Week]] = {}
    for models in by_date.values():
        youngest = max(models, key=lambda each: (each.newest_training_row, each.model == "retrained"))
        for each in models:
            for age, week in _weeks(each, youngest):
                weeks.setdefault((each.model, age), []).append(week)
    return [_ageing_row(model, age, found) for (model, age), found in sorted(weeks.items())]


def _weeks(judged: BacktestRows, youngest: BacktestRows) -> Iterator[tuple[int, "_Week"]]:
    """The weeks of age of one model's rows that hold enough frauds."""
    age = (judged.event_time - judged.newest_training_row) // WEEK
    for each in np.unique(age):
        rows = age == each
        frauds = int(judged.labels[rows].sum())
        if frauds >= FEWEST_FRAUDS:
            own = average_precision(judged.labels[rows], judged.probabilities[rows])
            best = average_precision(judged.labels[rows], youngest.probabilities[rows])
            yield int(each), _Week(frauds, own, best - own)


def _ageing_row(model: str, age: int, weeks: Sequence["_Week"]) -> dict[str, Any]:
    frauds = np.array([week.frauds for week in weeks], dtype=np.float64)
    return {
        "model": model,
        "age_weeks": age,
        "dates": len(weeks),
        "frauds": int(frauds.sum()),
        "average_precision": float(np.average([week.average_precision for week in weeks], weights=frauds)),
        "shortfall": float(np.average([week.shortfall for week in weeks], weights=frauds)),
    }


@dataclass(frozen=True)
class _Week:
    """One week of age on one date."""

    frauds: int
    average_precision: float
    shortfall: float
