"""The report's `reliability`: the tables behind the diagrams, what was promised against what happened."""

from typing import Any

import numpy as np

from evaluation.report.evidence import Evidence
from evaluation.statistics.calibration_error import Binning, expected_calibration_error
from evaluation.statistics.reliability import reliability_table, score_histogram
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import brier, brier_skill, log_loss

HISTOGRAM_EDGES = np.concatenate([10.0 ** (np.arange(-20, 0) / 5.0), [1.0]])
"""Five bins per decade from 0.0001 up: rare fraud lives there."""
SMOOTHING = {"before": ("none",), "after": ("inverse+affine", "affine")}
"""Which arm of the comparison of calibrators shows a head as trained and calibrated: the first that is there."""
KINDS: dict[str, Binning] = {"equal_positives": "positives", "equal_width": "width", "equal_mass": "mass"}


def reliability_section(evidence: Evidence, *, bins: int) -> dict[str, Any]:
    """Reliability tables: ε = 0 on valid, every candidate on test before and after calibration."""
    labels, unsmoothed = evidence.rows.labels, evidence.unsmoothed_valid
    test: dict[str, Any] = {}
    for name, p in evidence.candidates.items():
        test[name] = {"after": _tables(labels, p, bins=bins, weight=evidence.rows.weight)}
        if name in evidence.before:
            test[name]["before"] = _tables(labels, evidence.before[name], bins=bins, weight=evidence.rows.weight)
    valid = None if unsmoothed is None else unsmoothed_section(*unsmoothed, bins=bins)
    smoothing = _smoothing(evidence, bins=bins)
    return {"histogram_edges": HISTOGRAM_EDGES, "test": test, "smoothing": smoothing, "valid_unsmoothed": valid}


def unsmoothed_section(labels: Floats, probabilities: Floats, *, bins: int) -> dict[str, Any]:
    """The evidence before anything was tried: reliability, Brier, ECE and log loss of ε = 0 on valid.

    Args:
        labels: 0 or 1 on valid [N].
        probabilities: P(fraud) of ε = 0 as trained [N].
        bins: bins of the tables and of the calibration error.
    """
    rows = int(np.size(labels))
    return _tables(labels, probabilities, bins=bins) | {
        "rows": rows,
        "frauds": int(np.sum(labels)),
        "prevalence": float(np.mean(labels)) if rows else None,
        "brier": brier(labels, probabilities),
        "brier_skill": brier_skill(labels, probabilities),
        "ece": expected_calibration_error(labels, probabilities, bins=bins),
        "log_loss": log_loss(labels, probabilities),
        "histogram_edges": HISTOGRAM_EDGES,
    }


def _smoothing(evidence: Evidence, *, bins: int) -> dict[str, list[dict[str, Any]]]:
    """The heads without smoothing and with the best of it, whichever was selected, a record each; by stage."""
    arms, labels, weight = evidence.temperature_test, evidence.rows.labels, evidence.rows.weight
    made: dict[str, list[dict[str, Any]]] = {}
    for stage, calibrators in SMOOTHING.items():
        found = {
            epsilon: next(arms[epsilon, name] for name in calibrators if (epsilon, name) in arms)
            for epsilon in sorted({epsilon for epsilon, name in arms if name in calibrators})
        }
        if len(found) > 1:
            made[stage] = [
                {"smoothing": epsilon, **_tables(labels, p, bins=bins, weight=weight)} for epsilon, p in found.items()
            ]
    return made


def _tables(labels: Floats, probabilities: Floats, *, bins: int, weight: Floats | None = None) -> dict[str, Any]:
    tables: dict[str, Any] = {
        name: reliability_table(labels, probabilities, bins=bins, kind=kind, weight=weight).records()
        for name, kind in KINDS.items()
    }
    frauds, legitimate = score_histogram(labels, probabilities, edges=HISTOGRAM_EDGES)
    return tables | {"histogram": {"frauds": frauds, "legitimate": legitimate}}
