"""Bringing stages up to date: what runs, what is kept, what a kill leaves."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.stages.stage import Stage
from pipeline.storage.done import folder_checksums, read_done
from pipeline.storage.locks import LockedError
from pipeline.tracking.journal import Journal
from tests.fixtures.two_stages import STAGES, brought


def third_work(context):
    context.path("ingest", "rows")
    return "never reached"


def test_an_unchanged_stage_is_not_run_again(tmp_path):
    assert brought(tmp_path) == ["ingest", "features"]
    assert brought(tmp_path) == []


def test_a_changed_key_runs_its_stage_and_only_what_its_files_reach(tmp_path):
    brought(tmp_path, "data.rows=1000")
    assert brought(tmp_path, "data.rows=1001") == ["ingest", "features"]
    assert brought(tmp_path, "data.rows=1001", "data.seed=9") == ["ingest"]
    assert brought(tmp_path, "data.rows=1001", "data.seed=9", "gate.min_frauds=3") == []


def test_a_stage_that_fails_leaves_what_stood_before(tmp_path):
    brought(tmp_path)
    before = folder_checksums(tmp_path / "features")
    with pytest.raises(ValueError, match="must not be so"):
        brought(tmp_path, "features.include_current=true")
    assert folder_checksums(tmp_path / "features") == before
    assert not list(tmp_path.glob(".partial*"))
    assert [r.content["status"] for r in Journal(tmp_path / "journal.jsonl").records() if r.kind == "close"][-2:] == [
        "FAILED",
        "FAILED",
    ]


def test_a_stage_alone_needs_those_before_it(tmp_path):
    with pytest.raises(ValueError, match="features needs ingest to have finished"):
        brought(tmp_path, only="features")
    assert brought(tmp_path, only="ingest") == ["ingest"]
    assert brought(tmp_path, only="features") == ["features"]


def test_a_stage_cannot_read_what_it_does_not_declare(tmp_path):
    rogue = Stage("train", third_work, reads=("features",), sections=())
    with pytest.raises(PermissionError, match="train does not declare that it reads ingest"):
        brought(tmp_path, stages=(*STAGES, rogue))


def test_done_alone_holds_clock_and_host(tmp_path):
    brought(tmp_path / "a")
    time.sleep(0.01)
    brought(tmp_path / "b")
    for name in ("config.json", "ingest/rows", "ingest/report.json", "features/parity"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert read_done(tmp_path / "a" / "ingest").details["seconds"] >= 0


HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, "")
from pipeline.process.reporter import SilentReporter
from pipeline.stages.stage import Stage
from tests.fixtures.two_stages import settings
from pipeline.run import run_stages

def slow(context):
    (context.out / "half").write_text("half")
    Path(sys.argv[2]).write_text("ready")
    time.sleep(60)
    return ""

stage = Stage("ingest", slow, reads=(), sections=("data",))
run_stages(Path(sys.argv[1]), settings(), (stage,), force=None, reporter=SilentReporter())
"""


def started_holder(tmp_path):
    ready = tmp_path / "ready"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run"), str(ready)], cwd=Path.cwd())
    deadline = time.monotonic() + 60
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ready.exists()
    return process


def test_two_runs_on_one_folder_cannot_interleave_and_a_killed_one_is_taken_up(tmp_path):
    holder = started_holder(tmp_path)
    try:
        with pytest.raises(LockedError, match="another job is working in"):
            brought(tmp_path / "run")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert brought(tmp_path / "run") == ["ingest", "features"]
    assert not list((tmp_path / "run").glob(".partial*"))
    lines = (tmp_path / "run" / "journal.jsonl").read_text().splitlines()
    closed = [json.loads(line)["content"]["status"] for line in lines if json.loads(line)["kind"] == "close"]
    assert closed[:2] == ["KILLED", "KILLED"]
    assert Path(tmp_path / "run" / "ingest" / "DONE").is_file()
