"""The arms of an ablation, judged on the test fold."""

from typing import Any

import numpy as np

from evaluation.report.ablation_section import AblationArm, ablation_section, noise_section
from evaluation.statistics.dependence import dependence
from features.encode import Matrix
from models.calibration import bounded_probability, fit_affine, fit_temperature
from models.losses import posterior
from models.network import State, margins
from models.options import CalibrationConfig
from pipeline.stages.artifacts.recipes import PLAIN, Recipe, read_recipes
from pipeline.stages.evaluate.judged_test import JudgedTest
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
        scaled=fit_temperature(calib.label, before, config=config, weights=calib.weight).apply(after),
        calibrated=fit_affine(calib.label, before, config=config, weights=calib.weight).apply(after),
    )


def noise_setting(recipe: Recipe) -> tuple[float, float] | None:
    """(share flipped, ε) of an arm of the noise table; None for the others."""
    name, _, share = recipe.data.partition("=")
    return (float(share), recipe.loss.epsilon) if name == "noise" else None


def ablation_report(context: StageContext, judged: JudgedTest) -> dict[str, Any]:
    """Every technique's arm on the labelled test rows, and smoothing against label noise."""
    config = context.config
    rows = judged.rows.where(np.isfinite(judged.rows.labels))
    arms, noise = _arms_and_noise(context, judged)
    clusters = dependence(rows, by=config.evaluation.cluster, fewest=config.evaluation.min_clusters)
    settings = config.evaluation.bootstrap()
    first, second = (np.random.default_rng([config.train.seed, place]) for place in (2, 5))
    weight = rows.weight
    section = ablation_section(
        rows.labels, arms, reference=PLAIN, clusters=clusters, rng=first, settings=settings, weight=weight
    )
    noisy = noise_section(rows.labels, noise, clusters=clusters, rng=second, settings=settings, weight=weight)
    return {**section, "label_noise": noisy}


def _arms_and_noise(
    context: StageContext, judged: JudgedTest
) -> tuple[list[AblationArm], dict[tuple[float, float], np.ndarray]]:
    """The arms of the table of techniques, and calibrated P(fraud) of those of the noise table by share and ε."""
    calibration = context.config.calibration
    calib, test = (
        judged.models.encoder.apply(table.filter(table["label"].is_valid()))
        for table in (context.features("calib"), judged.table)
    )
    arms, noise = [], {}
    floor = judged.models.posterior_floor
    for recipe, state in read_recipes(context.path("train", "ablation.json").parent):
        arm = judged_arm(recipe, state, calib=calib, test=test, floor=floor, config=calibration)
        if (noisy := noise_setting(recipe)) is None:
            arms.append(arm)
        else:
            noise[noisy] = arm.calibrated
    return arms, noise
