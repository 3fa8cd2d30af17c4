"""The report's `warnings`: what no reader may overlook, in words; probabilities, folds or rows not what they seem."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaluation.formatting import candidate_name
from evaluation.report.evidence import Evidence
from evaluation.statistics.logistic_line import clipped_logit, score_and_information
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, sample
from evaluation.statistics.scores import one_class

TOO_EXACT = 1e-4
"""A standardised sum this small happens by chance once in 12,000; a map fitted on these very rows always has it."""
DUPLICATED = 0.001
"""Share of rows that may repeat another one before it is said."""
BY_SCORE = {"alert budget", "borderline"}
"""Parts that a model chose itself: their observed/expected is no finding about the data."""


def data_warnings(
    evidence: Evidence,
    population: Mapping[str, Any],
    candidates: Mapping[str, Mapping[str, Any]],
    parts: Sequence[Mapping[str, Any]],
    *,
    band: tuple[float, float],
) -> list[str]:
    """Sentences without a full stop, most serious first.

    Args:
        evidence: rows of known label, probabilities, and who judged these rows before.
        population: the report's `population`.
        candidates: the report's `candidates`.
        parts: the report's slices of the shipped candidate.
        band: observed/expected outside of it is miscalibration.
    """
    rows, shipped = evidence.rows, evidence.shipped
    found = [_worse_than_nothing(name, record["brier"]["value"], population) for name, record in candidates.items()]
    found += [_fitted_here(name, rows, p) for name, p in evidence.candidates.items()]
    found.append(_duplicates(rows, evidence.candidates[shipped]))
    if not _outside(candidates[shipped]["observed_expected"], band):  # where the whole is wrong its parts are no news
        found += [_bad_part(part, shipped, band) for part in parts]
    found.append(_drawn_alone(population.get("resampled", {})))
    found.append(_unknown_labels(population["unknown_labels"]))
    found += [sentence.rstrip(".") for sentence in evidence.reuse_warnings]
    return [text for text in found if text]


def exactness(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> tuple[float, float]:
    """Standardised sums of y − p and of (y − p) · logit p: standard normal if the probabilities are right.

    Both are 0 where an affine or isotonic map was fitted on these rows, the second also for a temperature: that is the
    equation such a fit solves. NaN where a class is missing.

    >>> exactness([1, 0, 1, 0], [0.5, 0.5, 0.5, 0.5])[0]
    0.0

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        weight: of the fit that is looked for, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
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
        f"{candidate_name(name)}: a Brier score of {score:.4f} is {score / base:.1f} times what the base rate alone "
        f"scores at {100 * population['weighted_prevalence']:.2f} % prevalence ({base:.4f}); these probabilities are "
        "worse than no model"
    )


def _fitted_here(name: str, rows: JudgedRows, probabilities: Floats) -> str:
    """Whether a map was fitted here, with weights or without: two questions, each at half the level of one."""
    weighed = rows.weight is not None and bool((rows.weight != 1.0).any())
    weights = (None, rows.weight) if weighed else (None,)
    found = (exactness(rows.labels, probabilities, weight=weight) for weight in weights)
    if not any(abs(value) < TOO_EXACT / len(weights) for both in found for value in both):
        return ""
    return (
        f"{candidate_name(name)}: promised and observed frauds agree more exactly than chance allows; a calibrator has "
        "very likely been fitted on these test rows"
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
    ratio = part.get("observed_expected")
    if part["kind"] in BY_SCORE or ratio is None or not _outside(ratio, band):
        return ""
    where = f"{part['kind'].replace('_', ' ')} {part['population']}"
    return (
        f"{candidate_name(shipped)} is miscalibrated in {where}: observed/expected {ratio['value']:.2f} "
        f"({ratio['low']:.2f} to {ratio['high']:.2f}) on {part['frauds']:,} frauds"
    )


def _drawn_alone(resampled: Mapping[str, Any]) -> str:
    """That rows which hang together were drawn one by one, because there are too few of what they hang on."""
    few = {name: count for name, count in resampled.get("left_out", {}).items() if count > 0}
    if resampled.get("by") != "row" or not few:
        return ""
    named = " and ".join(f"{count:,} {name}{'s' * (count > 1)}" for name, count in few.items())
    return (
        f"the test rows are of {named} only, too few to be drawn as a whole: rows were drawn one by one, and every "
        "interval is narrower than it should be"
    )


def _unknown_labels(count: int) -> str:
    return f"{count:,} test rows have no known label and are left out of every number" if count else ""


def _outside(ratio: Mapping[str, Any], band: tuple[float, float]) -> bool:
    return bool(np.isfinite(ratio["low"])) and (ratio["low"] > band[1] or ratio["high"] < band[0])
