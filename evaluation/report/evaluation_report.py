"""The report of one run as one dictionary, ready for JSON: what was judged, on whom, and what follows.

Every key is made by a file of this folder: `population` by population_section, `candidates` by candidates_section and
so on. The keys population, candidates, smoothing, temperature and gate are a contract. Every statistic is a record
{value, low, high, population, prevalence}; null with a reason where it is undefined. `card.model_card`,
`page.report_html` and `figures.pictures` read nothing else.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.options import DecisionConfig, EvaluationConfig, GateConfig
from evaluation.report.baseline_ahead import baseline_ahead
from evaluation.report.calibration_detail import calibration_detail
from evaluation.report.candidates_section import calibration_nulls, candidates_section
from evaluation.report.coverage_section import coverage_section, coverage_warnings
from evaluation.report.data_warnings import data_warnings
from evaluation.report.desk_section import desk_section
from evaluation.report.differences_section import differences_section
from evaluation.report.evidence import Evidence, evidence_of_known_rows
from evaluation.report.gate_section import gate_section
from evaluation.report.json_values import json_values
from evaluation.report.judgement import judgement
from evaluation.report.limit_section import limit_section
from evaluation.report.money_section import money_section
from evaluation.report.operating_points import operating_points
from evaluation.report.population_section import population_section
from evaluation.report.reliability_tables import reliability_section
from evaluation.report.slices import slices
from evaluation.report.smoothing_section import smoothing_section
from evaluation.report.temperature_section import temperature_section
from evaluation.statistics.random_streams import named_streams

STREAMS = ("headline", "nulls", "champion", "temperature", "slices", "anchor", "money", "desk")
"""What is drawn, each from a child of the report's generator: a new purpose goes to the end."""


def build_report(
    evidence: Evidence,
    *,
    config: EvaluationConfig,
    decision: DecisionConfig,
    gate: GateConfig,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Judge every candidate on the test fold and assemble the report.

    Each section draws from a child of `rng`, so one section more leaves the numbers of the others alone.

    Args:
        evidence: rows, probabilities and results of the earlier stages.
        config: resamples, budgets, slices.
        decision: what an alert costs.
        gate: limits of the gate.
        rng: source of every draw.

    Raises:
        InputError: shipped or baseline candidate is missing, or no test row has a known label.
    """
    known, unknown = evidence_of_known_rows(evidence)
    draw = named_streams(rng, STREAMS)
    judged = judgement(known, config=config, draw=draw)
    drawn, rows = judged.drawn, known.rows
    population = population_section(rows, unknown=unknown, config=config, drawn=drawn)
    nulls = calibration_nulls(known.candidates, bins=config.bins, rng=draw["nulls"], weight=rows.weight)
    candidates = candidates_section(drawn, known.rows.labels, population, nulls)
    parts = slices(known.rows, known.candidates, config=config, shipped=known.shipped, rng=draw["slices"])
    report = {
        "population": population,
        "shipped": known.shipped,
        "baseline": known.baseline,
        "candidates": candidates,
        "differences": differences_section(drawn, known, population),
        "baseline_ahead": baseline_ahead(drawn, known, budget=config.budget),
        "smoothing": smoothing_section(known.ranking),
        "temperature": temperature_section(known, config=config, rng=draw["temperature"]),
        "gate": gate_section(judged.evidence, config=gate),
        "calibration": calibration_detail(known, drawn, bins=config.bins, prevalence=config.reference_prevalence),
        "slices": parts,
        "operating_points": operating_points(known, budgets=config.budgets, decision=decision),
        "money": money_section(known, config=config, decision=decision, rng=draw["money"]),
        "desk": desk_section(known, config=config, decision=decision, rng=draw["desk"]),
        "reliability": reliability_section(known, bins=config.bins),
        "warnings": data_warnings(known, population, candidates, parts[known.shipped], band=gate.band),
        **_limit(known, candidates),
        **_from_the_pipeline(known),
    }
    if evidence.policy is not None:
        report["coverage"] = coverage_section(evidence)
        report["warnings"] += coverage_warnings(report["coverage"])
    result: dict[str, Any] = json_values(report)
    return result


def _limit(evidence: Evidence, candidates: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The key `limit`, where there is a truth to be known."""
    if evidence.limit is None:
        return {}
    return {"limit": limit_section(evidence.rows, evidence.limit, candidates, shipped=evidence.shipped)}


def _from_the_pipeline(evidence: Evidence) -> dict[str, Any]:
    """Keys whose content only the pipeline knows; `drift` where it was looked for."""
    return {
        "notes": [asdict(note) for note in evidence.notes],
        "looks": list(evidence.reuse_warnings),
        **({"drift": dict(evidence.drift)} if evidence.drift else {}),
        "facts": dict(evidence.run_description),
        "configuration": dict(evidence.configuration),
    }
