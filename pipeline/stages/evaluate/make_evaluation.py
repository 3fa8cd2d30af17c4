"""The one look at the test fold: every candidate judged, the report, the model card, the shadow table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.options import DecisionConfig
from evaluation.render.card import model_card
from evaluation.render.figures import pictures
from evaluation.render.page import report_html
from evaluation.report.evaluation_report import build_report
from evaluation.report.evidence import Evidence
from evaluation.report.operating_points import known_outcomes, threshold_points
from pipeline.stages.evaluate.earlier_judgements import Judgement, judged_digest, record_judgement, rows_digest
from pipeline.stages.evaluate.gathered_evidence import gathered_evidence
from pipeline.stages.evaluate.judged_arms import ablation_report
from pipeline.stages.evaluate.judged_test import JudgedTest, judged_test
from pipeline.stages.evaluate.row_sketch import row_sketch
from pipeline.stages.evaluate.score_table import score_table
from pipeline.stages.evaluate.shadow import ShadowRows, hashed_tenth_of_test, rows_after_test, shadow_table
from pipeline.stages.evaluate.verdict_log import log_verdict
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import json_ready, write_json, write_table


def make_evaluation(context: StageContext) -> str:
    """Judge every candidate on the test fold; write its rows, shadow rows, thresholds, report, card and figures."""
    judged = judged_test(context)
    after_test = rows_after_test(context, judged)
    context.reporter.progress(1, 4, f"{judged.table.num_rows:,} test rows scored")
    sketch = row_sketch(judged.table["transaction_id"])
    judgement = Judgement(rows_digest(judged.table), judged_digest(context), context.run.name, sketch)
    earlier = record_judgement(context.run.parent, judgement)
    evidence = gathered_evidence(context, judged, after_test, earlier=earlier)
    context.reporter.progress(2, 4, f"{context.config.evaluation.resamples:,} resamples")
    report = _report(context, judged, evidence)
    context.reporter.progress(3, 4, "report")
    _write_rows(context, judged, after_test or hashed_tenth_of_test(judged))
    write_json(context.out / "thresholds.json", _thresholds(evidence, context.config.decision))
    drawn = _write_report(context, report)
    log_verdict(context.log, report, pictures=drawn)
    return headline(report)


def headline(report: Mapping[str, Any]) -> str:
    """The verdict in one line for a person."""
    metrics = report["candidates"][report["shipped"]]
    return (
        f"{report['shipped']} AP {metrics['average_precision']['value']:.3f}, "
        f"Brier skill {metrics['brier_skill']['value']:.3f}, ECE {metrics['ece']['value']:.4f}; "
        f"gate {'passed' if report['gate']['passed'] else 'refused'}"
    )


def _report(context: StageContext, judged: JudgedTest, evidence: Evidence) -> dict[str, Any]:
    config = context.config
    rng = np.random.default_rng(config.train.seed)
    report = build_report(evidence, config=config.evaluation, decision=config.decision, gate=config.gate, rng=rng)
    if context.path("train", "ablation.json").is_file():
        report["ablation"] = json_ready(ablation_report(context, judged))
    return report


def _write_rows(context: StageContext, judged: JudgedTest, shadow: ShadowRows) -> None:
    write_table(context.out / "scores.parquet", score_table(judged.table, judged.details, judged.probabilities))
    write_table(context.out / "shadow.parquet", shadow_table(shadow, shipped=context.config.export.candidate))


def _write_report(context: StageContext, report: Mapping[str, Any]) -> list[str]:
    """Write the report, its page, the card and the figures; returns the file names of these."""
    figures = pictures(report)
    write_json(context.out / "report.json", report)
    write_text(
        context.out / "report.html", report_html(report, {name: picture.svg for name, picture in figures.items()})
    )
    write_text(context.out / "model_card.md", model_card(report))
    for name, picture in figures.items():
        write_bytes(context.out / "reliability" / f"{name}.png", picture.png)
    return sorted(f"{name}.png" for name in figures)


def _thresholds(evidence: Evidence, decision: DecisionConfig) -> dict[str, Any]:
    """Operating points of the shipped candidate, chosen on calib and described on test."""
    calib = evidence.calib
    assert calib is not None
    return threshold_points(
        known_outcomes(calib.rows, calib.candidates[evidence.shipped]),
        known_outcomes(evidence.rows, evidence.candidates[evidence.shipped]),
        decision=decision,
        served=calib.served.get(evidence.shipped),
    )
