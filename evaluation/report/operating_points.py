"""Operating points: thresholds chosen on calib, their effects described on test."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.report.evidence import EvaluationConfig, Evidence
from evaluation.statistics.alerts import expected_cost, operation, threshold_for_budget, threshold_for_cost


def operating_points(evidence: Evidence, *, config: EvaluationConfig) -> dict[str, list[dict[str, Any]]]:
    """Thresholds chosen on calib, described on test; empty where calib was not given.

    One per alert budget, one of least cost on calib, and p = 0.5, which is nobody's choice but what people quote.
    """
    calib, rows = evidence.calib, evidence.rows
    if calib is None:
        return {}
    known = np.isfinite(calib.rows.labels)
    labels, amount = calib.rows.labels[known], calib.rows.amount[known]
    result: dict[str, list[dict[str, Any]]] = {}
    for name, p in evidence.candidates.items():
        if name not in calib.candidates:
            continue
        seen = np.asarray(calib.candidates[name], dtype=np.float64)[known]
        chosen = {f"top {100 * b:g} % of calib": threshold_for_budget(seen, budget=b) for b in config.budgets}
        chosen["least cost on calib"] = threshold_for_cost(labels, seen, amount=amount, alert_cost=config.alert_cost)
        chosen["p ≥ 0.5"] = 0.5
        result[name] = [
            {"chosen": how}
            | asdict(operation(rows.labels, p, amount=rows.amount, threshold=t, alert_cost=config.alert_cost))
            for how, t in chosen.items()
        ]
        best = expected_cost(rows.labels, p, amount=rows.amount, alert_cost=config.alert_cost)
        result[name].append({"chosen": "flag where p · amount ≥ cost of an alert", "cost": best})
    return result


@dataclass(frozen=True)
class Outcomes:
    """Rows whose label is known: labels 0 or 1 [N], P(fraud) [N], amounts in major units [N]."""

    labels: np.ndarray
    probabilities: np.ndarray
    amount: np.ndarray


def threshold_points(
    calib: Outcomes, test: Outcomes, *, alert_budget: float, alert_cost: float, precision_floor: float
) -> dict[str, Any]:
    """What stands in thresholds.json: a threshold by name, why it is there, and its effect on calib and test.

    A threshold above 1 flags nothing: no row of calib could satisfy the point.

    Args:
        calib: rows on which thresholds are chosen; their probabilities should be cross-fitted.
        test: rows on which they are described, and nothing else.
        alert_budget: largest share of rows flagged.
        alert_cost: cost of one alert, in the amount's unit.
        precision_floor: least share of frauds among the rows flagged.
    """
    chosen = {
        "alert_budget": (
            threshold_for_budget(calib.probabilities, budget=alert_budget),
            f"flags at most {alert_budget:.3%} of rows",
        ),
        "cost_optimal": (
            threshold_for_cost(calib.labels, calib.probabilities, amount=calib.amount, alert_cost=alert_cost),
            f"least cost where an alert costs {alert_cost:g} and a missed fraud its amount",
        ),
        "precision_floor": (
            threshold_for_precision(calib.labels, calib.probabilities, floor=precision_floor),
            f"most frauds found with at least {precision_floor:.0%} frauds among the rows flagged",
        ),
    }
    points = {
        name: {
            "threshold": threshold,
            "meaning": meaning,
            "calib": _effect(calib, threshold=threshold, alert_cost=alert_cost),
            "test": _effect(test, threshold=threshold, alert_cost=alert_cost),
        }
        for name, (threshold, meaning) in chosen.items()
    }
    return {"rule": "flag where probability >= threshold", "points": points}


def threshold_for_precision(labels: np.ndarray, probabilities: np.ndarray, *, floor: float) -> float:
    """Lowest probability whose rows at or above it hold at least a share `floor` of frauds; above 1 if none do."""
    values, group = np.unique(-np.asarray(probabilities, dtype=np.float64), return_inverse=True)
    frauds = np.cumsum(np.bincount(group, weights=labels, minlength=len(values)))
    rows = np.cumsum(np.bincount(group, minlength=len(values)))
    enough = np.flatnonzero(frauds >= floor * rows)
    return float(-values[enough[-1]]) if len(enough) else float(np.nextafter(1.0, 2.0))


def _effect(rows: Outcomes, *, threshold: float, alert_cost: float) -> dict[str, Any]:
    done = operation(rows.labels, rows.probabilities, amount=rows.amount, threshold=threshold, alert_cost=alert_cost)
    return {name: value for name, value in asdict(done).items() if name != "threshold"}
