"""What drift is judged on, gathered from a run: train against the newest rows, and the champion against both."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.options import GateConfig
from evaluation.report.detector_section import detector_section
from evaluation.report.drift_section import ColumnPopulation, DriftEvidence, LabelHistory, drift_section
from evaluation.report.evidence import ChampionScores
from evaluation.report.recheck_section import CalibrationCheck, calibration_check, recheck_section
from evaluation.selection import SweepRanking
from evaluation.statistics.populations import JudgedRows
from features.encode import Encoder
from features.times import time_text
from pipeline.stages.artifacts.champion_setting import champion_check
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.stages.evaluate.judged_test import JudgedTest
from pipeline.stages.evaluate.shadow import ShadowRows
from pipeline.stages.evaluate.watched_champion import watched_champion
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table

FEWEST_ROWS = 500
"""Rows after test below which test itself counts as the newest rows."""


def drift_report(
    context: StageContext,
    judged: JudgedTest,
    after_test: ShadowRows | None,
    *,
    ranking: SweepRanking,
) -> dict[str, Any]:
    """The report's `drift` key.

    The newest rows are those after test, whose labels nobody needs here, or test itself where there are few. The
    model in use is the champion; without one there is nothing to check again.

    Args:
        context: of evaluate.
        judged: the test fold.
        after_test: the rows later than it, scored; None where there are none.
        ranking: the settings of the sweep, best first.
    """
    test = context.features_report.folds["test"]
    late = after_test if after_test is not None and after_test.table.num_rows >= FEWEST_ROWS else None
    start = test.end if late else test.start
    labels = _label_history(context, start)
    found = DriftEvidence(
        reference=_reference_population(context, judged),
        recent=_recent_population(judged, late, shipped=context.config.export.candidate),
        labels=labels,
        recheck=_recheck(context, judged, ranking),
        detector=detector_section(watched_champion(labels, judged.champion), config=context.config.drift),
    )
    return drift_section(found, config=context.config.drift)


def _reference_population(context: StageContext, judged: JudgedTest) -> ColumnPopulation:
    """The rows of train whose windows were full, and the shipped candidate on calib: on train it would be too sure."""
    served = judged.served[context.config.export.candidate]
    train = context.features("train", labels=False)
    if (full_from := context.features_report.full_windows_from) is not None:
        train = train.filter(pc.field("event_time") >= pa.scalar(full_from, pa.timestamp("us", "UTC")))
    return _population("train", train, judged.models.encoder, served)


def _recent_population(judged: JudgedTest, late: ShadowRows | None, *, shipped: str) -> ColumnPopulation:
    table, candidates = (judged.table, judged.probabilities) if late is None else (late.table, late.candidates)
    return _population(_days(table), table, judged.models.encoder, candidates[shipped])


def _population(name: str, table: pa.Table, encoder: Encoder, probabilities: np.ndarray) -> ColumnPopulation:
    rows = encoder.apply(table)
    return ColumnPopulation(
        name,
        {column: rows.numeric[:, place] for place, column in enumerate(encoder.numeric)},
        {column: rows.categorical[:, place] for place, column in enumerate(encoder.categorical)},
        probabilities,
    )


def _days(table: pa.Table) -> str:
    bounds = pc.min_max(table["event_time"].cast(pa.int64()))
    return " to ".join(time_text(bounds[side].as_py())[:10] for side in ("min", "max"))


def _label_history(context: StageContext, start: int) -> LabelHistory:
    """Labels as known at the moment of the run or, where a file without one is incomplete, at the file's own.

    The file's own is no later than its last event or a report that nine others are later than: those are not yet known.
    """
    maturity = context.features_report.maturity
    as_of = context.as_of if maturity is None or maturity.complete else maturity.moment
    columns = ["event_time", "label", "label_available_at"]
    table = read_table(context.path("ingest", "transactions.parquet"), columns=columns)
    label = pc.fill_null(table["label"].cast(pa.float64()), np.nan).to_numpy()
    available_at = pc.fill_null(table["label_available_at"].cast(pa.int64()), 0).to_numpy()
    return LabelHistory(
        label=label if as_of is None else np.where(available_at <= as_of, label, np.nan),
        event_time=table["event_time"].cast(pa.int64()).to_numpy(),
        available_at=available_at,
        as_of=as_of,
        recent_from=start,
        reference=TrainReport.read(context.path("train", "report.json")).prevalence,
    )


def _recheck(context: StageContext, judged: JudgedTest, ranking: SweepRanking) -> dict[str, Any]:
    config = context.config
    setting = champion_check(context.run, config.sweep, ranking=ranking)
    if judged.champion is None or judged.champion.test.problem:
        return recheck_section(setting, None)
    return recheck_section(setting, _champion_calibration(judged.rows, judged.champion.test, config.gate))


def _champion_calibration(rows: JudgedRows, champion: ChampionScores, gate: GateConfig) -> CalibrationCheck | None:
    """The champion's calibration on the test rows that it has not seen."""
    unseen = rows.event_time > champion.seen_until
    return calibration_check(
        rows.labels[unseen],
        champion.probabilities[unseen],
        event_time=rows.event_time[unseen],
        band=gate.band,
        weight=None if rows.weight is None else rows.weight[unseen],
    )
