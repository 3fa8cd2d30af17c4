"""A fitted block is found again whole, or not at all."""

import os

import numpy as np
import pytest

from features.encode import Encoder
from pipeline.stages.artifacts.candidates import raw_scores
from pipeline.stages.artifacts.model_files import load_models
from pipeline.stages.refit import block_store
from pipeline.stages.refit.block_store import BlockStore
from pipeline.stages.refit.recipe_fit import FittedRecipe
from pipeline.storage.content import read_table
from pipeline.storage.object_store import opened


@pytest.fixture
def fitted(small_run):
    models = load_models(small_run, posterior_floor=1e-3)
    own = {7: dict(models.heads["mlp"].state)}
    return FittedRecipe(models, 0.02, 9, 800, 16, 2, 30, own)


@pytest.fixture
def store(tmp_path):
    return BlockStore(tmp_path / "blocks", 1e-3)


def test_what_was_kept_says_the_same(fitted, store, small_run):
    store.keep("a" * 32, fitted)
    found = store.fitted("a" * 32)
    assert (found.until, found.rows, found.frauds, found.epochs, found.trees) == (9, 800, 16, 2, 30)
    rows = read_table(small_run / "features" / "features.parquet").slice(0, 300)
    encoder: Encoder = found.models.encoder
    one, two = (raw_scores(each.models, encoder.apply(rows), threads=1).log_odds for each in (fitted, found))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert [each.until for each in found.seen_networks] == [9, 7]


def test_a_block_that_nobody_kept_is_not_found(store):
    assert store.fitted("b" * 32) is None


@pytest.mark.parametrize("name", ["booster.ubj", "DONE"])
def test_a_block_that_is_not_whole_counts_as_absent(fitted, store, name):
    store.keep("a" * 32, fitted)
    path = store.folder / ("a" * 32) / name
    path.write_bytes(path.read_bytes()[:-9])
    assert store.fitted("a" * 32) is None


def test_the_blocks_that_were_not_used_for_longest_go(fitted, store, monkeypatch):
    monkeypatch.setattr(block_store, "KEPT", 2)
    for number, key in enumerate("abc"):
        store.keep(key * 32, fitted)
        os.utime(store.folder / (key * 32) / "DONE", (number, number))
    store.fitted("b" * 32)
    store.keep("d" * 32, fitted)
    assert [store.fitted(key * 32) is not None for key in "abcd"] == [False, True, False, True]


def machine(tmp_path, name, told):
    remote = opened(f"file://{tmp_path / 'store'}").child("refit-blocks")
    return BlockStore(tmp_path / name / "blocks", 1e-3, remote, told.append)


def test_another_machine_finds_what_this_one_has_fitted(fitted, tmp_path):
    told = []
    machine(tmp_path, "one", told).keep("a" * 32, fitted)
    found = machine(tmp_path, "two", told).fitted("a" * 32)
    assert (found.rows, found.trees, told) == (fitted.rows, fitted.trees, [])
    assert [each.until for each in found.seen_networks] == [9, 7]


def test_half_a_block_in_the_store_counts_as_absent(fitted, tmp_path):
    told = []
    machine(tmp_path, "one", told).keep("a" * 32, fitted)
    (tmp_path / "store" / "refit-blocks" / ("a" * 32) / "booster.ubj").write_bytes(b"half")
    assert machine(tmp_path, "two", told).fitted("a" * 32) is None


def test_a_store_that_does_not_answer_costs_a_fit_and_no_run(fitted, tmp_path):
    (tmp_path / "store").write_bytes(b"a file where the store should be")
    told = []
    one = machine(tmp_path, "one", told)
    one.keep("a" * 32, fitted)
    assert one.fitted("a" * 32) is not None
    assert machine(tmp_path, "two", told).fitted("a" * 32) is None
    assert any("could not be sent to the store" in line for line in told)


def test_the_store_keeps_no_more_than_the_folder(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(block_store, "KEPT", 1)
    one = machine(tmp_path, "one", [])
    for key in "ab":
        one.keep(key * 32, fitted)
    kept = {path.parts[0] for path in map(type(tmp_path), one.remote.files())}
    assert len(kept) == 1
