"""One candidate's calibration in detail."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

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


def calibration_detail(
    rows: JudgedRows, candidates: Mapping[str, Floats], *, bins: int, prevalence: float | None
) -> dict[str, dict[str, Any]]:
    """Decompositions and tests per candidate, and on request the fold re-weighted to another prevalence."""
    result: dict[str, dict[str, Any]] = {}
    for name, p in candidates.items():
        z = spiegelhalter_z(rows.labels, p)
        result[name] = {
            "smooth_ece": smooth_ece(rows.labels, p),
            "ece_equal_positives": expected_calibration_error(rows.labels, p, bins=bins, kind="positives"),
            "murphy": asdict(murphy(rows.labels, p, bins=bins, kind="positives")),
            "corp_brier": asdict(corp(rows.labels, p)),
            "corp_log_loss": asdict(corp(rows.labels, p, score="log_loss")),
            "spiegelhalter_z": z,
            "spiegelhalter_p": two_sided_p(z),
            "calibration_line": asdict(calibration_line(rows.labels, p)),
        }
        if prevalence is not None and not undefined_because(rows.labels):
            result[name]["at_prevalence"] = reweighted(rows, p, prevalence=prevalence)
    return result


def reweighted(rows: JudgedRows, probabilities: Floats, *, prevalence: float) -> dict[str, float]:
    """Headline statistics as they would stand where only the prevalence differed."""
    s = at_prevalence(rows.labels, probabilities, prevalence=prevalence)
    statistics = {
        "roc_auc": roc_auc,
        "average_precision": average_precision,
        "brier": brier,
        "brier_skill": brier_skill,
        "log_loss": log_loss,
        "ece": expected_calibration_error,
        "observed_expected": observed_expected,
    }
    values = {key: f(s.labels, s.probabilities, weight=s.weight) for key, f in statistics.items()}
    return {"prevalence": prevalence, **values}
