"""What no reader of a report may overlook, in words: probabilities, folds or rows that are not what they seem."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.formatting import NAMES
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, sample
from evaluation.statistics.scores import clipped_logit, one_class, score_and_information

TOO_EXACT = 1e-4
"""A standardised sum this small happens by chance once in 12,000; a map fitted on these very rows always has it."""
DUPLICATED = 0.001


def alarms(
    rows: JudgedRows,
    candidates: Mapping[str, Floats],
    *,
    cells: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    population: Mapping[str, Any],
    shipped: str,
    band: tuple[float, float],
) -> list[str]:
    """Sentences without a full stop, most serious first.

    Args:
        rows: the judged rows.
        candidates: final P(fraud) [N] by name.
        cells: the report's `candidates`.
        parts: the report's slices of the shipped candidate.
        population: the report's population.
        shipped: the candidate that would ship.
        band: observed/expected outside of it is miscalibration.
    """
    result = [_worse_than_nothing(name, metrics["brier"]["value"], population) for name, metrics in cells.items()]
    result += [_fitted_here(name, rows.labels, p) for name, p in candidates.items()]
    result.append(_duplicates(rows, candidates[shipped]))
    if not _outside(cells[shipped]["observed_expected"], band):  # where the whole is wrong its parts are no news
        result += [_bad_part(part, shipped, band) for part in parts]
    if population["unknown_labels"]:
        result.append(
            f"{population['unknown_labels']:,} test rows have no known label and are left out of every number"
        )
    return [text for text in result if text]


def exactness(labels: ArrayLike, probabilities: ArrayLike) -> tuple[float, float]:
    """Standardised sums of y − p and of (y − p) · logit p: standard normal if the probabilities are right.

    Both are 0 where an affine or isotonic map was fitted on these rows, the second also for a temperature: that is the
    equation such a fit solves. NaN where a class is missing.
    """
    s = sample(labels, probabilities)
    if one_class(s):
        return float("nan"), float("nan")
    gradient, information = score_and_information(s.labels, s.probabilities, clipped_logit(s.probabilities), s.weight)
    spread = np.sqrt(np.diag(information))
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = gradient / spread
    return float(first), float(second)


def _worse_than_nothing(name: str, score: float, population: Mapping[str, Any]) -> str:
    base = population["brier_of_base_rate"]
    if not (base > 0 and score > base):
        return ""
    return (
        f"{_name(name)}: a Brier score of {score:.4f} is {score / base:.1f} times what the base rate alone scores at "
        f"{100 * population['prevalence']:.2f} % prevalence ({base:.4f}); these probabilities are worse than no model"
    )


def _fitted_here(name: str, labels: Floats, probabilities: Floats) -> str:
    if not any(abs(value) < TOO_EXACT for value in exactness(labels, probabilities)):
        return ""
    return (
        f"{_name(name)}: promised and observed frauds agree more exactly than chance allows; a calibrator has very "
        "likely been fitted on these test rows"
    )


def _duplicates(rows: JudgedRows, probabilities: Floats) -> str:
    card = np.zeros(rows.labels.size) if rows.card is None else rows.card.astype(np.float64)
    table = np.stack([rows.event_time.astype(np.float64), card, rows.amount, rows.labels, probabilities], axis=1)
    repeated = table.shape[0] - np.unique(table, axis=0).shape[0]
    if repeated <= DUPLICATED * table.shape[0]:
        return ""
    return (
        f"{repeated:,} of {table.shape[0]:,} test rows repeat another one in time, card, amount, label and probability"
    )


def _bad_part(part: Mapping[str, Any], shipped: str, band: tuple[float, float]) -> str:
    cell = part.get("observed_expected")
    if part["kind"] in {"alert budget", "borderline"} or cell is None or not _outside(cell, band):
        return ""
    where = f"{part['kind'].replace('_', ' ')} {part['population']}"
    return (
        f"{_name(shipped)} is miscalibrated in {where}: observed/expected {cell['value']:.2f} "
        f"({cell['low']:.2f} to {cell['high']:.2f}) on {part['frauds']:,} frauds"
    )


def _outside(cell: Mapping[str, Any], band: tuple[float, float]) -> bool:
    return bool(np.isfinite(cell["low"])) and (cell["low"] > band[1] or cell["high"] < band[0])


def _name(name: str) -> str:
    return NAMES.get(name, name)
