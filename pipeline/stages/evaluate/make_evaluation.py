"""The one look at the test fold: every candidate judged, the report, the model card, the shadow slice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from evaluation.options import DecisionConfig
from evaluation.render.card import model_card
from evaluation.render.figures import pictures
from evaluation.render.page import report_html
from evaluation.report.drift_section import drift_metrics
from evaluation.report.evaluation_report import build_report
from evaluation.report.evidence import Evidence, Note
from evaluation.report.operating_points import known_outcomes, threshold_points
from evaluation.selection import rank_sweep
from models.calibration import bounded_probability, calibrator_from_dict
from pipeline.stages.artifacts.candidates import (
    Models,
    RawScores,
    calibrated_probabilities,
    comparison_logits,
    raw_scores,
)
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.artifacts.sweep_files import ValidOutcomes, read_outcomes
from pipeline.stages.evaluate.champion_rows import champion_rows
from pipeline.stages.evaluate.drift_rows import drift_report
from pipeline.stages.evaluate.earlier_looks import earlier_looks, judged_digest, test_digest
from pipeline.stages.evaluate.judged_arms import ablation_report
from pipeline.stages.evaluate.judged_rows import calib_judged, judged_rows, row_details, scored_rows_table
from pipeline.stages.evaluate.run_facts import report_facts, report_notes
from pipeline.stages.evaluate.shadow import shadow_table
from pipeline.stages.evaluate.verdict_log import log_verdict
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import json_ready, read_json, write_json, write_table


def make_evaluation(context: StageContext) -> str:
    """Write scores.parquet, shadow.parquet, report.json, report.html, model_card.md and the reliability diagrams."""
    config = context.config
    models = load_models(context.run, posterior_floor=config.calibration.posterior_floor)
    table = context.features("test")
    scores = raw_scores(models, models.encoder.apply(table), threads=context.threads)
    calibration = load_calibration(context.run)
    candidates = calibrated_probabilities(calibration, scores.log_odds)
    details = row_details(context, "test")
    context.reporter.progress(1, 4, f"{table.num_rows:,} test rows scored")
    score_table = scored_rows_table(table, details, candidates)
    write_table(context.out / "scores.parquet", score_table)
    champion = champion_rows(context)
    write_table(context.out / "shadow.parquet", shadow_table(context, models, table, scores, candidates, champion))
    evidence = _evidence(context, models, scores, candidates, table, details)
    if champion is not None:
        evidence = replace(evidence, champion=champion.test)
    evidence = replace(evidence, drift=drift_report(context, evidence, models, _valid_outcomes(context)))
    write_json(context.out / "thresholds.json", _thresholds(evidence, config.decision))
    context.reporter.progress(2, 4, f"{config.evaluation.resamples:,} resamples")
    rng = np.random.default_rng(config.train.seed)
    report = build_report(evidence, config=config.evaluation, decision=config.decision, gate=config.gate, rng=rng)
    if context.path("train", "ablation.json").is_file():
        report["ablation"] = json_ready(ablation_report(context, models, table, details))
    context.reporter.progress(3, 4, "report")
    _write_report(context, report)
    pictured = sorted(path.name for path in (context.out / "reliability").glob("*.png"))
    log_verdict(context.log, report, pictures=pictured)
    context.log.metrics(drift_metrics(report["drift"]))
    cells = report["candidates"][evidence.shipped]
    return (
        f"{evidence.shipped} AP {cells['average_precision']['value']:.3f}, "
        f"Brier skill {cells['brier_skill']['value']:.3f}, ECE {cells['ece']['value']:.4f}; "
        f"gate {'passed' if report['gate']['passed'] else 'refused'}"
    )


def _write_report(context: StageContext, report: Mapping[str, Any]) -> None:
    figures = pictures(report)
    write_json(context.out / "report.json", report)
    write_text(
        context.out / "report.html", report_html(report, {name: picture.svg for name, picture in figures.items()})
    )
    write_text(context.out / "model_card.md", model_card(report))
    for name, picture in figures.items():
        write_bytes(context.out / "reliability" / f"{name}.png", picture.png)


def _thresholds(evidence: Evidence, decision: DecisionConfig) -> dict[str, Any]:
    """Operating points of the shipped candidate, chosen on calib and described on test."""
    calib = evidence.calib
    assert calib is not None
    return threshold_points(
        known_outcomes(calib.rows, calib.candidates[evidence.shipped]),
        known_outcomes(evidence.rows, evidence.candidates[evidence.shipped]),
        decision=decision,
    )


def _evidence(
    context: StageContext,
    models: Models,
    scores: RawScores,
    candidates: Mapping[str, np.ndarray],
    table: pa.Table,
    details: pd.DataFrame,
) -> Evidence:
    valid = _valid_outcomes(context)
    before = {name: bounded_probability(z) for name, z in scores.log_odds.items()}
    before |= {name: bounded_probability(scores.margins[name]) for name in ("mlp", "mlp_unsmoothed")}
    looks = earlier_looks(context.run, test=test_digest(table), judged=judged_digest(context))
    return Evidence(
        rows=judged_rows(table, details),
        candidates=candidates,
        ranking=rank_sweep(
            valid.labels,
            valid.outcomes,
            event_time=valid.event_time,
            folds=context.config.selection.folds,
            auc_tolerance=context.config.selection.auc_tolerance,
            bins=context.config.evaluation.bins,
        ),
        shipped=context.config.export.candidate,
        before=before,
        calib=calib_judged(context),
        temperature_test=_comparison_on_test(context, models, scores),
        unsmoothed_valid=(valid.labels, valid.unsmoothed),
        notes=tuple(Note(topic, text) for topic, text in report_notes(context)),
        looks=looks,
        facts=report_facts(context, models),
        configuration=context.config.model_dump(mode="json", exclude={"tracking", "runs"}),
    )


def _valid_outcomes(context: StageContext) -> ValidOutcomes:
    return read_outcomes(
        context.path("train", "valid.parquet"),
        context.path("train", "sweep.json"),
        floor=context.config.calibration.posterior_floor,
    )


def _comparison_on_test(
    context: StageContext, models: Models, scores: RawScores
) -> dict[tuple[float, str], np.ndarray]:
    maps = {
        (each["smoothing"], each["calibrator"]): calibrator_from_dict(each["map"])
        for each in read_json(context.path("calibrate", "calibrators.json"))["comparison"]
    }
    return {
        (epsilon, name): maps[epsilon, name].apply(logits)
        for epsilon, name, _, logits in comparison_logits(models, scores)
    }
