"""What is frozen: settings by name, epochs and trees as they were judged."""

from dataclasses import replace

import pytest

from models.losses import LossSettings, class_ratio
from pipeline.runs.settings import read_settings
from pipeline.stages.artifacts.model_files import load_models
from pipeline.stages.refit.frozen_recipe import FrozenHead, frozen_recipe
from pipeline.storage.content import read_json


@pytest.fixture(scope="module")
def recipe(small_run):
    models = load_models(small_run, posterior_floor=1e-3)
    return frozen_recipe(small_run, read_settings(small_run).config, models, rows=8000, threads=1)


def test_epochs_and_trees_are_those_of_the_judged_models(recipe, small_run):
    assert recipe.rounds == read_json(small_run / "train" / "booster.json")["best_round"]
    best = {each["best_epoch"] for each in read_json(small_run / "train" / "sweep.json")["settings"]}
    assert {each.epochs for each in recipe.heads.values()} <= best


def test_class_weights_keep_their_name_and_not_their_ratio():
    head = FrozenHead("mlp", LossSettings(0.1, 7.0, "example", "prior", 0.0, 0.02), "balanced", 3)
    moved = head.loss_at(0.01)
    assert (moved.ratio, moved.prior, moved.smoothing) == (class_ratio("balanced", 0.01), 0.01, 0.1)


def test_a_sliding_window_keeps_its_trees_and_a_longer_one_gets_more(recipe):
    assert recipe.rounds_for(8500) == recipe.rounds_for(7000) == recipe.rounds
    assert recipe.rounds_for(16_000) == 2 * recipe.rounds


def test_two_nights_that_stopped_at_other_epochs_have_one_recipe(recipe):
    later = {name: replace(each, epochs=each.epochs + 1) for name, each in recipe.heads.items()}
    assert replace(recipe, heads=later, rounds=1, warm=True).identity() == recipe.identity()


def test_another_smoothing_or_depth_is_another_recipe(recipe):
    smoothed = {name: replace(each, loss=replace(each.loss, smoothing=0.3)) for name, each in recipe.heads.items()}
    deeper = recipe.boosting.model_copy(update={"max_depth": 9})
    for other in (replace(recipe, heads=smoothed), replace(recipe, boosting=deeper)):
        assert other.identity() != recipe.identity()
