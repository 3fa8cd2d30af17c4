"""The report's `calibration`: decompositions and tests of each candidate, and on request another prevalence."""

from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.report.evidence import Evidence
from evaluation.statistics.calibration_error import expected_calibration_error, smooth_ece
from evaluation.statistics.decomposition import corp, murphy
from evaluation.statistics.intervals import Replicates
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
from evaluation.statistics.side_by_side import side_by_side


def calibration_detail(
    evidence: Evidence, drawn: Replicates, *, bins: int, prevalence: float | None
) -> dict[str, dict[str, Any]]:
    """Every candidate's calibration in detail.

    Args:
        evidence: rows of known label and P(fraud) of the candidates on them.
        drawn: the headline statistics of the same candidates, resampled.
        bins: of the calibration errors and of Murphy's decomposition.
        prevalence: show every candidate re-weighted to it too; None for none.
    """
    rows, candidates = evidence.rows, evidence.candidates
    details = side_by_side(
        lambda name: _detail(rows, candidates[name], bins=bins) | _spiegelhalter(rows, candidates[name], drawn, name),
        candidates,
    )
    result = dict(zip(candidates, details, strict=True))
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
    s = at_prevalence(rows.labels, probabilities, prevalence=prevalence, weight=rows.weight)
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


def _detail(rows: JudgedRows, probabilities: Floats, *, bins: int) -> dict[str, Any]:
    labels, weight = rows.labels, rows.weight
    by_positives = expected_calibration_error(labels, probabilities, bins=bins, kind="positives", weight=weight)
    return {
        "smooth_ece": smooth_ece(labels, probabilities, weight=weight),
        "ece_equal_positives": by_positives,
        "murphy": asdict(murphy(labels, probabilities, bins=bins, kind="positives", weight=weight)),
        "corp_brier": asdict(corp(labels, probabilities, weight=weight)),
        "corp_log_loss": asdict(corp(labels, probabilities, score="log_loss", weight=weight)),
        "calibration_line": asdict(calibration_line(labels, probabilities, weight=weight)),
    }


def _spiegelhalter(rows: JudgedRows, probabilities: Floats, drawn: Replicates, name: str) -> dict[str, float | None]:
    """Spiegelhalter's z as it is defined, how much wider than 1 it spreads, and the p value that knows of that.

    z is standard normal for independent rows and a known calibrator. Clusters and the calibrator's own noise make it
    `spread` times as wide, and only z / spread may be held against a normal; without resamples there is no p value.
    """
    z = spiegelhalter_z(rows.labels, probabilities, weight=rows.weight)
    noise, leaning = drawn.deviation(name, "leaning"), drawn.values[name]["leaning"]
    if not (np.isfinite(z) and noise > 0 and leaning != 0):
        return {"spiegelhalter_z": z, "spiegelhalter_spread": None, "spiegelhalter_p": None}
    clustered = leaning / noise
    return {"spiegelhalter_z": z, "spiegelhalter_spread": z / clustered, "spiegelhalter_p": two_sided_p(clustered)}
