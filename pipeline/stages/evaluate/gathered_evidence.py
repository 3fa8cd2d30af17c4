"""Everything a report is made of, gathered from the test fold and from what earlier stages left."""

from dataclasses import asdict
from typing import Any

import numpy as np

from evaluation.report.evidence import Evidence, Note
from evaluation.selection import SweepRanking, rank_sweep
from models.calibration import bounded_probability, calibrator_from_dict
from pipeline.stages.artifacts.calibrate_report import CalibrateReport
from pipeline.stages.artifacts.candidates import RawScores, comparison_logits
from pipeline.stages.artifacts.judged_rows import policy_rows
from pipeline.stages.artifacts.sweep_files import ValidOutcomes, read_outcomes
from pipeline.stages.artifacts.tails import tails
from pipeline.stages.evaluate.calib_rows import crossfitted_calib_rows
from pipeline.stages.evaluate.drift_rows import drift_report
from pipeline.stages.evaluate.earlier_judgements import SharedJudgement, reuse_warnings
from pipeline.stages.evaluate.judged_test import JudgedTest
from pipeline.stages.evaluate.run_description import run_description, run_notes
from pipeline.stages.evaluate.shadow import ShadowRows
from pipeline.stages.evaluate.simulated_limit import simulated_limit
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json


def gathered_evidence(
    context: StageContext, judged: JudgedTest, after_test: ShadowRows | None, *, earlier: tuple[SharedJudgement, ...]
) -> Evidence:
    """What a report is made of.

    Args:
        context: of evaluate.
        judged: the test fold.
        after_test: the rows later than it; None where there are none.
        earlier: other models that were judged on rows of it before.
    """
    config = context.config
    valid = read_outcomes(
        context.path("train", "valid.parquet"),
        context.path("train", "sweep.json"),
        floor=config.calibration.posterior_floor,
    )
    ranking = _sweep_ranking(context, valid)
    return Evidence(
        rows=judged.rows,
        candidates=judged.probabilities,
        ranking=ranking,
        shipped=config.export.candidate,
        before=_before_calibration(judged.scores),
        calib=crossfitted_calib_rows(context, judged.served),
        temperature_test=_comparison_on_test(context, judged),
        unsmoothed_valid=None if valid.unsmoothed is None else (valid.labels, valid.unsmoothed),
        champion=judged.champion.test if judged.champion is not None else None,
        anchor=judged.anchor,
        drift=drift_report(context, judged, after_test, ranking=ranking),
        limit=simulated_limit(config.data, judged.table["transaction_id"]),
        notes=tuple(Note(topic, text) for topic, text in run_notes(context)),
        policy=policy_rows(judged.details, cap=config.labels.approval_cap),
        reuse_warnings=reuse_warnings(earlier),
        run_description={**run_description(context, judged.models), "tails": _tails(context, judged)},
        configuration=config.model_dump(mode="json", exclude={"tracking", "runs"}),
    )


def _sweep_ranking(context: StageContext, valid: ValidOutcomes) -> SweepRanking:
    selection = context.config.selection
    return rank_sweep(
        valid.labels,
        valid.outcomes,
        event_time=valid.event_time,
        merchant=valid.merchant,
        folds=selection.folds,
        auc_tolerance=selection.auc_tolerance,
        bins=context.config.evaluation.bins,
    )


def _tails(context: StageContext, judged: JudgedTest) -> dict[str, Any]:
    """What the tails of every head's inverse promised, and what was seen in them, on calib and on test."""
    calib = CalibrateReport.read(context.path("calibrate", "report.json"))
    found = {
        "calib": calib.tails,
        "test": tails(judged.scores.posteriors, judged.rows.labels, weight=judged.rows.weight),
    }
    return {
        "floor": judged.models.posterior_floor,
        **{
            fold: {head: {side: asdict(tail) for side, tail in sides.items()} for head, sides in of_fold.items()}
            for fold, of_fold in found.items()
        },
    }


def _before_calibration(scores: RawScores) -> dict[str, np.ndarray]:
    """P(fraud) of each candidate without its calibrator, the networks' without the inverse of their loss either."""
    before = {name: bounded_probability(z) for name, z in scores.log_odds.items()}
    return before | {name: bounded_probability(scores.margins[name]) for name in ("mlp", "mlp_unsmoothed")}


def _comparison_on_test(context: StageContext, judged: JudgedTest) -> dict[tuple[float, str], np.ndarray]:
    maps = {
        (each["smoothing"], each["calibrator"]): calibrator_from_dict(each["map"])
        for each in read_json(context.path("calibrate", "calibrators.json"))["comparison"]
    }
    return {
        (epsilon, name): maps[epsilon, name].apply(logits)
        for epsilon, name, _, logits in comparison_logits(judged.models, judged.scores)
    }
