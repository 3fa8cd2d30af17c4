"""The report's `desk`: what a fraud desk, a scheme and a regulator ask of the operating point that ships.

Rows are flagged as they would be in service. Every figure follows from sums over rows and has its interval under the
draws of whole cards, merchants and days; where one is undefined it is null with a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.options import DecisionConfig, EvaluationConfig
from evaluation.report.evidence import Evidence
from evaluation.report.interval_records import bounds_record
from evaluation.report.operating_points import further_costs, known_outcomes, threshold_points
from evaluation.statistics.decisions import row_costs
from evaluation.statistics.dependence import dependence
from evaluation.statistics.percentiles import UNDEFINED, Interval
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.resampled_sums import ResampledSums, Sums, resampled_sums
from evaluation.statistics.sample import DAY, Floats, Integers, Mask
from evaluation.statistics.true_positives import true_positive_rates

FALSE_POSITIVE_RATES = (0.01, 0.05)
"""Shares of legitimate rows at which the recall is shown (Jesus et al., 2022, judge by the second)."""
TRA_BANDS = ((0.0013, 100), (0.0006, 250), (0.0001, 500))
"""Fraud rates by value, and up to which amount in EUR payments below them need no strong authentication (PSD2 RTS)."""
DECISION_ODDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Probabilities at which the decision curve is drawn."""
COST_FACTORS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Multiples of the cost of an alert at which the savings are shown again."""
FEWEST_OF_GROUP = 100
"""Legitimate rows below which a group's share of false alerts is not shown."""


@dataclass(frozen=True)
class _Flagged:
    """The rows, their probabilities and which of them the shipped point flags."""

    rows: JudgedRows
    p: Floats
    alerts: Mask
    weight: Floats


def desk_section(
    evidence: Evidence,
    *,
    config: EvaluationConfig,
    decision: DecisionConfig,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Every figure of the desk; empty where there is no calib to choose an operating point on.

    Args:
        evidence: test rows of known label, calib with cross-fitted probabilities, and the champion.
        config: resamples; which groupings are protected.
        decision: costs, and which point ships.
        rng: source of the draws.
    """
    calib = evidence.calib
    if calib is None or evidence.shipped not in calib.candidates:
        return {}
    flagged = _flagged(evidence, decision)
    columns = {**_plain_columns(flagged), **_account_columns(flagged), **_money_columns(flagged, decision)}
    groups = _protected(evidence, config)
    columns |= {key: values for name, codes in groups.items() for key, values in _group_columns(flagged, name, codes)}
    champion = _champion_flags(evidence, flagged)
    columns |= champion
    units = dependence(flagged.rows, by=config.cluster, fewest=config.min_clusters)
    sums = resampled_sums(columns, units, rng=rng, resamples=config.slice_resamples)
    rates = true_positive_rates(
        flagged.rows.labels,
        flagged.p,
        at=FALSE_POSITIVE_RATES,
        units=units,
        rng=rng,
        resamples=config.slice_resamples,
        weight=flagged.weight,
    )
    return {
        "point": decision.point,
        "figures": {name: bounds_record(found) for name, found in _figures(flagged, sums, bool(champion)).items()},
        "true_positive_rate": [
            {"false_positive_rate": rate, **bounds_record(found)}
            for rate, found in zip(FALSE_POSITIVE_RATES, rates, strict=True)
        ],
        "transaction_risk": _transaction_risk(sums, decision),
        "decision_curve": _decision_curve(sums),
        "savings_by_cost": _savings_by_cost(sums, decision),
        "equality": {name: _equality(sums, name, codes) for name, codes in groups.items()},
    }


def _flagged(evidence: Evidence, decision: DecisionConfig) -> _Flagged:
    calib = evidence.calib
    assert calib is not None
    seen = known_outcomes(calib.rows, calib.candidates[evidence.shipped])
    p, rows = np.asarray(evidence.candidates[evidence.shipped], np.float64), evidence.rows
    points = threshold_points(
        seen, known_outcomes(rows, p), decision=decision, served=calib.served.get(evidence.shipped)
    )["points"]
    point = points[decision.point]
    alerts = p >= point["threshold"] if "threshold" in point else p * rows.amount >= point["alert_cost"]
    return _Flagged(rows, p, alerts, np.ones(p.size) if rows.weight is None else rows.weight)


def _plain_columns(f: _Flagged) -> dict[str, Floats]:
    y, w, value = f.rows.labels, f.weight, f.rows.amount
    columns = {
        "rows": w,
        "frauds": w * y,
        "honest": w * (1 - y),
        "value": w * value,
        "lost": w * y * value,
        "alerts": w * f.alerts,
        "caught": w * y * f.alerts,
        "value caught": w * y * value * f.alerts,
        "missed": w * y * ~f.alerts,
        "value missed": w * y * value * ~f.alerts,
        "passed": w * ~f.alerts,
        "value passed": w * value * ~f.alerts,
    }
    for odds in DECISION_ODDS:
        columns[f"true at {odds:g}"] = w * y * (f.p >= odds)
        columns[f"false at {odds:g}"] = w * (1 - y) * (f.p >= odds)
    return columns


def _account_columns(f: _Flagged) -> dict[str, Floats]:
    """Cards counted once: those with a fraud and those found in time at their last fraud, honest ones at their alert.

    A card is found where one of its rows up to its last fraud is flagged: later it is known anyway. Money lost before
    the first alert of a card is what nothing could have saved.
    """
    card, y = f.rows.card, f.rows.labels
    if card is None or not (card >= 0).any():
        return {}
    time = f.rows.event_time
    codes = np.where(card >= 0, card, -1)
    names, place = np.unique(codes, return_inverse=True)
    last_fraud = np.full(names.size, np.iinfo(np.int64).min)
    np.maximum.at(last_fraud, place[y > 0.5], time[y > 0.5])
    first_alert = np.full(names.size, np.iinfo(np.int64).max)
    np.minimum.at(first_alert, place[f.alerts], time[f.alerts])
    defrauded = (last_fraud > np.iinfo(np.int64).min) & (names >= 0)
    found = defrauded & (first_alert <= last_fraud)
    false = ~defrauded & (first_alert < np.iinfo(np.int64).max) & (names >= 0)

    def counted_at(cards: Mask, rows: Mask) -> Floats:
        """One of the rows of each of these cards."""
        wanted = np.flatnonzero(rows & cards[place])
        _, picked = np.unique(place[wanted], return_index=True)
        column = np.zeros(y.size)
        column[wanted[picked]] = 1.0
        return column

    last, first = (y > 0.5) & (time == last_fraud[place]), f.alerts & (time == first_alert[place])
    before = (y > 0.5) & (time < first_alert[place]) & found[place]
    return {
        "accounts": counted_at(defrauded, last),
        "accounts found": counted_at(found, last),
        "accounts false": counted_at(false, first),
        "lost before": f.weight * f.rows.amount * before,
    }


def _money_columns(f: _Flagged, decision: DecisionConfig) -> dict[str, Floats]:
    """Costs under the policy at multiples of the cost of an alert."""
    further, columns = further_costs(decision), {}
    for factor in COST_FACTORS:
        cost = decision.alert_cost * factor
        alerts = f.p * f.rows.amount >= further.least_loss(cost)
        costs = row_costs(f.rows.labels, alerts, f.rows.amount, alert_cost=cost, further=further)
        columns[f"cost at {factor:g}"] = f.weight * costs
    return columns


def _protected(evidence: Evidence, config: EvaluationConfig) -> dict[str, tuple[Integers, list[str]]]:
    """Codes and names of the values of each protected column that the rows have."""
    found = {}
    for name in config.protected:
        values = (evidence.rows.groups or {}).get(name)
        if values is not None:
            names, codes = np.unique(np.asarray(values, dtype=str), return_inverse=True)
            found[name] = (codes.astype(np.int64), [str(each) for each in names])
    return found


def _group_columns(f: _Flagged, name: str, codes: tuple[Integers, list[str]]) -> list[tuple[str, Floats]]:
    honest = f.weight * (1 - f.rows.labels)
    result = []
    for code in range(len(codes[1])):
        inside = codes[0] == code
        result += [(f"honest {name} {code}", honest * inside), (f"false {name} {code}", honest * inside * f.alerts)]
    return result


def _champion_flags(evidence: Evidence, f: _Flagged) -> dict[str, Floats]:
    """Alerts of the champion on as many rows as the candidate flags, so that only which ones is compared."""
    champion = evidence.champion
    if champion is None or champion.problem:
        return {}
    scored = np.isfinite(champion.probabilities)
    ours = f.alerts & scored
    theirs = np.zeros(f.p.size, np.bool_)
    if ours.any():
        order = np.argsort(np.where(scored, -champion.probabilities, np.inf), kind="stable")
        theirs[order[: int(ours.sum())]] = True
    return {"both": f.weight * (ours & theirs), "either": f.weight * (ours | theirs)}


def _figures(f: _Flagged, sums: ResampledSums, champion: bool) -> dict[str, Interval]:
    share, days = (0.0, 1.0), float(int(f.rows.event_time.max()) // DAY - int(f.rows.event_time.min()) // DAY + 1)
    above = (0.0, np.inf)
    statistics: dict[str, tuple[Callable[[Sums], Floats], tuple[float, float]]] = {
        "alerts_a_day": (lambda s: s["alerts"] / days, above),
        "precision": (lambda s: s["caught"] / s["alerts"], share),
        "recall": (lambda s: s["caught"] / s["frauds"], share),
        "value_detection": (lambda s: s["value caught"] / s["lost"], share),
        "false_positives_per_fraud": (lambda s: (s["alerts"] - s["caught"]) / s["caught"], above),
        "fraud_to_sales_by_count": (lambda s: s["missed"] / s["passed"], share),
        "fraud_to_sales_by_value": (lambda s: s["value missed"] / s["value passed"], share),
    }
    if f.rows.card is not None:
        statistics |= {
            "account_detection": (lambda s: s["accounts found"] / s["accounts"], share),
            "false_accounts_per_found": (lambda s: s["accounts false"] / s["accounts found"], above),
            "lost_before_first_alert": (lambda s: s["lost before"] / s["lost"], share),
        }
    if champion:
        statistics["overlap_with_champion"] = (lambda s: s["both"] / s["either"], share)
    return {name: sums.interval(how, within=within) for name, (how, within) in statistics.items()}


def _transaction_risk(sums: ResampledSums, decision: DecisionConfig) -> dict[str, Any]:
    """Fraud by value among what is let through, against the bands of transaction risk analysis."""
    found = sums.interval(lambda s: s["value missed"] / s["value passed"], within=(0.0, 1.0))
    fits = [amount for rate, amount in TRA_BANDS if np.isfinite(found.high) and found.high <= rate]
    return {
        "fraud_rate": bounds_record(found),
        "without": bounds_record(sums.interval(lambda s: s["lost"] / s["value"], within=(0.0, 1.0))),
        "bands": [{"rate": rate, "up_to": amount} for rate, amount in TRA_BANDS],
        "exempt_up_to": max(fits, default=0),
        "currency": decision.currency,
    }


def _decision_curve(sums: ResampledSums) -> list[dict[str, Any]]:
    """Net benefit per 1,000 rows over thresholds, and that of flagging all (Vickers & Elkin, 2006); of none it is 0."""

    def net(true: str, false: str, odds: float) -> Callable[[Sums], Floats]:
        return lambda s: 1000 * (s[true] - s[false] * odds / (1 - odds)) / s["rows"]

    return [
        {
            "threshold": odds,
            "model": bounds_record(sums.interval(net(f"true at {odds:g}", f"false at {odds:g}", odds))),
            "all": bounds_record(sums.interval(net("frauds", "honest", odds))),
        }
        for odds in DECISION_ODDS
    ]


def _savings_by_cost(sums: ResampledSums, decision: DecisionConfig) -> list[dict[str, Any]]:
    def saved(factor: float) -> Callable[[Sums], Floats]:
        return lambda s: 1.0 - s[f"cost at {factor:g}"] / s["lost"]

    return [
        {
            "alert_cost": decision.alert_cost * factor,
            **bounds_record(sums.interval(saved(factor), within=(-np.inf, 1.0))),
        }
        for factor in COST_FACTORS
    ]


def _equality(sums: ResampledSums, name: str, codes: tuple[Integers, list[str]]) -> list[dict[str, Any]]:
    """Share of honest rows that are flagged, by group, and its ratio to that of all others (Corbett-Davies, 2017)."""

    def rate(code: int) -> Callable[[Sums], Floats]:
        return lambda s: s[f"false {name} {code}"] / s[f"honest {name} {code}"]

    def ratio(code: int) -> Callable[[Sums], Floats]:
        return lambda s: (
            rate(code)(s)
            / ((s["alerts"] - s["caught"] - s[f"false {name} {code}"]) / (s["honest"] - s[f"honest {name} {code}"]))
        )

    rows = []
    for code, text in enumerate(codes[1]):
        honest = float(sums.values[f"honest {name} {code}"][0])
        enough = honest >= FEWEST_OF_GROUP
        rows.append(
            {
                "group": text,
                "honest": honest,
                "false_positive_rate": bounds_record(
                    sums.interval(rate(code), within=(0.0, 1.0)) if enough else UNDEFINED
                ),
                "ratio": bounds_record(sums.interval(ratio(code), within=(0.0, np.inf)) if enough else UNDEFINED),
            }
        )
    return rows
