"""The report's `slices`: the fold in parts, each with every statistic and a prevalence of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.options import BootstrapSettings, EvaluationConfig
from evaluation.report.interval_records import bounds_record
from evaluation.statistics.dependence import Dependence, dependence
from evaluation.statistics.intervals import RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows, Population, score_populations, shared_populations
from evaluation.statistics.sample import Floats, Integers
from evaluation.statistics.scores import undefined_because
from evaluation.statistics.side_by_side import side_by_side

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


@dataclass(frozen=True)
class _Candidate:
    """One candidate on the whole fold, and how its parts are judged."""

    rows: JudgedRows
    probabilities: Floats
    unit: str
    config: EvaluationConfig
    settings: BootstrapSettings

    def clusters(self, inside: JudgedRows) -> Integers | Dependence:
        """What is drawn of a part: the unit of the whole fold, or the next one of which the part has enough."""
        if not self.settings.resamples:
            return np.zeros(inside.labels.size, dtype=np.int64)
        return dependence(inside, by=self.unit, fewest=self.config.min_clusters)


def slices(
    rows: JudgedRows,
    candidates: Mapping[str, Floats],
    *,
    config: EvaluationConfig,
    shipped: str,
    rng: np.random.Generator,
) -> dict[str, list[dict[str, Any]]]:
    """Per candidate, every statistic on every part of the fold, with that part's own prevalence.

    Intervals are drawn for the shipped candidate, on parts that hold enough frauds, and by one unit: that of cards,
    merchants and days which spreads its residuals most on the whole fold, or where a part has too few of it (a week
    has seven days) the next of card, merchant, day and row. A part chosen by score has its own frauds and its own
    prevalence.

    Args:
        rows: judged rows of known label.
        candidates: name to P(fraud) on them [N].
        config: budgets, groups, resamples.
        shipped: the candidate that gets intervals.
        rng: source of the draws.
    """
    shared = shared_populations(rows, largest_groups=config.groups)
    weight = 1.0 if rows.weight is None else rows.weight
    units = dependence(rows, by=config.cluster, fewest=config.min_clusters)
    unit = units.widest_name(weight * (rows.labels - candidates[shipped]))

    def parts_of(name: str) -> list[dict[str, Any]]:
        own = score_populations(candidates[name], budgets=config.budgets, borderline=config.borderline)
        settings = config.bootstrap(config.slice_resamples if name == shipped else 0)
        judged = _Candidate(rows, candidates[name], unit, config, settings)
        return [_slice(part, judged, rng) for part in [*own, *shared]]  # only the shipped one draws

    return dict(zip(candidates, side_by_side(parts_of, candidates), strict=True))


def _slice(part: Population, judged: _Candidate, rng: np.random.Generator) -> dict[str, Any]:
    inside = judged.rows.where(part.mask)
    count, frauds = int(inside.labels.size), int(inside.labels.sum())
    record: dict[str, Any] = {"kind": part.kind, "population": part.name, "rows": count, "frauds": frauds}
    record["prevalence"] = frauds / count if count else None
    record["amount"] = float(inside.amount.sum())
    if count == 0:
        return record | {"reason": "no rows"}
    fewest = judged.config.min_slice_frauds
    few = frauds < fewest
    judged = replace(judged, settings=replace(judged.settings, resamples=0)) if few else judged
    drawn = paired_bootstrap(
        inside.labels,
        {"it": judged.probabilities[part.mask]},
        clusters=judged.clusters(inside),
        rng=rng,
        settings=judged.settings,
        details=RowDetails(amount=inside.amount, weight=inside.weight),
    )
    record |= {name: bounds_record(drawn.interval("it", name)) for name in SLICE_STATISTICS}
    scarce = f"fewer than {fewest} frauds: no intervals" if few else ""
    why = undefined_because(inside.labels) or scarce
    return record | {"reason": why} if why else record
