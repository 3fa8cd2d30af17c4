"""A recheck begins with the champion's networks where that is sound, and says why where it is not."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

from features.encode import Encoder
from features.times import time_microseconds
from models.network import margins
from models.training.loop import configured_architecture
from pipeline.config import Config
from pipeline.runs.settings import read_settings
from pipeline.stages.artifacts.model_files import load_models
from pipeline.stages.train.champion_networks import champion_networks
from pipeline.storage.content import read_json, read_table, write_json

LATER = {"valid": time_microseconds("2030-01-01"), "calib": time_microseconds("2030-02-01")}


@pytest.fixture
def run(small_run, tmp_path):
    """A run folder with nothing in it but a champion."""
    shutil.copytree(small_run / "export" / "bundle", tmp_path / "champion" / "bundle")
    return tmp_path


def own_encoder(small_run):
    return Encoder.from_dict(read_json(small_run / "features" / "encoder.json"))


def architecture(encoder, config=None):
    config = config or Config()
    return configured_architecture(encoder.scaling, cardinalities=encoder.sizes, rows=8_000, config=config.train)


def start(run, encoder, *, starts=LATER, config=None):
    return champion_networks(run, encoder=encoder, architecture=architecture(encoder, config), fold_starts=starts)


def other_encoder(small_run):
    """The same columns with every knot, scale and code moved."""
    encoder = own_encoder(small_run)
    scaling = encoder.scaling
    knots = tuple(np.unique(np.concatenate([each, (each[1:] + each[:-1]) / 2])) for each in scaling.knots)
    moved = replace(scaling, center=scaling.center + 0.1, scale=scaling.scale * 1.5, knots=knots)
    turned = [
        replace(each, codes={value: each.size - code for value, code in each.codes.items()})
        for each in encoder.vocabularies
    ]
    return replace(encoder, scaling=moved, vocabularies=tuple(turned))


def test_networks_say_the_same_of_rows_read_with_another_encoder(small_run, run):
    table = read_table(small_run / "features" / "features.parquet", filters=pc.field("fold") == "valid")
    models = load_models(small_run, posterior_floor=read_settings(small_run).config.calibration.posterior_floor)
    encoder = other_encoder(small_run)
    fine = Config.model_validate({"train": {"max_bins": 64}})
    found = start(run, encoder, config=fine)
    assert found.note == "it went on from the champion's networks"
    small = [index for index, size in enumerate(encoder.sizes) if size <= 64]
    before, after = models.encoder.apply(table), encoder.apply(table)
    for rows in (before, after):
        rows.categorical[:, [index for index in range(len(encoder.sizes)) if index not in small]] = 0
    for (state, loss), name in zip(found.networks.networks, ("mlp", "mlp_unsmoothed"), strict=True):
        head = models.heads[name]
        assert loss == head.loss
        same = np.isclose(margins(state, after), margins(head.state, before), atol=0.02)
        assert same.mean() > 0.99  # the rest lie beyond the limit of scaled values, which is elsewhere now


@pytest.mark.parametrize(("early", "fold"), [("valid", "train"), ("calib", "valid")])
def test_a_champion_that_saw_what_judges_this_run_is_no_start(small_run, run, early, fold):
    starts = LATER | {early: time_microseconds("2024-02-01")}
    found = start(run, own_encoder(small_run), starts=starts)
    assert found.networks is None
    assert f"the champion's {fold} fold ends at 2024" in found.note
    assert f"after this run's {early} begins (2024-02-01T00:00:00Z)" in found.note


def test_a_champion_of_other_columns_is_no_start(small_run, run):
    encoder = own_encoder(small_run)
    found = start(run, replace(encoder, numeric=(*encoder.numeric[:-1], "new_column")))
    assert found.networks is None
    assert f"the columns changed ({', '.join(sorted((encoder.numeric[-1], 'new_column')))})" in found.note


def test_a_champion_of_another_network_is_no_start(small_run, run):
    scaled = Config.model_validate({"train": {"numeric": "scaled"}})
    assert start(run, own_encoder(small_run), config=scaled).note.endswith("the use of bins was True and is False")


def test_a_champion_that_does_not_tell_its_folds_is_no_start(small_run, run):
    path = run / "champion" / "bundle" / "manifest.json"
    write_json(path, {name: value for name, value in read_json(path).items() if name != "folds"})
    assert "does not say which rows it learned from" in start(run, own_encoder(small_run)).note


def test_a_changed_bundle_is_refused(small_run, run):
    path = run / "champion" / "bundle" / "network.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"network\.safetensors"):
        start(run, own_encoder(small_run))
