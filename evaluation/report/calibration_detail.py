"""The report's `calibration`: decompositions and tests of each candidate, and on request another prevalence."""

from dataclasses import asdict
from typing import Any

from evaluation.report.evidence import Evidence
from evaluation.statistics.calibration_error import expected_calibration_error, smooth_ece
from evaluation.statistics.decomposition import corp, murphy
from evaluation.statistics.populations import JudgedRows, at_prevalence
from evaluation.statistics.ranking import average_precision, roc_auc
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import (
    brier,
    brier_skill,
    calibration_line,
    log_loss,
    observed_expected,
    spiegelhalter_z,
    two_sided_p,
    undefined_because,
)


def calibration_detail(evidence: Evidence, *, bins: int, prevalence: float | None) -> dict[str, dict[str, Any]]:
    """Every candidate's calibration in detail.

    Args:
        evidence: rows of known label and P(fraud) of the candidates on them.
        bins: of the calibration errors and of Murphy's decomposition.
        prevalence: show every candidate re-weighted to it too; None for none.
    """
    result = {name: _detail(evidence.rows.labels, p, bins=bins) for name, p in evidence.candidates.items()}
    if prevalence is not None and not undefined_because(evidence.rows.labels):
        for name, p in evidence.candidates.items():
            result[name]["at_prevalence"] = reweighted(evidence.rows, p, prevalence=prevalence, bins=bins)
    return result


def reweighted(rows: JudgedRows, probabilities: Floats, *, prevalence: float, bins: int) -> dict[str, float]:
    """Headline statistics as they would stand where only the prevalence differed.

    Args:
        rows: judged rows that hold both classes.
        probabilities: P(fraud) on them [N].
        prevalence: the other one, inside (0, 1).
        bins: of the calibration error.

    Raises:
        InputError: the prevalence is not inside (0, 1), or one class is missing.
    """
    s = at_prevalence(rows.labels, probabilities, prevalence=prevalence)
    y, p, weight = s.labels, s.probabilities, s.weight
    return {
        "prevalence": prevalence,
        "roc_auc": roc_auc(y, p, weight=weight),
        "average_precision": average_precision(y, p, weight=weight),
        "brier": brier(y, p, weight=weight),
        "brier_skill": brier_skill(y, p, weight=weight),
        "log_loss": log_loss(y, p, weight=weight),
        "ece": expected_calibration_error(y, p, bins=bins, weight=weight),
        "observed_expected": observed_expected(y, p, weight=weight),
    }


def _detail(labels: Floats, probabilities: Floats, *, bins: int) -> dict[str, Any]:
    z = spiegelhalter_z(labels, probabilities)
    return {
        "smooth_ece": smooth_ece(labels, probabilities),
        "ece_equal_positives": expected_calibration_error(labels, probabilities, bins=bins, kind="positives"),
        "murphy": asdict(murphy(labels, probabilities, bins=bins, kind="positives")),
        "corp_brier": asdict(corp(labels, probabilities)),
        "corp_log_loss": asdict(corp(labels, probabilities, score="log_loss")),
        "spiegelhalter_z": z,
        "spiegelhalter_p": two_sided_p(z),
        "calibration_line": asdict(calibration_line(labels, probabilities)),
    }
