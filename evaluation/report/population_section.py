"""The report's `population`: whose numbers these are, and how they were resampled."""

from typing import Any

import numpy as np

from evaluation.formatting import time_text
from evaluation.options import EvaluationConfig
from evaluation.statistics.intervals import Replicates
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats


def population_section(
    rows: JudgedRows, *, unknown: int, config: EvaluationConfig, drawn: Replicates
) -> dict[str, Any]:
    """The test fold in numbers.

    Args:
        rows: the judged rows, all of known label.
        unknown: rows of the fold that were left out because their label is not known.
        config: what is resampled, and how often.
        drawn: what `headline_replicates` drew.
    """
    people = population_record(rows, fold="test")
    return people | {
        "unknown_labels": unknown,
        "effective_rows": rows.effective_rows,
        "cards": None if rows.card is None else int(np.unique(rows.card[rows.card >= 0]).size),
        "fraud_amount_share": _fraud_share(rows, rows.amount) if rows.amount.sum() > 0 else None,
        "brier_of_base_rate": base_rate_brier(people["weighted_prevalence"]),
        "budget": config.budget,
        "resampled": _resampled(drawn, config),
    }


def population_record(rows: JudgedRows, *, fold: str) -> dict[str, Any]:
    """Rows, frauds, prevalence and span of time of at least one row of known label.

    `prevalence` counts rows as they are, like `rows` and `frauds`; `weighted_prevalence` is the one that weighted
    statistics speak of, a Brier score among them.
    """
    count, frauds = int(rows.labels.size), int(rows.labels.sum())
    return {
        "fold": fold,
        "rows": count,
        "frauds": frauds,
        "prevalence": frauds / count,
        "weighted_prevalence": _fraud_share(rows, np.ones(count)),
        "from": time_text(int(rows.event_time.min())),
        "to": time_text(int(rows.event_time.max())),
    }


def base_rate_brier(prevalence: float) -> float:
    """The Brier score of saying the prevalence for every row; what scores more is worse than no model.

    A weighted score has to be held against the weighted prevalence.
    """
    return prevalence * (1.0 - prevalence)


def _fraud_share(rows: JudgedRows, value: Floats) -> float:
    """Share of the frauds in a sum over weighted rows; NaN where every weight is 0."""
    weighted = value if rows.weight is None else rows.weight * value
    total = float(weighted.sum())
    return float(weighted @ rows.labels) / total if total > 0 else float("nan")


def _resampled(drawn: Replicates, config: EvaluationConfig) -> dict[str, Any]:
    return {
        "by": drawn.units.by,
        "clusters": drawn.clusters,
        "units": dict(drawn.units.clusters),
        "left_out": dict(drawn.units.left_out),
        "calibrator": drawn.calibrators_moved,
        "resamples": config.resamples,
        "text": " ".join(_sentences(drawn, config)),
    }


def _sentences(drawn: Replicates, config: EvaluationConfig) -> list[str]:
    counted = [_counted(name, count) for name, count in drawn.units.clusters.items()]
    result = [f"{config.resamples:,} resamples of {_listed(counted)}, drawn as a whole."]
    if drawn.units.crossed:
        result.append(
            "Intervals are as wide as cards and merchants together make them, and at least as the widest of the units "
            "alone."
        )
    elif len(counted) > 1:
        result.append("Intervals are as wide as the widest of them makes them.")
    result += [
        f"{_counted(name, count)} are fewer than {config.min_clusters} and say too little of their own spread: "
        "they were not drawn."
        for name, count in drawn.units.left_out.items()
    ]
    if drawn.calibrators_moved:
        result.append("Observed/expected and the calibration errors hold the calibrators' own sampling noise too.")
    else:
        result.append("The calibrators are taken as they are: their own sampling noise is in no interval.")
    return result


def _counted(unit: str, count: int) -> str:
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
