"""The recipe on another window: its own encoder and rows, nothing looked up in what comes later."""

import numpy as np
import pytest

from pipeline.stages.artifacts.model_files import load_saved_models
from pipeline.stages.refit.block_store import FOLDER
from pipeline.storage.content import read_json


@pytest.fixture(scope="module")
def blocks(refitted):
    folders = sorted((refitted.run.parent / FOLDER).glob("*/block.json"))
    return [(path.parent, read_json(path)) for path in folders]


def test_every_block_has_models_of_its_own_and_counts_its_rows(blocks):
    assert len(blocks) >= 3
    assert all(described["rows"] > described["frauds"] > 0 for _, described in blocks)
    assert len({described["until"] for _, described in blocks}) >= 3


def test_encoders_are_those_of_the_windows_and_not_of_train(blocks, small_run):
    own = read_json(small_run / "features" / "encoder.json")
    assert all(read_json(folder / "encoder.json") != own for folder, _ in blocks)


def test_trees_and_epochs_are_the_judged_ones(blocks, small_run):
    judged = read_json(small_run / "train" / "booster.json")["best_round"]
    for folder, described in blocks:
        booster = load_saved_models(folder, posterior_floor=1e-3).booster
        assert booster.best_round == described["trees"] >= judged
        assert described["epochs"] == 1


def test_the_refit_has_the_columns_of_the_judged_model(refitted, small_run):
    one, two = (read_json(each / "booster.json") for each in (refitted.out, small_run / "train"))
    assert one["numeric"] == two["numeric"]
    assert one["encoder"]["form"] == two["encoder"]["form"]
    assert np.isfinite(read_json(refitted.out / "fitted.json")["prevalence"])
