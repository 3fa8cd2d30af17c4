"""The champion on this run's rows: scored from its own features, and a problem in words where it cannot."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from features.times import DAY
from pipeline.stages.evaluate import champion_rows as rows_module
from pipeline.stages.evaluate.champion_rows import anchor_scores, champion_rows
from tests.fixtures.evaluated import evaluate_context


@pytest.fixture
def crowned(small_run, tmp_path):
    """A run that meets the small run's own bundle as its champion."""
    context = evaluate_context(small_run, tmp_path)
    shutil.copytree(small_run / "export" / "bundle", context.run / "champion" / "bundle")
    (context.run / "champion" / "champion.json").write_text(json.dumps({"version": "7", "problem": ""}))
    return context


def test_a_run_without_a_champion_has_none(context):
    assert champion_rows(context) is None


def test_the_champion_says_of_test_what_it_said_where_it_was_made(crowned, small_run):
    found = champion_rows(crowned)
    written = pq.read_table(small_run / "evaluate" / "scores.parquet")["hybrid"].to_numpy()
    assert (found.test.name, found.test.problem, len(found.later)) == ("7", "", 0)
    np.testing.assert_allclose(found.test.probabilities, written, atol=1e-5)


def test_what_the_champion_never_saw_is_scored_for_the_detector(crowned, monkeypatch):
    monkeypatch.setattr(rows_module, "WATCHED_DAYS", 10_000)
    found = champion_rows(crowned)
    table = pq.read_table(crowned.path("features", "features.parquet"), columns=["fold", "event_time"])
    time, test = table["event_time"].cast("int64").to_numpy(), table["fold"].to_pandas().to_numpy() == "test"
    seen_until = json.loads((crowned.run / "champion/bundle/manifest.json").read_text())["seen_until_microseconds"]
    np.testing.assert_array_equal(np.isfinite(found.unseen), time > seen_until)
    np.testing.assert_array_equal(found.unseen[test], found.test.probabilities)


def test_only_the_newest_days_are_scored_for_the_detector(crowned, monkeypatch):
    monkeypatch.setattr(rows_module, "WATCHED_DAYS", 3)
    found = champion_rows(crowned)
    time = pq.read_table(crowned.path("features", "features.parquet"))["event_time"].cast("int64").to_numpy()
    np.testing.assert_array_equal(np.isfinite(found.unseen), time > time.max() - 3 * DAY)
    assert np.isfinite(found.test.probabilities).all()


def test_the_anchor_is_scored_as_the_champion_is_and_its_problem_is_its_own(crowned):
    path = crowned.run / "champion" / "champion.json"
    note = json.loads(path.read_text())
    assert anchor_scores(crowned) is None
    shutil.copytree(crowned.run / "champion" / "bundle", crowned.run / "champion" / "anchor" / "bundle")
    path.write_text(json.dumps({**note, "anchor": {"version": "3", "problem": ""}}))
    np.testing.assert_array_equal(anchor_scores(crowned).probabilities, champion_rows(crowned).test.probabilities)
    (crowned.run / "champion" / "anchor" / "bundle" / "features.json").write_text("{}")
    assert "features.json" in anchor_scores(crowned).problem
    assert champion_rows(crowned).test.problem == ""


def test_a_champion_that_was_never_sound_is_not_opened(crowned):
    (crowned.run / "champion" / "champion.json").write_text(json.dumps({"version": "7", "problem": "it is torn"}))
    found = champion_rows(crowned)
    assert found.test.problem == "it is torn"
    assert np.isnan(found.test.probabilities).all()


@pytest.mark.parametrize("name", ["features.json", "model.onnx"])
def test_a_champion_changed_on_disk_is_a_problem_without_this_machines_folders(crowned, name):
    (crowned.run / "champion" / "bundle" / name).write_text("{}")
    problem = champion_rows(crowned).test.problem
    assert problem.startswith("it cannot score these transactions: 1 fault in the bundle")
    assert name in problem
    assert str(crowned.run) not in problem


def test_a_manifest_that_does_not_say_what_it_has_seen_is_a_problem(crowned):
    path = crowned.run / "champion" / "bundle" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "seen_until_microseconds": None}))
    assert "does not say seen_until_microseconds" in champion_rows(crowned).test.problem


def test_a_bundle_that_must_be_signed_and_is_not_is_a_problem(crowned, monkeypatch):
    monkeypatch.setenv("RELEASE_KEY", "k")
    export = crowned.config.export.model_copy(update={"sign_key_env": "RELEASE_KEY"})
    signed = replace(crowned, config=crowned.config.model_copy(update={"export": export}))
    assert "must have a manifest.sig" in champion_rows(signed).test.problem
