"""An ablation's arms judged on test: their maps come from calib, and noise has a table of its own."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.statistics.scores import brier
from models.calibration import CalibrationConfig, bounded_probability, fit_temperature
from models.losses import LossSettings, posterior
from models.network import margins
from pipeline.stages.artifacts.recipes import PLAIN, Recipe, write_recipes
from pipeline.stages.evaluate.judged_arms import ablation_report, judged_arm, noise_setting
from tests.fixtures.evaluated import evaluate_context
from tests.oracles.python_path import small

FLOOR = 1e-3


@pytest.fixture(scope="module")
def arm_case():
    case = small(form="none", rows=600)
    return case.parts.networks["mlp"].state, case.encoder.apply(case.train), case.encoder.apply(case.table)


def test_an_arm_is_inverted_by_its_own_loss_and_scaled_by_what_calib_says(arm_case):
    state, calib, test = arm_case
    recipe = Recipe("smoothed", ("label smoothing",), LossSettings(0.1, 7.3))
    arm = judged_arm(recipe, state, calib=calib, test=test, floor=FLOOR, config=CalibrationConfig())
    before, after = (posterior(margins(state, rows), recipe.loss, floor=FLOOR).log_odds for rows in (calib, test))
    np.testing.assert_allclose(arm.raw, bounded_probability(margins(state, test)))
    np.testing.assert_allclose(arm.inverted, bounded_probability(after))
    scaled = fit_temperature(calib.label, before, config=CalibrationConfig()).apply(after)
    np.testing.assert_allclose(arm.scaled, scaled)
    assert (arm.name, arm.techniques) == ("smoothed", ("label smoothing",))


@pytest.mark.parametrize(
    ("data", "expected"), [("noise=0.05", (0.05, 0.1)), ("", None), ("mixup=0.2", None), ("noise=0", (0.0, 0.1))]
)
def test_only_arms_of_noisy_labels_are_cells_of_the_noise_table(data, expected):
    assert noise_setting(Recipe("arm", (), LossSettings(0.1), data=data)) == expected


def test_the_report_tells_techniques_and_noise_apart(small_run, judged, tmp_path):
    context = evaluate_context(small_run, tmp_path, own=["train"])
    state = judged.models.heads["mlp_unsmoothed"].state
    recipes = [Recipe(PLAIN, (), LossSettings()), Recipe("noisy", (), LossSettings(), data="noise=0.05")]
    write_recipes(context.run / "train", recipes, {recipe.name: state for recipe in recipes})
    found = ablation_report(context, judged)
    assert [arm["arm"] for arm in found["arms"]] == [PLAIN]
    assert [(cell["noise"], cell["smoothing"]) for cell in found["label_noise"]] == [(0.05, 0.0)]
    assert found["rows"] == np.isfinite(judged.rows.labels).sum()


def test_the_arms_are_judged_on_rows_of_their_weight(small_run, judged, tmp_path):
    context = evaluate_context(small_run, tmp_path, own=["train"])
    state = judged.models.heads["mlp_unsmoothed"].state
    recipes = [Recipe(PLAIN, (), LossSettings()), Recipe("noisy", (), LossSettings(), data="noise=0.05")]
    write_recipes(context.run / "train", recipes, {recipe.name: state for recipe in recipes})
    labels, noisy = judged.rows.labels, []
    p, known = bounded_probability(judged.scores.margins["mlp_unsmoothed"]), np.isfinite(labels)
    for times in (1.0, 3.0):
        weight = np.where(labels > 0.5, times, 1.0)
        found = ablation_report(context, replace(judged, rows=replace(judged.rows, weight=weight)))
        expected = brier(labels[known], p[known], weight=weight[known])
        assert found["arms"][0]["raw"]["brier"] == pytest.approx(expected)
        noisy.append(found["label_noise"][0]["brier"])
    assert noisy[1] > 1.2 * noisy[0]
