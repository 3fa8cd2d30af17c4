"""What follows from the models' own answers stays finite and in order, however sure a network is."""

import numpy as np
import pytest

from models.boosting import Booster
from models.losses import LossSettings, class_ratio
from models.options import CalibrationConfig
from models.shared_encoder import SharedEncoder
from pipeline.stages.artifacts.candidates import Head, Models, calibrated_probabilities, fit_calibration, raw_scores
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
    return Models(case.encoder, heads, booster, SharedEncoder("none", {}, ()), case.parts.baselines["logistic"], FLOOR)


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
