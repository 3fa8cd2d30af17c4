"""The report's `population`: whose numbers these are, and how they were resampled."""

from typing import Any

import numpy as np

from evaluation.formatting import time_text
from evaluation.options import EvaluationConfig
from evaluation.statistics.populations import JudgedRows


def population_section(rows: JudgedRows, *, unknown: int, config: EvaluationConfig, clusters: int) -> dict[str, Any]:
    """The test fold in numbers.

    Args:
        rows: the judged rows, all of known label.
        unknown: rows of the fold that were left out because their label is not known.
        config: what is resampled, and how often.
        clusters: how many clusters the bootstrap draws from.
    """
    people = population_record(rows, fold="test")
    by_cluster = rows.card is not None or config.cluster == "day"
    return people | {
        "unknown_labels": unknown,
        "cards": None if rows.card is None else int(np.unique(rows.card[rows.card >= 0]).size),
        "fraud_amount_share": float(rows.amount @ rows.labels / rows.amount.sum()) if rows.amount.sum() > 0 else None,
        "brier_of_base_rate": base_rate_brier(people["prevalence"]),
        "budget": config.budget,
        "resampled": {
            "by": config.cluster if by_cluster else "row",
            "clusters": clusters,
            "resamples": config.resamples,
        },
    }


def population_record(rows: JudgedRows, *, fold: str) -> dict[str, Any]:
    """Rows, frauds, prevalence and span of time of at least one row of known label."""
    count, frauds = int(rows.labels.size), int(rows.labels.sum())
    return {
        "fold": fold,
        "rows": count,
        "frauds": frauds,
        "prevalence": frauds / count,
        "from": time_text(int(rows.event_time.min())),
        "to": time_text(int(rows.event_time.max())),
    }


def base_rate_brier(prevalence: float) -> float:
    """The Brier score of saying the prevalence for every row; what scores more is worse than no model."""
    return prevalence * (1.0 - prevalence)
