"""The report's `gate`: the verdict on what would ship, from the same draws as the table of candidates."""

from dataclasses import asdict
from typing import Any

from evaluation.formatting import candidate_name
from evaluation.gate import Check, Comparison, GateEvidence, judge
from evaluation.options import GateConfig
from evaluation.report.comparison import comparison
from evaluation.report.evidence import Evidence
from evaluation.report.map_fit import map_fit
from evaluation.statistics.intervals import Replicates


def gate_section(evidence: GateEvidence, *, config: GateConfig) -> dict[str, Any]:
    """Passed or not, reasons in words with their remedies, every rule's outcome, and the numbers that reasons quote."""
    verdict = judge(evidence, config=config)
    return {
        "passed": verdict.passed,
        "reasons": list(verdict.reasons),
        "remedies": list(verdict.remedies),
        "checks": [_check_record(check) for check in verdict.checks],
        "figures": verdict.figures,
    }


def gate_evidence(
    drawn: Replicates,
    evidence: Evidence,
    *,
    champion: Comparison | None,
    anchor: Comparison | None,
    bins: int,
) -> GateEvidence:
    """What the gate looks at.

    Args:
        drawn: the headline statistics of the candidates.
        evidence: rows of known label, and which candidate would ship.
        champion: the paired comparison with the model in use; None where there is none.
        anchor: likewise with the champion of some time ago.
        bins: of the calibration error.
    """
    shipped, baseline = evidence.shipped, evidence.baseline
    rows, frauds = int(evidence.rows.labels.size), int(evidence.rows.labels.sum())
    name = f"the baseline ({candidate_name(baseline).lower()})"
    return GateEvidence(
        rows=rows,
        frauds=frauds,
        observed_expected=drawn.interval(shipped, "observed_expected"),
        calibration_slope=drawn.interval(shipped, "calibration_slope"),
        ece_debiased=drawn.interval(shipped, "ece_debiased"),
        prevalence=drawn.values[shipped]["prevalence"],
        bins=bins,
        brier_skill=drawn.interval(shipped, "brier_skill"),
        baseline=comparison(drawn, shipped, baseline, name=name, rows=rows, frauds=frauds),
        map_fit=map_fit(evidence.calib, shipped),
        champion=champion,
        anchor=anchor,
        drift=tuple(evidence.drift["alarms"]) if evidence.drift.get("stop") else None,
    )


def _check_record(check: Check) -> dict[str, Any]:
    return {**asdict(check), "passed": check.passed}
