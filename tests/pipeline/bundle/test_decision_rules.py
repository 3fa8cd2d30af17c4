"""Operating points as a service asks them: at or above a threshold, or where the expected loss reaches the cost."""

import numpy as np
import pytest

from evaluation.options import DecisionConfig
from evaluation.report import operating_points
from evaluation.report.operating_points import EXPECTED_LOSS, KnownOutcomes, threshold_points
from pipeline.bundle.decision_rules import POLICY, decision_rule

POINTS = {"points": {"budget": {"threshold": 0.7}, "loss": {"policy": POLICY, "alert_cost": 5.0}}}


def test_a_threshold_flags_from_itself_on_and_asks_no_amount() -> None:
    rule = decision_rule(POINTS, "budget")
    assert [rule.flags(p, amount) for p, amount in ((0.7, 0.0), (0.69, 1e9))] == [True, False]


def test_the_policy_flags_from_the_expected_loss_on_that_an_alert_costs() -> None:
    rule = decision_rule(POINTS, "loss")
    assert [rule.flags(p, amount) for p, amount in ((0.5, 10.0), (0.99, 5.0), (0.001, 5000.0))] == [True, False, True]
    assert not rule.flags(1.0, float("nan"))


def test_what_a_run_writes_is_what_a_service_reads() -> None:
    assert operating_points.POLICY == POLICY
    rows = KnownOutcomes(*(np.full(100, x) for x in (1.0, 0.5, 20.0)))
    written = threshold_points(rows, rows, decision=DecisionConfig(alert_cost=7.0))
    assert decision_rule(written, EXPECTED_LOSS).flags(0.5, 14.0)
    assert not decision_rule(written, EXPECTED_LOSS).flags(0.5, 13.9)
    assert decision_rule(written, "alert_budget").threshold == written["points"]["alert_budget"]["threshold"]


@pytest.mark.parametrize(
    ("thresholds", "name", "fault"),
    [
        (POINTS, "lose", r"must have the operating point 'lose', but it has 'budget', 'loss'"),
        ([], "loss", "must have points"),
        ({"points": {"a": {"policy": "flag all", "alert_cost": 1.0}}}, "a", "the policy of 'a' must be 'flag where p"),
        ({"points": {"a": {"policy": POLICY}}}, "a", "alert_cost of 'a' must be a number of at least 0"),
        ({"points": {"a": {"policy": POLICY, "alert_cost": True}}}, "a", "alert_cost of 'a' must be a number"),
        ({"points": {"a": {"threshold": float("nan")}}}, "a", "threshold of 'a' must be a number"),
        ({"points": {"a": 0.5}}, "a", "threshold of 'a' must be a number"),
    ],
)
def test_a_point_that_cannot_be_served_is_refused_by_name(thresholds: object, name: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        decision_rule(thresholds, name)
