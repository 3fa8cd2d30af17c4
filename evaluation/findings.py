"""What follows from the numbers: which smoothing, whether scaling helps, who differs from whom, what the gate sees."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.cells import cell
from evaluation.champion import champion_evidence
from evaluation.checks import Integers
from evaluation.comparison import Arm, TemperatureTable, temperature_table, temperature_verdict
from evaluation.evidence import EvaluationConfig, Evidence
from evaluation.gate import ChampionEvidence, GateEvidence
from evaluation.intervals import Interval, Replicates, cluster_codes
from evaluation.selection import Setting, SweepRanking

DIFFERENCES = ("log_loss", "brier_skill", "average_precision", "roc_auc", "ece")


def smoothing_section(ranking: SweepRanking) -> dict[str, Any]:
    """The report's `smoothing` key: what was selected, by which rule, and the whole sweep, best first."""
    sweep = []
    for rank, row in enumerate(ranking.rows, start=1):
        record = {"rank": rank, **asdict(row.setting), "repeats": row.repeats, "selectable": row.selectable}
        record |= {"log_loss_affine": row.log_loss_affine, "log_loss_affine_spread": row.log_loss_affine_spread}
        sweep.append(record | {"train_accuracy": row.train_accuracy, "raw": row.raw, "inverted": row.inverted})
    return {
        "selected": asdict(ranking.selected),
        "rule": ranking.rule,
        "best_roc_auc": ranking.best_roc_auc,
        "population": {
            "fold": "valid",
            "rows": ranking.rows_judged,
            "frauds": ranking.frauds_judged,
            "prevalence": ranking.frauds_judged / ranking.rows_judged,
        },
        "unsmoothed": _setting(ranking.unsmoothed),
        "smoothed": _setting(ranking.smoothed),
        "lowest_ece_would_choose": {"raw": asdict(ranking.lowest_ece), "inverted": asdict(ranking.lowest_ece_inverted)},
        "remark": _smoothing_remark(ranking),
        "sweep": sweep,
    }


def temperature_section(
    evidence: Evidence, clusters: Integers, config: EvaluationConfig, rng: np.random.Generator
) -> dict[str, Any]:
    """Every calibrator with and without smoothing, on calib and on test, and whether the two together help."""
    if not evidence.temperature_test:
        return {"table": [], "additive_benefit": False, "reason": "No calibrators were compared.", "contrasts": []}
    settings = config.bootstrap()
    calib = None
    if evidence.calib is not None and evidence.calib.temperature:
        rows = evidence.calib.rows
        codes = cluster_codes(rows.card, rows.event_time, by=config.cluster)
        known = np.isfinite(rows.labels)
        arms = {arm: np.asarray(p)[known] for arm, p in evidence.calib.temperature.items()}
        calib = temperature_table(
            rows.labels[known], arms, fold="calib", clusters=codes[known], rng=rng, settings=settings
        )
    test = temperature_table(
        evidence.rows.labels, evidence.temperature_test, fold="test", clusters=clusters, rng=rng, settings=settings
    )
    verdict = temperature_verdict(test, chosen_on=calib)
    return {
        "table": [_arm(arm, calib, test) for arm in test.arms],
        "additive_benefit": verdict.additive_benefit,
        "reason": verdict.reason,
        "contrasts": [{**asdict(c), "better": c.better, "text": c.text} for c in verdict.contrasts],
    }


def differences_section(drawn: Replicates, evidence: Evidence, population: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Paired differences: the candidate that would ship against every other, and the head against its ε = 0 twin."""
    pairs = [(evidence.shipped, other) for other in evidence.candidates if other != evidence.shipped]
    if {"mlp", "mlp_unsmoothed"} <= set(evidence.candidates):
        pairs.append(("mlp", "mlp_unsmoothed"))
    return [
        {"candidate": one, "other": other, "statistic": s, **cell(drawn.difference(one, other, s), population)}
        for one, other in pairs
        for s in DIFFERENCES
    ]


def champion_section(
    evidence: Evidence, clusters: Integers, config: EvaluationConfig, rng: np.random.Generator
) -> ChampionEvidence | None:
    """The shipped candidate against the champion, or why they cannot be compared; None without a champion."""
    champion = evidence.champion
    if champion is None:
        return None
    if champion.problem:
        nan = Interval(float("nan"), float("nan"), float("nan"))
        return ChampionEvidence(champion.name, 0, 0, nan, nan, champion.problem)
    return champion_evidence(
        evidence.rows.labels,
        evidence.candidates[evidence.shipped],
        champion.probabilities,
        name=champion.name,
        event_time=evidence.rows.event_time,
        seen_until=champion.seen_until,
        clusters=clusters,
        rng=rng,
        settings=config.bootstrap(),
    )


def gate_evidence(
    drawn: Replicates, evidence: Evidence, nulls: Mapping[str, float], champion: ChampionEvidence | None
) -> GateEvidence:
    """What the gate looks at, from the same draws as the table of candidates."""
    shipped, baseline = evidence.shipped, evidence.baseline
    return GateEvidence(
        rows=int(evidence.rows.labels.size),
        frauds=int(evidence.rows.labels.sum()),
        observed_expected=drawn.interval(shipped, "observed_expected"),
        ece=drawn.values[shipped]["ece"],
        ece_null_95=nulls[shipped],
        roc_auc=drawn.interval(shipped, "roc_auc"),
        baseline_roc_auc=drawn.interval(baseline, "roc_auc"),
        roc_auc_difference=drawn.difference(shipped, baseline, "roc_auc"),
        champion=champion,
        drift=tuple(evidence.drift["alarms"]) if evidence.drift.get("stop") else None,
    )


def _arm(arm: Arm, calib: TemperatureTable | None, test: TemperatureTable) -> dict[str, Any]:
    folds = {table.fold: table for table in (calib, test) if table is not None and arm in table.arms}
    cells = {fold: {s: asdict(i) for s, i in table.arms[arm].items()} for fold, table in folds.items()}
    return {"smoothing": arm[0], "calibrator": arm[1], **cells}


def _setting(setting: Setting | None) -> dict[str, Any] | None:
    return None if setting is None else asdict(setting)


def _smoothing_remark(ranking: SweepRanking) -> str:
    chosen, ece = ranking.selected, ranking.lowest_ece
    said = f"Selected: {chosen.text}. "
    if chosen.smoothing == 0:
        other = "none was in the sweep" if ranking.smoothed is None else f"the best is {ranking.smoothed.text}"
        said += f"No smoothing won, so comparisons and shadow rows also carry the best ε > 0; {other}. "
    same = "the same setting" if ece == chosen else ece.text
    return said + f"Lowest raw ECE would have chosen {same}."
