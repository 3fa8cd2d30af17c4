"""A recheck tries few settings, and everything where they say that the optimum has moved."""

import shutil

import pyarrow.parquet as pq
import pytest

from evaluation.report.recheck_section import SettingCheck
from evaluation.selection import Setting
from pipeline.config import load_config
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages
from pipeline.runs.settings import RunSettings
from pipeline.stages import STAGES
from pipeline.stages.train import sweep_and_rank as sweeping
from pipeline.stages.train import sweep_race
from pipeline.storage.content import read_json, write_json
from pipeline.storage.digests import sha256_file
from tests.conftest import SMALL

RECHECK = (*SMALL, "sweep.mode='recheck'", "sweep.recheck_epochs=1", "train.epochs=2", "tracking.enabled=false")


@pytest.fixture
def run(small_run, tmp_path):
    """A run whose features are made and whose champion is the small run's model, as if of the night before."""
    for name in ("ingest", "features"):
        shutil.copytree(small_run / name, tmp_path / name)
    bundle = tmp_path / "champion" / "bundle"
    shutil.copytree(small_run / "export" / "bundle", bundle)
    note = {"version": "1", "manifest": sha256_file(bundle / "manifest.json"), "problem": ""}
    write_json(tmp_path / "champion" / "champion.json", note)
    return tmp_path


def trained(run, *assignments):
    config = load_config("smoke.toml", assignments=(*RECHECK, *assignments), environment={})
    run_stages(run, RunSettings(config, None), STAGES, force=None, only="train", reporter=SilentReporter())
    settings = read_json(run / "train" / "sweep.json")["settings"]
    return settings, read_json(run / "train" / "report.json")["notes"]


def epochs(settings):
    return max(len(each["valid_log_loss"]) for each in settings)


def test_a_recheck_goes_on_from_the_champion_for_few_epochs(run):
    settings, notes = trained(run)
    assert 2 <= len(settings) <= 5
    assert epochs(settings) == 1
    assert notes[-2] == "this was a recheck: it went on from the champion's networks"
    assert notes[-1].startswith("The smoothing in use")


def test_a_recheck_told_not_to_begins_fresh_with_all_epochs(run):
    settings, notes = trained(run, "sweep.recheck_epochs=0")
    assert epochs(settings) == 2
    assert notes[-2] == "this was a recheck: it began with fresh weights: sweep.recheck_epochs is 0"


def test_the_whole_grid_from_fresh_weights_follows_where_the_optimum_moved(run, monkeypatch):
    here, there = Setting(0.0, "none", "example"), Setting(0.1, "none", "example")
    moved = SettingCheck(here, there, rank=2, settings=3, difference=0.1, noise=0.01, margin=0.02)
    monkeypatch.setattr(sweeping, "champion_check", lambda *_, **__: moved)
    settings, notes = trained(run)
    assert len(settings) == 6
    assert epochs(settings) == 2
    assert "so the optimum has moved" in notes[-1]


def test_a_race_says_what_it_stopped_and_selects_what_went_on_to_its_end(run, monkeypatch):
    monkeypatch.setattr(sweep_race, "FIRST_LOOK", 1)
    shutil.rmtree(run / "champion")
    settings, notes = trained(run, "sweep.mode='race'", "train.epochs=3")
    stopped = [each for each in settings if each["ruled_out"] is not None]
    assert {each["guide"] for each in settings if len(each["valid_log_loss"]) == 1} == {True}
    assert {each["ruled_out"] for each in settings if len(each["valid_log_loss"]) == 3} == {None}
    assert notes[-1].startswith(f"this was a race: {len(stopped)} of {len(settings)} settings stopped after epoch 1")
    rows = pq.read_table(run / "train" / "sweep.parquet").to_pylist()
    assert [row["ruled_out"] for row in rows if row["selected"]] == [None]
    assert sum(row["ruled_out"] is not None for row in rows) == len(stopped) > 0


def test_a_grid_that_is_not_raced_rules_nothing_out(run):
    shutil.rmtree(run / "champion")
    settings, notes = trained(run, "sweep.mode='full'")
    assert {each["ruled_out"] for each in settings} == {None}
    assert not any("race" in note for note in notes)
