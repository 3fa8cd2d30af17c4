"""Operating points: thresholds chosen on calib, their effects described on test.

There are two tables of them. The report's `operating_points` shows every candidate at the alert budgets that people
compare; thresholds.json holds the few points of what ships that an issuer sets, and travels in the bundle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.options import DecisionConfig
from evaluation.report.evidence import Evidence
from evaluation.statistics.decisions import (
    Operation,
    expected_cost,
    operation,
    policy_operation,
    threshold_for_budget,
    threshold_for_cost,
    threshold_for_precision,
)
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats

INDIFFERENT = "p ≥ 0.5"
"""The one point whose threshold is a risk at which somebody is indifferent: where either mistake weighs the same."""
RULE = "flag where probability >= threshold"
POLICY = "flag where p * amount >= alert_cost"
"""The rule of the one point that has no threshold: what is at stake decides with the probability."""
EXPECTED_LOSS = "expected_loss"
"""The name of that point."""
SHOWN_WITH = 0.8
"""Confidence of the bound by which a precision counts as shown on calib."""


@dataclass(frozen=True)
class KnownOutcomes:
    """Rows whose label is known: labels 0 or 1 [N], P(fraud) [N], amounts in major units [N].

    `weight` is how many rows of its class each stands for [N], None where every row counts once: what is chosen here is
    used on all rows, those of late frauds among them.
    """

    labels: Floats
    probabilities: Floats
    amount: Floats
    weight: Floats | None = None


def known_outcomes(rows: JudgedRows, probabilities: Floats) -> KnownOutcomes:
    """The rows of a fold whose label is known, with a candidate's P(fraud) on them [N]."""
    known = np.isfinite(rows.labels)
    kept = rows.where(known)
    return KnownOutcomes(kept.labels, np.asarray(probabilities, dtype=np.float64)[known], kept.amount, kept.weight)


def operating_points(
    evidence: Evidence, *, budgets: Sequence[float], alert_cost: float
) -> dict[str, list[dict[str, Any]]]:
    """The report's key: thresholds chosen on calib, described on test; empty where calib was not given.

    One per alert budget, one of least cost on calib, and p = 0.5, which is nobody's choice but what people quote. The
    last entry flags each row by its own expected loss and has no threshold.

    Args:
        evidence: test rows of known label, and calib with cross-fitted probabilities.
        budgets: shares of rows, each in (0, 1].
        alert_cost: cost of one alert, in the amount's unit.
    """
    calib = evidence.calib
    if calib is None:
        return {}
    result: dict[str, list[dict[str, Any]]] = {}
    for name in (each for each in evidence.candidates if each in calib.candidates):
        seen = known_outcomes(calib.rows, calib.candidates[name])
        test = known_outcomes(evidence.rows, evidence.candidates[name])
        chosen = _thresholds(seen, calib.served.get(name), budgets=budgets, alert_cost=alert_cost)
        points = [
            {"chosen": how, "threshold": t} | _effect(test, t, alert_cost, indifferent=how == INDIFFERENT)
            for how, t in chosen.items()
        ]
        best = expected_cost(
            test.labels, test.probabilities, amount=test.amount, alert_cost=alert_cost, weight=test.weight
        )
        result[name] = [*points, {"chosen": "flag where p · amount ≥ cost of an alert", "cost": best}]
    return result


def threshold_points(
    calib: KnownOutcomes, test: KnownOutcomes, *, decision: DecisionConfig, served: Floats | None = None
) -> dict[str, Any]:
    """What stands in thresholds.json: a threshold by name, why it is there, and its effect on calib and test.

    A threshold above 1 flags nothing: no row of calib could satisfy the point, and its meaning says so. One point has a
    policy and its costs in place of a threshold, and is chosen on no rows at all.

    Args:
        calib: rows on which thresholds are chosen; their probabilities should be cross-fitted.
        test: rows on which they are described, and nothing else.
        decision: the share of rows that can be looked into, the cost of an alert, the least precision.
        served: P(fraud) of every row of calib, of known label or not, by the map that serves [M]. A budget needs no
            labels, so it is read off these; None reads it off `calib`.
    """
    points = {
        name: {
            "threshold": threshold,
            "meaning": meaning,
            "calib": _effect(calib, threshold, decision.alert_cost),
            "test": _effect(test, threshold, decision.alert_cost),
        }
        for name, (threshold, meaning) in _named_thresholds(calib, decision, served).items()
    }
    return {"rule": RULE, "points": points | {EXPECTED_LOSS: _policy_point(calib, test, decision.alert_cost)}}


def _policy_point(calib: KnownOutcomes, test: KnownOutcomes, alert_cost: float) -> dict[str, Any]:
    return {
        "policy": POLICY,
        "alert_cost": alert_cost,
        "meaning": f"flags what is expected to lose at least {alert_cost:g}, the cost of an alert",
        "calib": _policy_effect(calib, alert_cost),
        "test": _policy_effect(test, alert_cost),
    }


def _thresholds(
    calib: KnownOutcomes, served: Floats | None, *, budgets: Sequence[float], alert_cost: float
) -> dict[str, float]:
    chosen = {f"top {100 * b:g} % of calib": _affordable(calib, served, b) for b in budgets}
    chosen["least cost on calib"] = _cheapest(calib, alert_cost)
    return chosen | {INDIFFERENT: 0.5}


def _named_thresholds(
    calib: KnownOutcomes, decision: DecisionConfig, served: Floats | None
) -> Mapping[str, tuple[float, str]]:
    budget, cost = decision.alert_budget, decision.alert_cost
    return {
        "alert_budget": (
            _affordable(calib, served, budget),
            f"flags at most {budget:.3%} of rows",
        ),
        "cost_optimal": (
            _cheapest(calib, cost),
            f"least cost where an alert costs {cost:g} and a missed fraud its amount",
        ),
        "precision_floor": _precise(calib, decision.precision_floor),
    }


def _precise(calib: KnownOutcomes, floor: float) -> tuple[float, str]:
    threshold = threshold_for_precision(
        calib.labels, calib.probabilities, floor=floor, confidence=SHOWN_WITH, weight=calib.weight
    )
    if threshold > 1.0:
        return threshold, (
            f"flags nothing: no threshold is shown to keep at least {floor:.0%} frauds among the rows flagged "
            f"({SHOWN_WITH:.0%} lower bound on {calib.labels.size:,} rows of calib)"
        )
    meaning = f"most frauds found with at least {floor:.0%} frauds among the rows flagged"
    return threshold, f"{meaning} ({SHOWN_WITH:.0%} lower bound on calib)"


def _affordable(calib: KnownOutcomes, served: Floats | None, budget: float) -> float:
    if served is None:
        return threshold_for_budget(calib.probabilities, budget=budget, weight=calib.weight)
    return threshold_for_budget(served, budget=budget)


def _cheapest(calib: KnownOutcomes, alert_cost: float) -> float:
    return threshold_for_cost(
        calib.labels, calib.probabilities, amount=calib.amount, alert_cost=alert_cost, weight=calib.weight
    )


def _effect(rows: KnownOutcomes, threshold: float, alert_cost: float, *, indifferent: bool = False) -> dict[str, Any]:
    """What flagging does; net benefit only where the threshold is the risk at which somebody is indifferent."""
    done = operation(
        rows.labels,
        rows.probabilities,
        amount=rows.amount,
        threshold=threshold,
        alert_cost=alert_cost,
        weight=rows.weight,
    )
    return _values(done) if indifferent else _values(done) | {"net_benefit": None}


def _policy_effect(rows: KnownOutcomes, alert_cost: float) -> dict[str, Any]:
    done = policy_operation(
        rows.labels, rows.probabilities, amount=rows.amount, alert_cost=alert_cost, weight=rows.weight
    )
    return _values(done) | {"net_benefit": None}


def _values(done: Operation) -> dict[str, Any]:
    return {name: value for name, value in asdict(done).items() if name != "threshold"}
