"""What a run that is killed or told to end leaves behind, and what the next one makes of it."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from mlflow.tracking import MlflowClient

from pipeline.storage.content import read_json
from pipeline.storage.done import folder_checksums
from tests.conftest import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

STAGES = ("ingest", "features", "train", "calibrate", "evaluate", "refit", "export")
COMMAND = [sys.executable, "-m", "pipeline.cli", "run", "--config", "smoke.toml"]


def started(run, *, tracking):
    assignments = [part for each in (*SMALL, f"tracking.enabled={tracking}") for part in ("--set", each)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*COMMAND, "--run", str(run), *assignments], env={**os.environ}, **quiet)


def checksums(run):
    return {stage: folder_checksums(run / stage) for stage in STAGES} | {"config": read_json(run / "config.json")}


def test_a_run_killed_at_ten_random_moments_ends_like_an_undisturbed_one(tmp_path):
    undisturbed = tmp_path / "a" / "undisturbed"
    begun = time.monotonic()
    assert started(undisturbed, tracking="false").wait() == 0
    length = time.monotonic() - begun
    killed, moments = tmp_path / "b" / "undisturbed", random.Random(11)
    for _ in range(10):
        process = started(killed, tracking="false")
        time.sleep(moments.uniform(0.1, length / 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert started(killed, tracking="false").wait() == 0
    assert checksums(killed) == checksums(undisturbed)
    assert not [path.name for path in killed.iterdir() if path.name.startswith((".partial", ".previous"))]


def test_sigterm_ends_a_run_cleanly_and_marks_it_killed(tmp_path):
    run = tmp_path / "runs" / "told"
    process = started(run, tracking="true")
    deadline = time.monotonic() + 120
    while not (run / ".partial-train").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 1
    assert not list(run.glob(".partial*"))
    client = MlflowClient(f"sqlite:///{tmp_path / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("harbor")
    status = {run.info.run_name: run.info.status for run in client.search_runs([experiment.experiment_id])}
    assert status["told"] == status["train"] == "KILLED"
    assert status["ingest"] == status["features"] == "FINISHED"
