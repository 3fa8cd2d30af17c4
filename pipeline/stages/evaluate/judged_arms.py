"""The arms of an ablation, judged on the test fold."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from evaluation.report.ablation_section import AblationArm, ablation_section, noise_section
from evaluation.statistics.intervals import cluster_codes
from features.encode import Matrix
from models.calibration import bounded_probability, fit_affine, fit_temperature
from models.losses import posterior
from models.network import State, margins
from models.options import CalibrationConfig
from pipeline.stages.artifacts.candidates import Models
from pipeline.stages.artifacts.recipes import PLAIN, Recipe, read_recipes
from pipeline.stages.evaluate.judged_rows import judged_rows
from pipeline.stages.stage import StageContext


def judged_arm(
    recipe: Recipe, state: State, *, calib: Matrix, test: Matrix, floor: float, config: CalibrationConfig
) -> AblationArm:
    """An arm's probabilities on test, its maps fitted on calib.

    A teacher's labels and mixed ones are no other loss, so the inverse is that of the arm's weights, ε and γ.
    """
    on_calib, on_test = margins(state, calib), margins(state, test)
    before = posterior(on_calib, recipe.loss, floor=floor).log_odds
    after = posterior(on_test, recipe.loss, floor=floor).log_odds
    return AblationArm(
        name=recipe.name,
        techniques=recipe.techniques,
        raw=bounded_probability(on_test),
        inverted=bounded_probability(after),
        scaled=fit_temperature(calib.label, before, config=config).apply(after),
        calibrated=fit_affine(calib.label, before, config=config).apply(after),
    )


def noise_cell(recipe: Recipe) -> tuple[float, float] | None:
    """(share flipped, ε) of an arm of the noise table; None for the others."""
    name, _, share = recipe.data.partition("=")
    return (float(share), recipe.loss.epsilon) if name == "noise" else None


def ablation_report(context: StageContext, models: Models, table: pa.Table, details: pd.DataFrame) -> dict[str, Any]:
    """Every technique's arm on the labelled test rows, and smoothing against label noise."""
    config = context.config
    known = table["label"].is_valid().to_numpy(zero_copy_only=False)
    rows = judged_rows(table, details).where(known)
    test = models.encoder.apply(table.filter(pa.array(known)))
    calib = context.features("calib")
    calib_rows = models.encoder.apply(calib.filter(calib["label"].is_valid()))
    arms, noise = [], {}
    for recipe, state in read_recipes(context.path("train", "ablation.json").parent):
        floor = config.calibration.posterior_floor
        arm = judged_arm(recipe, state, calib=calib_rows, test=test, floor=floor, config=config.calibration)
        cell = noise_cell(recipe)
        if cell is None:
            arms.append(arm)
        else:
            noise[cell] = arm.calibrated
    clusters = cluster_codes(rows.card, rows.event_time, by=config.evaluation.cluster)
    settings = config.evaluation.bootstrap()
    first, second = (np.random.default_rng([config.train.seed, place]) for place in (2, 5))
    section = ablation_section(rows.labels, arms, reference=PLAIN, clusters=clusters, rng=first, settings=settings)
    noisy = noise_section(rows.labels, noise, clusters=clusters, rng=second, settings=settings)
    return {**section, "label_noise": noisy}
