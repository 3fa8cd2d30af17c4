"""Calibration in detail: decompositions, tests, another prevalence, and the tables behind reliability diagrams."""

from typing import Any

import numpy as np

from evaluation.report.cells import plain
from evaluation.report.evidence import Evidence
from evaluation.statistics.calibration_error import Binning, expected_calibration_error
from evaluation.statistics.reliability import reliability_table, score_histogram
from evaluation.statistics.sample import Floats
from evaluation.statistics.scores import brier, brier_skill, log_loss

HISTOGRAM_EDGES = np.concatenate([10.0 ** (np.arange(-20, 0) / 5.0), [1.0]])
"""Five bins per decade from 0.0001 up: rare fraud lives there."""


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
