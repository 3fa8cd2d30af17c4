"""The report's `gate`: the verdict on what would ship, from the same draws as the table of candidates."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evaluation.gate import ChampionEvidence, GateEvidence, judge
from evaluation.options import GateConfig
from evaluation.report.evidence import Evidence
from evaluation.statistics.intervals import Replicates


def gate_section(evidence: GateEvidence, *, config: GateConfig) -> dict[str, Any]:
    """Passed or not, the reasons in words, every rule's outcome, and the numbers that reasons quote."""
    verdict = judge(evidence, config=config)
    return {
        "passed": verdict.passed,
        "reasons": list(verdict.reasons),
        "checks": [asdict(check) for check in verdict.checks],
        "figures": verdict.figures,
    }


def gate_evidence(
    drawn: Replicates,
    evidence: Evidence,
    *,
    nulls: Mapping[str, float],
    champion: ChampionEvidence | None,
    bins: int,
) -> GateEvidence:
    """What the gate looks at.

    Args:
        drawn: the headline statistics of the candidates.
        evidence: rows of known label, and which candidate would ship.
        nulls: the calibration error that chance alone reaches, by candidate.
        champion: the paired comparison with the model in use; None where there is none.
        bins: of the calibration error.
    """
    shipped, baseline = evidence.shipped, evidence.baseline
    return GateEvidence(
        rows=int(evidence.rows.labels.size),
        frauds=int(evidence.rows.labels.sum()),
        observed_expected=drawn.interval(shipped, "observed_expected"),
        ece=drawn.values[shipped]["ece"],
        ece_null_95=nulls[shipped],
        bins=bins,
        roc_auc=drawn.interval(shipped, "roc_auc"),
        baseline_roc_auc=drawn.interval(baseline, "roc_auc"),
        roc_auc_difference=drawn.difference(shipped, baseline, "roc_auc"),
        champion=champion,
        drift=tuple(evidence.drift["alarms"]) if evidence.drift.get("stop") else None,
    )
