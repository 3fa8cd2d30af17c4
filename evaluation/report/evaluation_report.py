"""The report of one run as one dictionary, ready for JSON: what was judged, on whom, and what follows.

Input is `Evidence`, plain arrays and results of this folder:

* `rows`: the test fold's `JudgedRows` (labels 0/1/NaN, event_time µs, amount, card codes, groups such as
  merchant_category, new_card);
* `candidates`: name → final calibrated P(fraud) on the same rows [N]; `before`: the same before calibration;
* `ranking`: what `selection.rank_sweep` returned on valid;
* `temperature_calib`, `temperature_test`: (ε, calibrator) → P(fraud), cross-fitted on calib and applied on test, with
  the calib rows;
* `unsmoothed_valid`: labels and raw P(fraud) of ε = 0 on valid, the evidence before the sweep;
* `champion`: the champion's P(fraud) on the test rows and the later of both `seen_until`, where there is one;
* `notes`, `looks`, `facts`: words and facts that only the pipeline knows.

`build_report(evidence, config=..., gate=..., rng=...)` returns the dictionary; `card.model_card`, `page.report_html`
and `render` read nothing else. The keys population, candidates, smoothing, temperature and gate are a contract.
Every statistic is a cell {value, low, high, population, prevalence}; null with a reason where it is undefined.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.gate import ChampionEvidence, GateConfig, GateEvidence, judge
from evaluation.report.calibration_detail import calibration_detail
from evaluation.report.cells import cell, plain
from evaluation.report.champion_section import champion_section
from evaluation.report.data_warnings import alarms
from evaluation.report.evidence import EvaluationConfig, Evidence, evidence_of_known_rows
from evaluation.report.operating_points import operating_points
from evaluation.report.reliability_tables import reliability_section
from evaluation.report.slices import slices
from evaluation.report.smoothing_section import smoothing_section
from evaluation.report.temperature_section import temperature_section
from evaluation.statistics.calibration_error import ece_null
from evaluation.statistics.intervals import Interval, Replicates, cluster_codes, paired_bootstrap
from evaluation.statistics.populations import JudgedRows, timestamp
from evaluation.statistics.scores import undefined_because

HEADLINE = (
    "roc_auc",
    "average_precision",
    "brier",
    "brier_skill",
    "log_loss",
    "ece",
    "calibration_slope",
    "observed_expected",
    "precision_at_half",
    "share_negatives_above_095",
    "recall_at_budget",
    "card_precision_at_100",
)


FURTHER = ("ece_equal_mass", "ece_equal_positives", "calibration_intercept", "value_recall_at_budget")


def build_report(
    evidence: Evidence, *, config: EvaluationConfig, gate: GateConfig, rng: np.random.Generator
) -> dict[str, Any]:
    """Judge every candidate on the test fold and assemble the report.

    Each section draws from a child of `rng`, so one section more leaves the numbers of the others alone.

    Args:
        evidence: rows, probabilities and results of the earlier stages.
        config: resamples, budgets, slices.
        gate: limits of the gate.
        rng: source of every draw.

    Raises:
        InputError: shipped or baseline candidate is missing, or no test row has a known label.
    """
    evidence, unknown = evidence_of_known_rows(evidence)
    streams = rng.spawn(6)
    rows, names = evidence.rows, list(evidence.candidates)
    clusters = cluster_codes(rows.card, rows.event_time, by=config.cluster)
    drawn = paired_bootstrap(
        rows.labels,
        evidence.candidates,
        clusters=clusters,
        rng=streams[0],
        settings=config.bootstrap(),
        amount=rows.amount,
        card=rows.card,
        event_time=rows.event_time,
    )
    population = _population(rows, unknown, config, drawn)
    nulls = {name: ece_null(p, rng=streams[1], bins=config.bins) for name, p in evidence.candidates.items()}
    cells = {name: _candidate(drawn, name, rows, population, nulls[name]) for name in names}
    champion = champion_section(evidence, clusters, config, streams[2])
    verdict = judge(gate_evidence(drawn, evidence, nulls, champion), config=gate)
    parts = slices(rows, evidence.candidates, config=config, shipped=evidence.shipped, rng=streams[4])
    found = alarms(
        rows,
        evidence.candidates,
        cells=cells,
        parts=parts[evidence.shipped],
        population=population,
        shipped=evidence.shipped,
        band=(gate.observed_expected_low, gate.observed_expected_high),
    )
    report = {
        "population": population,
        "shipped": evidence.shipped,
        "baseline": evidence.baseline,
        "candidates": cells,
        "differences": differences_section(drawn, evidence, population),
        "smoothing": smoothing_section(evidence.ranking),
        "temperature": temperature_section(evidence, clusters, config, streams[3]),
        "gate": {
            "passed": verdict.passed,
            "reasons": list(verdict.reasons),
            "checks": [asdict(check) for check in verdict.checks],
            "figures": verdict.figures,
        },
        "calibration": calibration_detail(
            rows, evidence.candidates, bins=config.bins, prevalence=config.reference_prevalence
        ),
        "slices": parts,
        "operating_points": operating_points(evidence, config=config),
        "reliability": reliability_section(evidence, bins=config.bins),
        "warnings": found + [look.rstrip(".") for look in evidence.looks],
        "notes": [asdict(note) for note in evidence.notes],
        "looks": list(evidence.looks),
        **({"drift": dict(evidence.drift)} if evidence.drift else {}),
        "facts": dict(evidence.facts),
        "configuration": dict(evidence.configuration),
    }
    result: dict[str, Any] = plain(report)
    return result


def headline_metrics(report: Mapping[str, Any]) -> dict[str, float]:
    """The report's finite headline numbers under flat names such as "hybrid.roc_auc" and "hybrid.roc_auc.low".

    These are what tracking logs; curves and tables stay in artifacts. A model card quotes no statistic but these.
    """
    flat: dict[str, float | None] = {
        f"test.{key}": report["population"][key] for key in ("rows", "frauds", "prevalence")
    }
    for name, cells in report["candidates"].items():
        for metric in (*HEADLINE, *FURTHER):
            flat |= _flat(f"{name}.{metric}", cells[metric])
        flat[f"{name}.ece_null_95"] = cells["ece_null_95"]
    for d in report["differences"]:
        flat |= _flat(f"{d['candidate']}-{d['other']}.{d['statistic']}", d)
    for name in ("both-smoothing", "both-scaling")[: len(report["temperature"]["contrasts"])]:
        contrast = report["temperature"]["contrasts"][0 if name == "both-smoothing" else 1]
        flat |= _flat(f"temperature.{name}.log_loss", contrast["log_loss"])
    flat |= {f"gate.{key}": value for key, value in report["gate"]["figures"].items()}
    flat |= {"smoothing.selected": report["smoothing"]["selected"]["smoothing"]}
    flat |= {"smoothing.best_roc_auc": report["smoothing"]["best_roc_auc"]}
    return {key: float(value) for key, value in flat.items() if value is not None}


def _flat(name: str, numbers: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: numbers["value"], f"{name}.low": numbers["low"], f"{name}.high": numbers["high"]}


def _population(rows: JudgedRows, unknown: int, config: EvaluationConfig, drawn: Replicates) -> dict[str, Any]:
    frauds, count = int(rows.labels.sum()), int(rows.labels.size)
    prevalence = frauds / count
    return {
        "fold": "test",
        "rows": count,
        "frauds": frauds,
        "prevalence": prevalence,
        "from": timestamp(int(rows.event_time.min())),
        "to": timestamp(int(rows.event_time.max())),
        "unknown_labels": unknown,
        "cards": None if rows.card is None else int(np.unique(rows.card[rows.card >= 0]).size),
        "fraud_amount_share": float(rows.amount @ rows.labels / rows.amount.sum()) if rows.amount.sum() > 0 else None,
        "brier_of_base_rate": prevalence * (1.0 - prevalence),
        "budget": config.budget,
        "resampled": {
            "by": config.cluster if rows.card is not None or config.cluster == "day" else "row",
            "clusters": drawn.clusters,
            "resamples": config.resamples,
        },
    }


def _candidate(
    drawn: Replicates, name: str, rows: JudgedRows, population: Mapping[str, Any], null: float
) -> dict[str, Any]:
    why = undefined_because(rows.labels)
    result: dict[str, Any] = {}
    for metric in (*HEADLINE, *FURTHER):
        if metric in drawn.values[name]:
            interval = drawn.interval(name, metric)
            result[metric] = cell(interval, population, reason="" if np.isfinite(interval.value) else _why(metric, why))
        else:
            nan = float("nan")
            result[metric] = cell(Interval(nan, nan, nan), population, reason="the data has no cards")
        if metric == "ece":
            result["ece_null_95"] = null
    return result


def _why(metric: str, why: str) -> str:
    if metric == "precision_at_half":
        return "no row reaches a probability of 0.5"
    return why or "undefined on these rows"


DIFFERENCES = ("log_loss", "brier_skill", "average_precision", "roc_auc", "ece")


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
