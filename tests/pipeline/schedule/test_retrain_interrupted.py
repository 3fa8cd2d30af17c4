"""A scheduled retrain that is killed anywhere, its promotion included, ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from pipeline.config import load_config
from pipeline.registry.ledger import read_ledger
from pipeline.registry.model_registry import opened_registry
from pipeline.storage.content import read_json
from pipeline.storage.done import folder_checksums
from tests.conftest import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

STAGES = ("ingest", "features", "train", "calibrate", "evaluate", "refit", "export")
FOLDS = ("split.train='40d'", "split.valid='14d'", "split.calib='14d'", "split.test='28d'")
LENIENT = ("gate.ece_tolerance=10", "gate.observed_expected_low=0.01", "gate.observed_expected_high=99")
NIGHTLY = ("sweep.mode='recheck'", "gate.min_champion_frauds=1000000")
ASSIGNMENTS = [part for each in (*SMALL, *FOLDS, *LENIENT, *NIGHTLY) for part in ("--set", each)]
FIRST, SECOND = "2024-06-18", "2024-06-19"


def started(folder, day):
    line = [sys.executable, "-m", "pipeline.cli", "retrain", "--config", "smoke.toml", "--as-of", day, *ASSIGNMENTS]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(line, cwd=folder, env={**os.environ}, **quiet)


def run_of(folder, day):
    return folder / "runs" / f"smoke-{day.replace('-', '')}T000000Z"


def ending(folder):
    """Everything two histories must agree on; a promotion cut short may be told in other words."""
    run = run_of(folder, SECOND)
    outcome = {key: value for key, value in read_json(run / "retrain.json").items() if key != "lines"}
    tracking = load_config("smoke.toml", environment={}).tracking
    with opened_registry(tracking, name="harbor-fraud", runs=folder / "runs") as registry:
        aliases = {alias: (each.number, each.manifest) for alias, each in registry.aliased().items()}
    reigned = list(dict.fromkeys(line.after for line in read_ledger(folder / "runs" / "promotions.jsonl")))
    files = {stage: folder_checksums(run / stage) for stage in STAGES}
    return outcome, aliases, reigned, files, read_json(run / "champion" / "champion.json")


def test_a_retrain_killed_at_ten_moments_ends_like_an_undisturbed_one(tmp_path):
    calm, killed = tmp_path / "a", tmp_path / "b"
    for folder in (calm, killed):
        folder.mkdir()
        assert started(folder, FIRST).wait() == 0
    begun = time.monotonic()
    assert started(calm, SECOND).wait() == 0
    length = time.monotonic() - begun
    moments, exported = random.Random(5), run_of(killed, SECOND) / "export" / "DONE"
    for _ in range(6):
        process = started(killed, SECOND)
        time.sleep(moments.uniform(0.1, length / 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    for _ in range(4):
        process = started(killed, SECOND)
        while not exported.exists() and process.poll() is None:
            time.sleep(0.02)
        time.sleep(moments.uniform(1.0, length / 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert started(killed, SECOND).wait() == 0
    assert ending(killed) == ending(calm)
    assert not [
        path.name for path in run_of(killed, SECOND).iterdir() if path.name.startswith((".partial", ".previous"))
    ]
    begun = time.monotonic()
    assert started(killed, SECOND).wait() == 0
    assert time.monotonic() - begun < length / 2
    note = read_json(run_of(killed, SECOND) / "train" / "report.json")["notes"][0]
    assert note == "this was a recheck: it went on from the champion's networks"
