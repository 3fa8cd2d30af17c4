"""Operating points: chosen on calib, described on test."""

import numpy as np
import pytest

from evaluation.report.operating_points import Outcomes, threshold_for_precision, threshold_points


def outcomes(seed: int, rows: int = 4000) -> Outcomes:
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.4, 4, size=rows).round(3)
    return Outcomes((rng.random(rows) < probability).astype(float), probability, rng.exponential(50, size=rows))


def naive_precision_threshold(labels: np.ndarray, probabilities: np.ndarray, floor: float) -> float:
    fitting = [t for t in set(probabilities) if labels[probabilities >= t].mean() >= floor]
    return min(fitting, default=np.nextafter(1.0, 2.0))


@pytest.mark.parametrize("floor", [0.05, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_precision_floor_is_the_lowest_threshold_that_keeps_it(seed: int, floor: float) -> None:
    rows = outcomes(seed, rows=300)
    found = threshold_for_precision(rows.labels, rows.probabilities, floor=floor)
    assert found == naive_precision_threshold(rows.labels, rows.probabilities, floor)


def test_a_precision_that_no_threshold_reaches_flags_nothing() -> None:
    assert threshold_for_precision(np.array([1.0, 0.0]), np.array([0.2, 0.9]), floor=0.8) > 1


def test_points_are_chosen_on_calib_and_described_on_both() -> None:
    calib, test = outcomes(1), outcomes(2)
    settings = {"alert_budget": 0.01, "alert_cost": 5.0, "precision_floor": 0.5}
    points = threshold_points(calib, test, **settings)["points"]
    assert set(points) == {"alert_budget", "cost_optimal", "precision_floor"}
    flagged = test.probabilities >= points["alert_budget"]["threshold"]
    assert points["alert_budget"]["calib"]["alert_share"] <= 0.01
    assert points["alert_budget"]["test"]["alert_share"] == pytest.approx(flagged.mean())
    assert points["precision_floor"]["calib"]["precision"] >= 0.5
    costs = [points[name]["calib"]["cost"] for name in points]
    assert points["cost_optimal"]["calib"]["cost"] == min(costs)
    changed = threshold_points(calib, outcomes(3), **settings)["points"]
    assert [points[name]["threshold"] for name in points] == [changed[name]["threshold"] for name in points]
