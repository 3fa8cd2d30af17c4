"""The fold in parts, and the thresholds people would set: everything that is not one number for the whole fold."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evaluation.report.evidence import EvaluationConfig
from evaluation.statistics.intervals import BootstrapSettings, cluster_codes, paired_bootstrap
from evaluation.statistics.populations import JudgedRows, Population, score_populations, shared_populations
from evaluation.statistics.sample import Floats, Integers
from evaluation.statistics.scores import undefined_because

SLICE_STATISTICS = (
    "roc_auc",
    "average_precision",
    "brier",
    "brier_skill",
    "log_loss",
    "ece",
    "observed_expected",
    "calibration_slope",
    "precision_at_half",
    "share_negatives_above_095",
    "recall_at_budget",
    "value_recall_at_budget",
)


def slices(
    rows: JudgedRows,
    candidates: Mapping[str, Floats],
    *,
    config: EvaluationConfig,
    shipped: str,
    rng: np.random.Generator,
) -> dict[str, list[dict[str, Any]]]:
    """Per candidate, every statistic on every part of the fold, with that part's own prevalence.

    Intervals are drawn for the shipped candidate, on parts that hold enough frauds. A part chosen by score has its own
    frauds and its own prevalence.
    """
    shared = shared_populations(rows, largest_groups=config.groups)
    clusters = cluster_codes(rows.card, rows.event_time, by=config.cluster)
    result: dict[str, list[dict[str, Any]]] = {}
    for name, p in candidates.items():
        own = score_populations(p, budgets=config.budgets, borderline=config.borderline)
        resamples = config.slice_resamples if name == shipped else 0
        settings = config.bootstrap(resamples)
        result[name] = [
            _slice(part, rows, p, clusters, enough=config.min_slice_frauds, settings=settings, rng=rng)
            for part in [*own, *shared]
        ]
    return result


def _slice(
    part: Population,
    rows: JudgedRows,
    probabilities: Floats,
    clusters: Integers,
    *,
    enough: int,
    settings: BootstrapSettings,
    rng: np.random.Generator,
) -> dict[str, Any]:
    inside = rows.where(part.mask)
    count, frauds = int(inside.labels.size), int(inside.labels.sum())
    record: dict[str, Any] = {"kind": part.kind, "population": part.name, "rows": count, "frauds": frauds}
    record["prevalence"] = frauds / count if count else None
    record["amount"] = float(inside.amount.sum())
    if count == 0:
        return record | {"reason": "no rows"}
    few = frauds < enough
    drawn = paired_bootstrap(
        inside.labels,
        {"it": probabilities[part.mask]},
        clusters=clusters[part.mask] if settings.resamples and not few else np.zeros(count, dtype=np.int64),
        rng=rng,
        settings=replace(settings, resamples=0) if few else settings,
        amount=inside.amount,
    )
    for name in SLICE_STATISTICS:
        interval = drawn.interval("it", name)
        record[name] = {"value": interval.value, "low": interval.low, "high": interval.high}
    why = undefined_because(inside.labels) or (f"fewer than {enough} frauds: no intervals" if few else "")
    return record | {"reason": why} if why else record
