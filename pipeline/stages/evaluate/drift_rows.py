"""What drift is judged on, gathered from a run: train against the newest rows, and the champion against both."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.drift_section import DriftEvidence, LabelHistory, Population, drift_section
from evaluation.report.evidence import Evidence
from evaluation.report.recheck_section import calibration_check, recheck_section
from features.encode import Encoder
from features.times import time_text
from pipeline.stages.artifacts.candidates import Models, calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.champion_setting import champion_check
from pipeline.stages.artifacts.model_files import load_calibration
from pipeline.stages.artifacts.sweep_files import ValidOutcomes
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table

FEWEST_ROWS = 500
"""Rows after test below which test itself counts as the newest rows."""


def drift_report(context: StageContext, evidence: Evidence, models: Models, valid: ValidOutcomes) -> dict[str, Any]:
    """The report's `drift` key.

    The newest rows are those after test, whose labels nobody needs here, or test itself where there are few. The
    model in use is the champion; without one there is nothing to check again.

    Args:
        context: of evaluate; shadow.parquet is written.
        evidence: what the report is made of.
        models: what train left.
        valid: the sweep on valid.
    """
    encoder = models.encoder
    test = context.features_report.folds["test"]
    after = context.features_after("test")
    late = after.num_rows >= FEWEST_ROWS
    newest = after if late else context.features("test", labels=False)
    start = test.end if late else test.start
    name = context.config.export.candidate
    scored = read_table(context.out / "shadow.parquet")[name].to_numpy() if late else evidence.candidates[name]
    found = DriftEvidence(
        reference=_population(
            "train", context.features("train", labels=False), encoder, _calib_scores(context, models)
        ),
        recent=_population(_span(newest), newest, encoder, np.asarray(scored)),
        labels=_labels(context, start),
        recheck=_recheck(context, evidence, valid),
    )
    return drift_section(found, config=context.config.drift)


def _population(name: str, table: pa.Table, encoder: Encoder, probabilities: np.ndarray) -> Population:
    rows = encoder.apply(table)
    return Population(
        name,
        {column: rows.numeric[:, place] for place, column in enumerate(encoder.numeric)},
        {column: rows.categorical[:, place] for place, column in enumerate(encoder.categorical)},
        probabilities,
    )


def _calib_scores(context: StageContext, models: Models) -> np.ndarray:
    """The shipped candidate on calib, the newest rows that are not judged; on train its score would be too sure."""
    rows = models.encoder.apply(context.features("calib", labels=False))
    scores = raw_scores(models, rows, threads=context.threads)
    return calibrated_probabilities(load_calibration(context.run), scores.log_odds)[context.config.export.candidate]


def _span(table: pa.Table) -> str:
    bounds = pc.min_max(table["event_time"].cast(pa.int64()))
    return " to ".join(time_text(bounds[side].as_py())[:10] for side in ("min", "max"))


def _labels(context: StageContext, start: int) -> LabelHistory:
    columns = ["event_time", "label", "label_available_at"]
    table = read_table(context.path("ingest", "transactions.parquet"), columns=columns)
    return LabelHistory(
        label=pc.fill_null(table["label"].cast(pa.float64()), np.nan).to_numpy(),
        event_time=table["event_time"].cast(pa.int64()).to_numpy(),
        available_at=pc.fill_null(table["label_available_at"].cast(pa.int64()), 0).to_numpy(),
        as_of=context.as_of,
        recent_from=start,
        reference=TrainReport.read(context.path("train", "report.json")).prevalence,
    )


def _recheck(context: StageContext, evidence: Evidence, valid: ValidOutcomes) -> dict[str, Any]:
    config = context.config
    setting = champion_check(
        context.run,
        config.sweep,
        labels=valid.labels,
        event_time=valid.event_time,
        outcomes=valid.outcomes,
        ranking=evidence.ranking,
        folds=config.selection.folds,
    )
    champion = evidence.champion
    if champion is None or champion.problem:
        return recheck_section(setting, None)
    unseen = evidence.rows.event_time > champion.seen_until
    band = (config.gate.observed_expected_low, config.gate.observed_expected_high)
    calibration = calibration_check(
        evidence.rows.labels[unseen],
        champion.probabilities[unseen],
        event_time=evidence.rows.event_time[unseen],
        band=band,
    )
    return recheck_section(setting, calibration)
