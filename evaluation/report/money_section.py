"""The report's `money`: what each operating point would save, on test, in money a month, with intervals.

Everything is counted on the same rows under the same draws, so that points can be compared and the savings of one
minus those of another have an interval of their own.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evaluation.options import DecisionConfig, EvaluationConfig
from evaluation.report.evidence import Evidence
from evaluation.report.interval_records import bounds_record
from evaluation.report.operating_points import EXPECTED_LOSS, further_costs, known_outcomes, threshold_points
from evaluation.statistics.decisions import row_costs
from evaluation.statistics.dependence import dependence
from evaluation.statistics.resampled_sums import ResampledSums, Sums, resampled_sums
from evaluation.statistics.sample import DAY, Floats, Mask

MONTH_DAYS = 30.4
"""Days of a month."""
CURVE_SHARES = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
"""Shares of rows at which the capacity curve is drawn."""


def money_section(
    evidence: Evidence, *, config: EvaluationConfig, decision: DecisionConfig, rng: np.random.Generator
) -> dict[str, Any]:
    """Every operating point of what ships, the curve over review capacity, and the same money by the baseline.

    Args:
        evidence: test rows of known label, calib with cross-fitted probabilities.
        config: resamples.
        decision: costs, and which point ships.
        rng: source of the draws.

    Returns:
        `days`, `month_days`, `costs`, `loss` (a month, without alerts), `points` and `curve`, each a list of records;
        empty where calib was not given or nothing is at stake.
    """
    calib, rows = evidence.calib, evidence.rows
    if calib is None or evidence.shipped not in calib.candidates or not (rows.labels * rows.amount).sum() > 0:
        return {}
    seen = known_outcomes(calib.rows, calib.candidates[evidence.shipped])
    p = np.asarray(evidence.candidates[evidence.shipped], np.float64)
    found = threshold_points(
        seen,
        known_outcomes(rows, p),
        decision=decision,
        served=calib.served.get(evidence.shipped),
    )["points"]
    flagged = {name: _flagged(point, p, rows.amount) for name, point in found.items()}
    flagged |= {_curve_name(share): _top(p * rows.amount, share) for share in CURVE_SHARES}
    baseline = _baseline_flags(evidence, decision)
    sums = _sums(evidence, flagged | baseline, config, decision, rng)
    days = _days(evidence)
    month = MONTH_DAYS / days
    return {
        "days": days,
        "month_days": MONTH_DAYS,
        "currency": decision.currency,
        "costs": decision.model_dump(mode="json", include={"alert_cost", "decline_cost", "recovery", "daily_capacity"}),
        "loss": bounds_record(sums.interval(lambda s: month * s["loss"])),
        "points": [
            {
                "name": name,
                "meaning": point["meaning"],
                "threshold": point.get("threshold"),
                "least_loss": point["alert_cost"] if name == EXPECTED_LOSS else None,
                "ships": name == decision.point,
                **_effects(name, sums, days),
                "beyond_shipped": bounds_record(sums.interval(_saved_beyond(name, decision.point, month))),
            }
            for name, point in found.items()
        ],
        "curve": [{"share": share, **_effects(_curve_name(share), sums, days)} for share in CURVE_SHARES],
        "baseline": {"name": evidence.baseline, **_effects("baseline", sums, days)} if baseline else None,
        "beyond_baseline": bounds_record(sums.interval(_saved_beyond(EXPECTED_LOSS, "baseline", month)))
        if baseline
        else None,
    }


def _flagged(point: Mapping[str, Any], p: Floats, amount: Floats) -> Mask:
    if "threshold" in point:
        return np.asarray(p >= point["threshold"])
    return np.asarray(p * amount >= point["alert_cost"])


def _curve_name(share: float) -> str:
    return f"top {share:g}"


def _top(values: Floats, share: float) -> Mask:
    """The rows of largest value, whole ties only, that are at most so many of them."""
    order, counts = np.unique(-values, return_counts=True)
    fits = np.cumsum(counts) <= share * values.size
    return np.asarray(values >= -order[fits][-1]) if fits.any() else np.zeros(values.size, np.bool_)


def _baseline_flags(evidence: Evidence, decision: DecisionConfig) -> dict[str, Mask]:
    """The baseline under the policy of expected loss: what the simplest model would save by the same rule."""
    p = evidence.candidates.get(evidence.baseline)
    if p is None or evidence.baseline == evidence.shipped:
        return {}
    least = further_costs(decision).least_loss(decision.alert_cost)
    return {"baseline": np.asarray(np.asarray(p, np.float64) * evidence.rows.amount >= least)}


def _sums(
    evidence: Evidence,
    flagged: Mapping[str, Mask],
    config: EvaluationConfig,
    decision: DecisionConfig,
    rng: np.random.Generator,
) -> ResampledSums:
    rows = evidence.rows
    weight = np.ones(rows.labels.size) if rows.weight is None else rows.weight
    loss = weight * rows.labels * rows.amount
    columns = {"rows": weight, "frauds": weight * rows.labels, "loss": loss}
    for name, alerts in flagged.items():
        cost = row_costs(
            rows.labels, alerts, rows.amount, alert_cost=decision.alert_cost, further=further_costs(decision)
        )
        columns |= {
            f"alerts {name}": weight * alerts,
            f"caught {name}": weight * alerts * rows.labels,
            f"value {name}": loss * alerts,
            f"cost {name}": weight * cost,
        }
    units = dependence(rows, by=config.cluster, fewest=config.min_clusters)
    return resampled_sums(columns, units, rng=rng, resamples=config.slice_resamples)


def _days(evidence: Evidence) -> float:
    time = evidence.rows.event_time
    return float(int(time.max()) // DAY - int(time.min()) // DAY + 1)


def _effects(name: str, sums: ResampledSums, days: float) -> dict[str, Any]:
    """Workload, catch and money of one way to flag rows; money a month, alerts a day."""
    month, share = MONTH_DAYS / days, (0.0, 1.0)
    statistics: dict[str, tuple[Callable[[Sums], Floats], tuple[float, float]]] = {
        "alerts_a_day": (lambda s: s[f"alerts {name}"] / days, (0.0, np.inf)),
        "precision": (lambda s: s[f"caught {name}"] / s[f"alerts {name}"], share),
        "recall": (lambda s: s[f"caught {name}"] / s["frauds"], share),
        "value_recall": (lambda s: s[f"value {name}"] / s["loss"], share),
        "savings": (lambda s: 1.0 - s[f"cost {name}"] / s["loss"], (-np.inf, 1.0)),
        "saved": (lambda s: month * (s["loss"] - s[f"cost {name}"]), (-np.inf, np.inf)),
        "cost": (lambda s: month * s[f"cost {name}"], (0.0, np.inf)),
    }
    return {key: bounds_record(sums.interval(how, within=within)) for key, (how, within) in statistics.items()}


def _saved_beyond(name: str, other: str, month: float) -> Callable[[Sums], Floats]:
    return lambda s: month * (s[f"cost {other}"] - s[f"cost {name}"])
