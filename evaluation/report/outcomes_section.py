"""A deployed model judged on outcomes that arrived later, where not every outcome is known.

Blocked rows have no outcome of their own, and people look only at what was flagged, so the known outcomes are a
selection. What they show is said with its population, and how far the unknown ones could move it is said beside it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.errors import InputError
from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import FURTHER, HEADLINE, NO_CARDS, headline_replicates
from evaluation.report.coverage_section import PROBABILITY_EDGES, coverage_warnings, policy_coverage
from evaluation.report.interval_records import interval_record
from evaluation.report.json_values import json_values
from evaluation.report.population_section import base_rate_brier, population_record
from evaluation.report.slices import slices
from evaluation.statistics.approval import PolicyRows
from evaluation.statistics.calibration_error import ece_null
from evaluation.statistics.intervals import UNDEFINED, Replicates
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.random_streams import named_streams
from evaluation.statistics.sample import Floats, Mask, raise_faults, same_length
from evaluation.statistics.scores import undefined_because

STREAMS = ("headline", "nulls", "slices")


def outcomes_report(
    rows: JudgedRows,
    probabilities: Floats,
    *,
    config: EvaluationConfig,
    rng: np.random.Generator,
    blocked: Mask | None = None,
    policy: PolicyRows | None = None,
    name: str = "model",
) -> dict[str, Any]:
    """Headline statistics and slices on the rows whose outcome is known, and what the unknown ones could change.

    Args:
        rows: the scored rows; a label of NaN is an outcome not known (not yet, or blocked).
        probabilities: P(fraud) as the deployed bundle gave it [N].
        config: resamples, budgets, slices.
        rng: source of the draws.
        blocked: True where the transaction was stopped, so that its label, if any, is an opinion and is not used [N].
        policy: what a policy did with the rows, whose weights then make up for blocked ones [N].
        name: the model's name in the slices.

    Returns:
        JSON-ready: `population`, `coverage`, `metrics` (records as in a report), `brier_bounds`, `slices`, `warnings`;
        and `policy`, as a report's `coverage`, where there is one.

    Raises:
        InputError: a probability is impossible, an array has another length, or no outcome is known.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    stopped = np.zeros(p.shape, dtype=np.bool_) if blocked is None else blocked
    known = _known_outcomes(rows, p, stopped)
    judged, promised = rows.where(known), p[known]
    draw = named_streams(rng, STREAMS)
    people = population_record(judged, fold="known outcomes")
    population = people | {"brier_of_base_rate": base_rate_brier(people["weighted_prevalence"])}
    drawn = headline_replicates(judged, {name: promised}, config=config, rng=draw["headline"])
    metrics = _metrics(drawn, name, population, undefined_because(judged.labels))
    metrics["ece_null_95"] = ece_null(promised, rng=draw["nulls"], bins=config.bins, weight=judged.weight)
    report: dict[str, Any] = {
        "population": population,
        "coverage": _coverage(rows, p, known, stopped),
        "metrics": metrics,
        "brier_bounds": brier_bounds(rows.labels, p, known=known),
        "slices": slices(judged, {name: promised}, config=config, shipped=name, rng=draw["slices"]),
        "warnings": _warnings(population, metrics, known, stopped),
    }
    if policy is not None:
        report["policy"] = policy_coverage(judged, p, known, policy)
        report["warnings"] += coverage_warnings(report["policy"])
    result: dict[str, Any] = json_values(report)
    return result


def brier_bounds(labels: Floats, probabilities: Floats, *, known: Mask) -> dict[str, float]:
    """The Brier score on all rows if every unknown outcome were as promised, or as unlike it as can be.

    No assumption on why outcomes are missing is made (Manski, 1989), so the bounds are wide where much is unknown.

    >>> brier_bounds(np.array([1.0, np.nan]), np.array([0.5, 0.5]), known=np.array([True, False]))
    {'lowest': 0.25, 'highest': 0.25, 'as_promised': 0.25}

    Args:
        labels: 0, 1 or NaN [N].
        probabilities: P(fraud) [N].
        known: rows whose label counts [N].

    Returns:
        `lowest` and `highest` over all completions, and `as_promised`: the mean if unknown outcomes follow p.
    """
    p = probabilities
    seen = np.where(known, (p - np.where(known, labels, 0.0)) ** 2, 0.0)
    parts = {
        "lowest": np.minimum(p, 1.0 - p) ** 2,
        "highest": np.maximum(p, 1.0 - p) ** 2,
        "as_promised": p * (1.0 - p),
    }
    return {key: float(np.where(known, seen, part).mean()) for key, part in parts.items()}


def _known_outcomes(rows: JudgedRows, probabilities: Floats, blocked: Mask) -> Mask:
    """Which rows are judged: those of known label that were not blocked."""
    same_length(rows.labels.size, probabilities=probabilities, blocked=blocked)
    rule = "probabilities must lie in [0, 1]"
    impossible = ~((probabilities >= 0) & (probabilities <= 1))
    raise_faults({rule: impossible}, {rule: probabilities}, refusal=InputError)
    known: Mask = np.isfinite(rows.labels) & ~blocked
    if not known.any():
        raise InputError(f"at least one row must have a known outcome and not be blocked, got none of {known.size}")
    return known


def _metrics(drawn: Replicates, name: str, population: Mapping[str, Any], why: str) -> dict[str, Any]:
    values = drawn.values[name]
    intervals = {
        metric: drawn.interval(name, metric) if metric in values else UNDEFINED.because(NO_CARDS)
        for metric in (*HEADLINE, *FURTHER)
    }
    return {metric: interval_record(each, population, reason=why) for metric, each in intervals.items()}


def _coverage(rows: JudgedRows, probabilities: Floats, known: Mask, blocked: Mask) -> dict[str, Any]:
    """How many outcomes are known, overall and by promised probability: the selection in plain sight."""
    edges = PROBABILITY_EDGES
    band = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, edges.size - 2)
    table = [
        {
            "from": edges[b],
            "to": edges[b + 1],
            "rows": int((band == b).sum()),
            "known": int((known & (band == b)).sum()),
            "blocked": int((blocked & (band == b)).sum()),
        }
        for b in range(edges.size - 1)
    ]
    waiting = ~np.isfinite(rows.labels) & ~blocked
    total = {
        "rows": known.size,
        "known": int(known.sum()),
        "blocked": int(blocked.sum()),
        "waiting": int(waiting.sum()),
    }
    return {**total, "by_probability": table}


def _warnings(population: Mapping[str, Any], metrics: Mapping[str, Any], known: Mask, blocked: Mask) -> list[str]:
    result = []
    share = float(known.mean())
    if share < 1.0:
        result.append(
            f"outcomes are known for {100 * share:.1f} % of rows ({int(blocked.sum()):,} blocked); the numbers speak "
            "of those alone, and brier_bounds says how far the rest could move them"
        )
    score, base = metrics["brier"]["value"], population["brier_of_base_rate"]
    if base > 0 and score > base:
        result.append(
            f"the Brier score {score:.4f} is {score / base:.1f} times what the base rate alone scores at "
            f"{100 * population['weighted_prevalence']:.2f} % prevalence ({base:.4f})"
        )
    return result
