"""Named operating points: thresholds chosen on calib, and what each does on test."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.alerts import operation, threshold_for_budget, threshold_for_cost


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
