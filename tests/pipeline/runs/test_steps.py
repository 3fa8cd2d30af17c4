"""One stage brought up to date: whether it runs, and why."""

from pipeline.runs.steps import planned_steps
from pipeline.stages.stage import Stage
from tests.fixtures.two_stages import FIRST, STAGES, brought, settings


def test_plan_says_why_and_changes_nothing(tmp_path):
    run = tmp_path / "run"
    steps = planned_steps(run, settings(), STAGES, force=None)
    assert [(step.runs, step.reason) for step in steps] == [
        (True, "has not finished yet"),
        (True, "follows ingest, unless its files come out the same"),
    ]
    assert not run.exists()
    brought(run)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    changed = planned_steps(run, settings("data.rows=1002"), STAGES, force=None)
    assert changed[0].reason == "changed: data.rows"
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def test_a_stage_may_depend_on_a_single_key(tmp_path):
    stages = (Stage("ingest", FIRST.work, reads=(), sections=("data.rows",)),)
    assert brought(tmp_path, "data.rows=1000", stages=stages) == ["ingest"]
    assert brought(tmp_path, "data.rows=1000", "data.seed=9", stages=stages) == []
    assert brought(tmp_path, "data.rows=1001", "data.seed=9", stages=stages) == ["ingest"]


def test_force_runs_the_stage_and_what_follows(tmp_path):
    brought(tmp_path)
    assert brought(tmp_path, force="features") == ["features"]
    assert brought(tmp_path, force="ingest") == ["ingest", "features"]


def test_a_file_changed_behind_its_back_runs_the_stage_again(tmp_path):
    brought(tmp_path)
    (tmp_path / "features" / "parity").write_text("7")
    assert brought(tmp_path) == ["features"]
