"""What a service does with a probability: the operating points of thresholds.json, by threshold or by expected loss."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.storage.errors import InputError

POLICY = "flag where p * amount >= alert_cost"
"""The one policy that Harbor knows: an alert where a fraud's expected loss reaches what the alert costs."""


@dataclass(frozen=True)
class DecisionRule:
    """One operating point; exactly one of the two numbers is given.

    Attributes:
        name: of the point.
        threshold: rows with a probability of at least this are flagged.
        alert_cost: rows whose expected loss p · amount is at least this are flagged, in the unit of the amounts.
    """

    name: str
    threshold: float | None
    alert_cost: float | None

    def flags(self, probability: float, amount: float) -> bool:
        """Whether to flag a payment; its amount in major units matters to the policy alone."""
        if self.alert_cost is not None:
            return probability * amount >= self.alert_cost
        return self.threshold is not None and probability >= self.threshold


def decision_rule(thresholds: Any, name: str) -> DecisionRule:
    """The rule of an operating point.

    Args:
        thresholds: content of a bundle's thresholds.json.
        name: of the point.

    Raises:
        InputError: there is no such point, or it is neither a threshold nor a policy that is known.
    """
    points = thresholds.get("points") if isinstance(thresholds, Mapping) else None
    if not isinstance(points, Mapping):
        raise InputError("thresholds.json must have points, each by its name")
    if name not in points:
        held = ", ".join(map(repr, points)) or "none"
        raise InputError(f"thresholds.json must have the operating point {name!r}, but it has {held}")
    point = points[name] if isinstance(points[name], Mapping) else {}
    if "policy" not in point:
        return DecisionRule(name, _number(point, "threshold", name), None)
    if point["policy"] != POLICY:
        raise InputError(f"thresholds.json: the policy of {name!r} must be {POLICY!r}, but it is another")
    return DecisionRule(name, None, _number(point, "alert_cost", name))


def _number(point: Mapping[str, Any], key: str, name: str) -> float:
    value = point.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise InputError(f"thresholds.json: {key} of {name!r} must be a number of at least 0")
    return float(value)
