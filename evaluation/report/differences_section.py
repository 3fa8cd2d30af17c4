"""The report's `differences`: what would ship against every other candidate, on the same resamples."""

from collections.abc import Mapping
from typing import Any

from evaluation.report.evidence import Evidence
from evaluation.report.interval_records import interval_record
from evaluation.statistics.intervals import Replicates

DIFFERENCES = ("log_loss", "brier_skill", "average_precision", "roc_auc", "ece", "ece_debiased")


def differences_section(drawn: Replicates, evidence: Evidence, population: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Paired differences: the candidate that would ship against every other, and the head against its ε = 0 twin."""
    pairs = [(evidence.shipped, other) for other in evidence.candidates if other != evidence.shipped]
    if {"mlp", "mlp_unsmoothed"} <= set(evidence.candidates):
        pairs.append(("mlp", "mlp_unsmoothed"))
    return [
        {"candidate": one, "other": other, "statistic": name}
        | interval_record(drawn.difference(one, other, name), population)
        for one, other in pairs
        for name in DIFFERENCES
    ]
