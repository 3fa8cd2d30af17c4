"""What follows from the models' own answers stays finite and in order, however sure a network is."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from models.booster_inputs import BoosterInputs, PlainColumns
from models.boosting import Booster
from models.losses import LossSettings, class_ratio
from models.options import CalibrationConfig
from models.shared_encoder import SharedEncoder
from pipeline.stages.artifacts.candidates import (
    HYBRID_MEMBERS,
    Head,
    Models,
    calibrated_probabilities,
    cross_fitted_probabilities,
    fit_calibration,
    raw_scores,
)
from pipeline.stages.artifacts.recipes import Recipe
from pipeline.stages.evaluate.judged_arms import judged_arm
from tests.oracles.python_path import small

FLOOR = 1e-3


@pytest.fixture(scope="module")
def case():
    return small(form="none", rows=600)


@pytest.fixture(scope="module")
def rows(case):
    return case.encoder.apply(case.table)


def sure_network(case):
    """A network whose margins reach into the thousands."""
    state = dict(case.parts.networks["mlp"].state)
    return state | {"output_weight": state["output_weight"] * np.float32(1000)}


def sure_models(case, loss):
    part = case.parts.boosters["xgboost"]
    heads = {name: Head("mlp", sure_network(case), loss, "none") for name in ("mlp", "mlp_unsmoothed")}
    booster = Booster(part.model, tuple(f"f{place}" for place in range(len(case.parts.numeric))), 1, (), part.loss)
    inputs = BoosterInputs(PlainColumns(case.parts.numeric), SharedEncoder("none", {}, ()))
    return Models(case.encoder, heads, booster, inputs, case.parts.baselines["logistic"], FLOOR)


LOSSES = [
    LossSettings(smoothing, class_ratio(class_weight, 0.018), weighting, gamma=gamma)
    for smoothing, gamma in ((0.0, 0.0), (0.1, 0.0), (0.0, 2.0))
    for class_weight in ("none", "balanced")
    for weighting in ("example", "column")
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_rows_of_unlike_margins_have_unlike_finite_log_odds(case, rows, loss):
    found = raw_scores(sure_models(case, loss), rows, threads=1)
    margin, place = np.unique(found.margins["mlp"], return_index=True)
    assert np.abs(margin).max() > 1000
    assert np.isfinite(found.inverted["mlp"]).all()
    assert (np.diff(found.inverted["mlp"][place]) > 0).all()


@pytest.mark.parametrize("method", ["none", "temperature", "affine", "beta", "isotonic"])
def test_a_sure_network_is_calibrated_to_probabilities_inside_the_unit_interval(case, rows, method):
    log_odds = raw_scores(sure_models(case, LossSettings()), rows, threads=1).log_odds
    calibration = fit_calibration(rows.label, log_odds, config=CalibrationConfig(method=method))
    found = calibrated_probabilities(calibration, log_odds)
    assert set(found) == {*log_odds, "hybrid"}
    assert all(((p > 0) & (p < 1)).all() for p in found.values())


def test_a_sure_network_of_the_ablation_is_judged_like_any_other(case, rows):
    recipe = Recipe("plain", (), LossSettings())
    arm = judged_arm(recipe, sure_network(case), calib=rows, test=rows, floor=FLOOR, config=CalibrationConfig())
    assert all(((p > 0) & (p < 1)).all() for p in (arm.raw, arm.inverted, arm.scaled, arm.calibrated))


@pytest.mark.parametrize("method", ["affine", "isotonic"])
def test_the_hybrid_of_new_rows_does_not_pay_for_steps_that_calib_had(method):
    rng = np.random.default_rng(5)
    score = rng.normal(-4.0, 2.0, 40_000)
    labels = (rng.random(40_000) < 1 / (1 + np.exp(-score))).astype(float)
    names = ("logistic", "mlp", "mlp_unsmoothed", "xgboost")
    log_odds = {name: score + rng.normal(0.0, 0.7, 40_000) for name in names}
    calib, new = slice(0, 8_000), slice(8_000, None)
    fitted = fit_calibration(
        labels[calib], {n: z[calib] for n, z in log_odds.items()}, config=CalibrationConfig(method=method)
    )
    found = calibrated_probabilities(fitted, {n: z[new] for n, z in log_odds.items()})["hybrid"]
    best = np.mean([log_odds[name][new] for name in HYBRID_MEMBERS], axis=0)
    assert len(np.unique(found)) > 0.99 * len(found)
    assert spearmanr(found, best).statistic > 0.99


def test_weights_of_one_change_no_bit_of_a_calibration(case, rows):
    log_odds = raw_scores(sure_models(case, LossSettings()), rows, threads=1).log_odds
    ones, blocks = np.ones(len(rows.label)), np.arange(len(rows.label)) % 3
    config = CalibrationConfig()
    plain = fit_calibration(rows.label, log_odds, config=config)
    assert fit_calibration(rows.label, log_odds, config=config, weights=ones).to_dict() == plain.to_dict()
    first, second = (
        cross_fitted_probabilities(rows.label, log_odds, blocks=blocks, config=config, weights=weights)
        for weights in (None, ones)
    )
    assert all((first[name] == second[name]).all() for name in first)
