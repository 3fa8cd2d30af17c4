"""The test fold with what every model says of it: what a judgement begins with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from evaluation.report.evidence import ChampionScores
from evaluation.statistics.populations import JudgedRows
from pipeline.stages.artifacts.candidates import (
    Calibration,
    Models,
    RawScores,
    calibrated_probabilities,
    raw_scores,
)
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.evaluate.champion_rows import ChampionRows, anchor_scores, champion_rows
from pipeline.stages.evaluate.judged_rows import CANDIDATES, judged_rows, row_details
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table


@dataclass(frozen=True)
class JudgedTest:
    """Rows of the test fold [N], and the models' answers in the same order.

    Attributes:
        table: the feature rows, labels among them.
        details: card, amount and grouping columns.
        rows: both as the statistics want them.
        models: what train left.
        calibration: what calibrate left.
        scores: the models' answers before any calibrator.
        probabilities: calibrated P(fraud) [N] by candidate.
        served: calibrated P(fraud) of every row of calib, of known label or not, by candidate [M].
        champion: the model in use on the same rows and later ones; None where there is none.
        anchor: the model that was in use a while ago, on the same rows; None where there is none.
    """

    table: pa.Table
    details: pd.DataFrame
    rows: JudgedRows
    models: Models
    calibration: Calibration
    scores: RawScores
    probabilities: Mapping[str, np.ndarray]
    served: Mapping[str, np.ndarray]
    champion: ChampionRows | None
    anchor: ChampionScores | None = None


def judged_test(context: StageContext) -> JudgedTest:
    """The test fold, scored by every candidate and by the champion."""
    models = load_models(context.run, posterior_floor=context.config.calibration.posterior_floor)
    calibration = load_calibration(context.run)
    table = context.features("test")
    details = row_details(context, "test")
    scores = raw_scores(models, models.encoder.apply(table), threads=context.threads)
    served = read_table(context.path("calibrate", "served.parquet"), columns=[*CANDIDATES])
    return JudgedTest(
        table=table,
        details=details,
        rows=judged_rows(table, details),
        models=models,
        calibration=calibration,
        scores=scores,
        probabilities=calibrated_probabilities(calibration, scores.log_odds),
        served={name: served[name].to_numpy() for name in CANDIDATES},
        champion=champion_rows(context),
        anchor=anchor_scores(context),
    )
