"""Calibration in detail: decompositions, tests, another prevalence, and the tables behind reliability diagrams."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.calibration_error import Binning, expected_calibration_error, smooth_ece
from evaluation.cells import plain
from evaluation.checks import Floats
from evaluation.decomposition import corp, murphy
from evaluation.evidence import Evidence
from evaluation.metrics import (
    brier,
    brier_skill,
    calibration_line,
    log_loss,
    observed_expected,
    spiegelhalter_z,
    two_sided_p,
    undefined_because,
)
from evaluation.populations import JudgedRows, at_prevalence
from evaluation.ranking import average_precision, roc_auc
from evaluation.reliability import reliability_table, score_histogram

HISTOGRAM_EDGES = np.concatenate([10.0 ** (np.arange(-20, 0) / 5.0), [1.0]])
"""Five bins per decade from 0.0001 up: rare fraud lives there."""


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


def reliability_section(evidence: Evidence, *, bins: int) -> dict[str, Any]:
    """Reliability tables: ε = 0 on valid before the sweep, every candidate on test before and after calibration."""
    labels = evidence.rows.labels

    section: dict[str, Any] = {"histogram_edges": HISTOGRAM_EDGES.tolist(), "test": {}, "valid_unsmoothed": None}
    for name, p in evidence.candidates.items():
        section["test"][name] = {"after": _tables(labels, p, bins=bins)}
        if name in evidence.before:
            section["test"][name]["before"] = _tables(labels, evidence.before[name], bins=bins)
    if evidence.unsmoothed_valid is not None:
        section["valid_unsmoothed"] = unsmoothed_section(*evidence.unsmoothed_valid, bins=bins)
    return section


def unsmoothed_section(labels: Floats, probabilities: Floats, *, bins: int) -> dict[str, Any]:
    """The evidence before anything was tried: reliability, Brier, ECE and log loss of ε = 0 on valid, in plain numbers.

    Args:
        labels: 0 or 1 on valid [N].
        probabilities: P(fraud) of ε = 0 as trained [N].
        bins: bins of the tables and of the calibration error.
    """
    rows, y, p = int(np.size(labels)), np.asarray(labels, dtype=np.float64), probabilities
    result: dict[str, Any] = plain(
        _tables(y, p, bins=bins)
        | {
            "rows": rows,
            "frauds": int(y.sum()),
            "prevalence": float(y.mean()) if rows else None,
            "brier": brier(y, p),
            "brier_skill": brier_skill(y, p),
            "ece": expected_calibration_error(y, p, bins=bins),
            "log_loss": log_loss(y, p),
            "histogram_edges": HISTOGRAM_EDGES,
        }
    )
    return result


def _tables(labels: Floats, probabilities: Floats, *, bins: int) -> dict[str, Any]:
    kinds: dict[str, Binning] = {"equal_positives": "positives", "equal_width": "width", "equal_mass": "mass"}
    tables: dict[str, Any] = {
        name: reliability_table(labels, probabilities, bins=bins, kind=kind).records() for name, kind in kinds.items()
    }
    frauds, legitimate = score_histogram(labels, probabilities, edges=HISTOGRAM_EDGES)
    return tables | {"histogram": {"frauds": frauds, "legitimate": legitimate}}
