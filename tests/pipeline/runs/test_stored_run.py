"""A run in a store: whoever reads it sees a whole stage or none, and any machine goes on with it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.simulate.simulated import simulate_transactions
from pipeline.process.reporter import SilentReporter
from pipeline.runs.working_copy import bring_run, held_in_store
from pipeline.storage import lease as claim
from pipeline.storage.done import folder_checksums, read_done
from pipeline.storage.locks import LockedError
from pipeline.storage.object_store import opened
from tests.fixtures.registered import bundle_run
from tests.fixtures.stores import filled, machine, objects, parquet
from tests.fixtures.two_stages import brought_in_store

REPOSITORY = Path(__file__).parents[3]


def test_another_machine_goes_on_where_the_first_one_stopped(store, tmp_path):
    one, two = tmp_path / "one" / "night", tmp_path / "two" / "night"
    assert brought_in_store(one, store, only="ingest") == ["ingest"]
    assert brought_in_store(two, store) == ["features"]
    assert brought_in_store(one, store) == []
    for stage in ("ingest", "features"):
        assert folder_checksums(one / stage) == folder_checksums(two / stage)
        assert read_done(one / stage) == read_done(two / stage)
    stored = {
        f"{stage}/{name}" for stage in ("ingest", "features") for name in (*folder_checksums(one / stage), "DONE")
    }
    assert objects(store.child("night")) == {*stored, "config.json", "journal.jsonl"}
    assert (one / "journal.jsonl").read_bytes().startswith((two / "journal.jsonl").read_bytes())


def test_a_stage_that_came_out_otherwise_replaces_all_of_the_old_one(store, tmp_path):
    one, two = tmp_path / "one" / "night", tmp_path / "two" / "night"
    brought_in_store(one, store, "data.rows=1000")
    store.child("night/ingest/stray").put(b"left by nobody")
    assert brought_in_store(two, store, "data.rows=1001") == ["ingest", "features"]
    bring_run(one, store.uri, ["ingest", "features"])
    assert folder_checksums(one / "ingest") == folder_checksums(two / "ingest")
    assert "ingest/stray" not in store.child("night").files()


def test_a_stage_whose_files_do_not_match_its_marker_counts_as_not_finished(store, tmp_path):
    brought_in_store(tmp_path / "one" / "night", store)
    store.child("night/ingest/rows").put(b"half of an")
    bring_run(tmp_path / "two" / "night", store.uri, ["ingest"])
    assert not (tmp_path / "two" / "night" / "ingest").exists()
    assert brought_in_store(tmp_path / "two" / "night", store) == ["ingest"]
    assert store.child("night/ingest/rows").content(limit=99) == (tmp_path / "one/night/ingest/rows").read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "")
from pipeline.storage.object_store import Remote
from pipeline.run import run_stages
from pipeline.process.reporter import SilentReporter
from tests.fixtures.two_stages import STAGES, settings

true = Remote.put
def put(self, content):
    if self.path.endswith("features/DONE"):
        os.kill(os.getpid(), signal.SIGKILL)
    true(self, content)

Remote.put = put
asked_for = settings(f"runs.store='{sys.argv[2]}'")
run_stages(Path(sys.argv[1]), asked_for, STAGES, force=None, reporter=SilentReporter())
"""


def test_a_kill_between_a_stages_files_and_its_marker_leaves_no_half_stage_to_anybody(store, tmp_path, monkeypatch):
    run = tmp_path / "one" / "night"
    process = subprocess.run([sys.executable, "-c", KILLED, run, store.uri], cwd=REPOSITORY, check=False)
    assert process.returncode == -signal.SIGKILL
    assert {"features/parity", "ingest/DONE"} <= objects(store.child("night"))
    assert "features/DONE" not in objects(store.child("night"))
    with pytest.raises(
        LockedError, match=r"another job is working on s3://harbor/.*its claim lapses within 120 seconds"
    ):
        brought_in_store(tmp_path / "two" / "night", store)
    assert brought_in_store(run, store) == []
    assert "features/DONE" in objects(store.child("night"))
    store.child("night/features/DONE").remove()
    store.child("night/.claims/dead").put(b'{"state": "held"}')
    time.sleep(1.1)
    monkeypatch.setattr(claim, "LEASE", 0.5)
    assert brought_in_store(tmp_path / "two" / "night", store) == ["features"]
    assert not store.child("night/.claims").files()


def test_a_run_may_be_kept_in_a_mounted_folder_too(tmp_path):
    place = opened(f"file://{tmp_path}/kept")
    assert brought_in_store(tmp_path / "one" / "night", place) == ["ingest", "features"]
    assert brought_in_store(tmp_path / "two" / "night", place) == []


@pytest.mark.slow
def test_seven_machines_make_stage_by_stage_the_bundle_that_one_machine_makes(store, tmp_path):
    data, run = f"{store.uri}/data/tx-*.parquet", f"{store.uri}/runs/night"
    table = simulate_transactions(24_000, seed=7).transactions
    for number in (1, 2):
        part = table.slice((number - 1) * 12_000, 12_000)
        store.child(f"data/tx-{number}.parquet").put(parquet(part))
        filled(tmp_path / "data", {f"tx-{number}.parquet": parquet(part)})
    local = f"data.source='{tmp_path}/data/tx-*.parquet'"
    beside = machine(tmp_path / "0", "run", "--config", "smoke.toml", "--run", "runs/night", "--set", local)
    assert beside.returncode in (0, 3), beside.stderr
    options = ("--config", "smoke.toml", "--set", f"data.source='{data}'")
    for number, stage in enumerate(("ingest", "features", "train", "calibrate", "evaluate", "refit", "export"), 1):
        ended = machine(tmp_path / str(number), stage, "--run", run, *options)
        assert ended.returncode == 0, (stage, ended.stderr)
    kept = machine(tmp_path / "8", "run", "--run", run, *options)
    assert kept.stdout.count(" kept ") == 7, kept.stdout
    assert f"store   {run}" in kept.stdout
    shown = {"evaluate/report.json", "evaluate/report.html", "refit/report.html"}  # of them all data.source is a part
    near, far = (folder_checksums(tmp_path / each / "runs/night") for each in ("0", "8"))
    unlike = {name for name in near.keys() | far.keys() if "/" in name and near.get(name) != far.get(name)}
    assert {name for name in unlike if not name.endswith("/DONE")} == shown
    assert "export/bundle/manifest.json" in near
    synced = machine(tmp_path / "9", "sync", "--run", run)
    assert (synced.returncode, "0 to send" in synced.stdout) == (0, True), synced.stderr


@pytest.mark.slow
def test_a_run_is_promoted_on_a_machine_that_never_saw_it(store, small_run, tmp_path):
    run = bundle_run(small_run, tmp_path / "one" / "night", note="from afar", journal=True)
    with held_in_store(run, store.uri, ["export"], reporter=SilentReporter()):
        assert (run / ".store").is_file()
    ended = machine(tmp_path / "two", "promote", "--run", f"{store.uri}/night")
    assert (ended.returncode, "version 1 is champion" in ended.stdout) == (0, True), ended.stderr
    assert not store.child("night/.claims").files()
