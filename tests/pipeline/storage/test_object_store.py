"""Transactions, runs and bundles in object stores, against an S3 server and an emulator of Google's on loopback."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from features.simulate.simulated import simulate_transactions
from pipeline import cli
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages
from pipeline.runs.retention import remove_old_stored_runs
from pipeline.runs.working_copy import bring_run, held_in_store, run_place
from pipeline.stages.ingest.sources import source_files
from pipeline.storage import download_cache as downloads
from pipeline.storage import lease as claim
from pipeline.storage.done import folder_checksums, read_done
from pipeline.storage.errors import InputError
from pipeline.storage.lease import claimed
from pipeline.storage.locks import LockedError
from pipeline.storage.object_store import StoreError, opened
from tests.conftest import SMALL
from tests.fixtures.ingested import ingested
from tests.fixtures.registered import bundle_run
from tests.fixtures.stores import ENVIRONMENT, SECRET, s3_server, serving
from tests.pipeline.schedule.test_retrain import WORKED, retrained
from tests.pipeline.test_run import ORDER, STAGES, settings

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server():
    with s3_server() as address:
        yield address


@pytest.fixture
def store(server, monkeypatch, tmp_path, request):
    """A folder of an S3 bucket for one test."""
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": server, downloads.CACHE: str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    return opened(f"s3://harbor/{re.sub('[^a-z0-9_]+', '-', request.node.name)}")


@pytest.fixture(scope="module")
def transactions():
    return simulate_transactions(2000, seed=3).transactions


def parquet(table):
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def csv(table):
    out = pa.BufferOutputStream()
    pacsv.write_csv(table, out)
    return out.getvalue().to_pybytes()


def filled(folder, files):
    for name, content in files.items():
        if isinstance(folder, Path):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        else:
            folder.child(name).put(content)


@pytest.mark.parametrize(
    "patterns", [["2024/a.parquet"], ["2024/*.csv"], ["**/*.parquet"], ["2024/[a-c].parquet", "2025/?.parquet"]]
)
def test_a_source_in_a_store_is_read_as_the_same_files_beside_us(store, tmp_path, transactions, patterns):
    parts = [transactions.slice(start, 500) for start in range(0, 2000, 500)]
    files = {
        "2024/a.parquet": parquet(parts[0]),
        "2024/b1.csv": csv(parts[1]),
        "2024/b2.csv": csv(parts[2]),
        "2025/c.parquet": parquet(parts[3]),
    }
    filled(store, files)
    filled(tmp_path / "data", files)
    near = ingested(tuple(f"{tmp_path}/data/{pattern}" for pattern in patterns))
    plain = ingested(tuple(f"file://{tmp_path}/data/{pattern}" for pattern in patterns))
    far = ingested(tuple(f"{store.uri}/{pattern}" for pattern in patterns))
    assert near.table.num_rows > 400
    assert far.report == near.report == plain.report


def test_an_object_is_fetched_once_for_each_content_it_ever_had(store, transactions, monkeypatch):
    place = store.child("tx.csv")
    place.put(csv(transactions.slice(0, 10)))
    fetched = []
    monkeypatch.setattr(downloads.Remote, "fetch", counted(downloads.Remote.fetch, fetched))
    first, again = (source_files(place.uri)[0].path for _ in range(2))
    assert first == again
    place.put(csv(transactions.slice(10, 10)))
    assert source_files(place.uri)[0].path.read_bytes() == csv(transactions.slice(10, 10))
    assert len(fetched) == 2


def counted(true, calls):
    def call(self, path):
        calls.append(path)
        true(self, path)

    return call


def test_an_object_that_changes_while_it_is_read_is_not_taken(store, transactions, monkeypatch):
    place, true = store.child("tx.csv"), downloads.Remote.fetch
    place.put(csv(transactions.slice(0, 10)))

    def overtaken(self, path):
        true(self, path)
        self.put(csv(transactions.slice(10, 11)))

    monkeypatch.setattr(downloads.Remote, "fetch", overtaken)
    with pytest.raises(StoreError, match="changed while it was being read"):
        source_files(place.uri)
    assert not list(Path(os.environ[downloads.CACHE]).glob("*/content*"))


@pytest.fixture
def harbor(monkeypatch, capsys, tmp_path):
    """Runs a command line in an empty folder; gives its exit code and all it said."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HARBOR_TRACKING__ENABLED", "false")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harbor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return int(ended.value.code), captured.out + captured.err

    return call


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://no-such-bucket/tx.csv", "there is no such bucket"),
        ("s3://no-such-bucket/*.csv", "there is no such bucket"),
        ("s3://harbor/no/such.csv", "s3://harbor/no/such.csv: does not exist"),
        ("s3://harbor/no/*.csv", "no object fits this pattern"),
        ("s3://harbor/a/../b.csv", "must not hold empty parts"),
        ("s3://harb*/a.csv", "must name a bucket"),
        ("s3://AKIA:s3cr3t-in-it@harbor/tx.csv", "must not hold a password"),
        ("s3://s3cr3t-in-it@harbor/tx.csv", "must not hold credentials"),
        ("https://host/tx.csv?X-Amz-Signature=s3cr3t-in-it", "must be a path, or an address that begins with s3://"),
    ],
)
def test_what_is_not_there_is_one_message_and_exit_code_2(store, harbor, source, said):
    code, told = harbor("run", "--config", "smoke.toml", "--set", f"data.source='{source}'")
    assert code == 2
    assert said in told
    assert "s3cr3t" not in told
    assert "Traceback" not in told


def test_wrong_credentials_are_told_without_their_values(harbor, monkeypatch, tmp_path):
    with s3_server(checks_credentials=True) as address:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        for arguments in (
            ("run", "--config", "smoke.toml", "--set", "data.source='s3://harbor/tx.csv'"),
            ("run", "--config", "smoke.toml", "--run", "s3://harbor/runs/night"),
            ("verify", "--bundle", "s3://harbor/bundle"),
        ):
            code, told = harbor(*arguments)
            assert code == 2
            assert "s3://harbor" in told
            assert "refuses access; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told
            assert not [each for each in (SECRET, ENVIRONMENT["AWS_ACCESS_KEY_ID"]) if each in told]


def brought(folder, store, *assignments, **options):
    """The stages that ran when a run folder was brought up to date."""
    ORDER.clear()
    asked_for = settings(f"runs.store='{store.uri}'", *assignments)
    run_stages(folder, asked_for, STAGES, force=None, reporter=SilentReporter(), **options)
    return list(ORDER)


def objects(place):
    return {name for name in place.files() if not name.startswith(".claims/")}


def test_another_machine_goes_on_where_the_first_one_stopped(store, tmp_path):
    one, two = tmp_path / "one" / "night", tmp_path / "two" / "night"
    assert brought(one, store, only="ingest") == ["ingest"]
    assert brought(two, store) == ["features"]
    assert brought(one, store) == []
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
    brought(one, store, "data.rows=1000")
    store.child("night/ingest/stray").put(b"left by nobody")
    assert brought(two, store, "data.rows=1001") == ["ingest", "features"]
    bring_run(one, store.uri, ["ingest", "features"])
    assert folder_checksums(one / "ingest") == folder_checksums(two / "ingest")
    assert "ingest/stray" not in store.child("night").files()


def test_a_stage_whose_files_do_not_match_its_marker_counts_as_not_finished(store, tmp_path):
    brought(tmp_path / "one" / "night", store)
    store.child("night/ingest/rows").put(b"half of an")
    bring_run(tmp_path / "two" / "night", store.uri, ["ingest"])
    assert not (tmp_path / "two" / "night" / "ingest").exists()
    assert brought(tmp_path / "two" / "night", store) == ["ingest"]
    assert store.child("night/ingest/rows").content(limit=99) == (tmp_path / "one/night/ingest/rows").read_bytes()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "")
from pipeline.storage.object_store import Remote
from pipeline.run import run_stages
from tests.pipeline.test_run import STAGES, SilentReporter, settings

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
        brought(tmp_path / "two" / "night", store)
    assert brought(run, store) == []
    assert "features/DONE" in objects(store.child("night"))
    store.child("night/features/DONE").remove()
    store.child("night/.claims/dead").put(b'{"state": "held"}')
    time.sleep(1.1)
    monkeypatch.setattr(claim, "LEASE", 0.5)
    assert brought(tmp_path / "two" / "night", store) == ["features"]
    assert not store.child("night/.claims").files()


def test_a_working_folder_belongs_to_one_run(store, tmp_path):
    brought(tmp_path / "night", store.child("a"))
    with pytest.raises(
        InputError, match=r"is the working folder of s3://harbor/.*/a/night, got s3://harbor/.*/b/night"
    ):
        brought(tmp_path / "night", store.child("b"))
    (tmp_path / "other" / "night").mkdir(parents=True)
    shutil.copy(tmp_path / "night" / "config.json", tmp_path / "other" / "night")
    with pytest.raises(InputError, match="must not hold another run than"):
        run_place(f"{store.uri}/a/night", runs=tmp_path / "other")


def test_of_jobs_that_claim_one_thing_at_once_never_two_hold_it(tmp_path):
    folder, holding, most = opened(f"file://{tmp_path}/claims"), [], []
    (tmp_path / "claims").mkdir()

    def job(name):
        for _ in range(4):
            try:
                with claimed(folder, name, what="it"):
                    holding.append(name)
                    most.append(len(holding))
                    time.sleep(0.005)
                    holding.remove(name)
            except LockedError:
                time.sleep(0.005)

    threads = [threading.Thread(target=job, args=(f"job-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_a_claim_that_lapsed_and_was_taken_over_stops_its_first_holder(tmp_path, monkeypatch):
    (tmp_path / "claims").mkdir()
    folder = opened(f"file://{tmp_path}/claims")
    monkeypatch.setattr(claim, "LEASE", 0.05)
    with claimed(folder, "slow", what="it") as slow:
        time.sleep(0.1)
        with claimed(folder, "quick", what="it"), pytest.raises(LockedError, match="lapsed, and another job"):
            slow.check()


def test_a_run_may_be_kept_in_a_mounted_folder_too(tmp_path):
    place = opened(f"file://{tmp_path}/kept")
    assert brought(tmp_path / "one" / "night", place) == ["ingest", "features"]
    assert brought(tmp_path / "two" / "night", place) == []


def test_a_retrain_that_one_machine_did_is_free_on_every_other(store, tmp_path):
    kept = (f"runs.store='{store.uri}'", "runs.keep=1")
    first = retrained(tmp_path / "one", "2024-05-01", *kept)
    again = retrained(tmp_path / "two", "2024-05-01", *kept)
    assert WORKED == []
    assert (again.passed, again.lines, again.removed) == (first.passed, first.lines, ())
    claims = store.child(".retrain-night.claims")
    with claimed(claims, "somebody", what="it"), pytest.raises(LockedError, match="is working on retrain-night"):
        retrained(tmp_path / "two", "2024-05-02", *kept)
    assert retrained(tmp_path / "two", "2024-05-02", *kept).removed == (first.folder.name,)
    assert {name.partition("/")[0] for name in store.files()} == {"night-20240502T000000Z"}


def test_old_runs_go_from_the_store_but_none_in_production_and_none_in_work(store, tmp_path):
    days = [f"night-2024010{day}T000000Z" for day in range(1, 6)]
    for day in days:
        filled(store.child(day), {"ingest/DONE": b"{}", "export/bundle/manifest.json": day.encode()})
    store.child(f"{days[1]}/.claims/somebody").put(b'{"state": "held"}')
    kept = {sha256(days[0].encode()).hexdigest()}
    gone = remove_old_stored_runs(store.uri, "night", keep=2, current=tmp_path / days[4], in_production=kept)
    assert gone == (days[2],)
    assert {name.partition("/")[0] for name in store.files()} == set(days) - {days[2]}


def test_a_bundle_in_a_store_is_verified_and_scores_from_and_to_it(store, harbor, small_run, tmp_path):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(f"bundle/{name}").send(bundle / name)
    code, told = harbor("verify", "--bundle", f"{store.uri}/bundle")
    assert (code, told.startswith("verified: ")) == (0, True), told
    rows = small_run / "features" / "features.parquet"
    store.child("rows.parquet").send(rows)
    far, near = f"{store.uri}/scored.parquet", tmp_path / "scored.parquet"
    code, told = harbor(
        "score", "--bundle", f"{store.uri}/bundle", "--input", f"{store.uri}/rows.parquet", "--out", far
    )
    assert code == 0, told
    assert harbor("score", "--bundle", f"file://{bundle}", "--input", f"file://{rows}", "--out", near)[0] == 0
    assert store.child("scored.parquet").content(limit=1 << 30) == near.read_bytes()


def test_a_bundle_in_a_store_is_refused_before_anything_foreign_is_fetched(store, harbor, small_run, monkeypatch):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(name).send(bundle / name)
    store.child("golden.jsonl").put(b"{}")
    code, told = harbor("verify", "--bundle", store.uri)
    assert (code, f"in the bundle {store.uri}" in told, "golden.jsonl" in told) == (2, True, True)
    store.child("extra.pkl").put(b"x")
    fetched = []
    monkeypatch.setattr(downloads.Remote, "fetch", counted(downloads.Remote.fetch, fetched))
    code, told = harbor("verify", "--bundle", store.uri)
    assert (code, "'extra.pkl': has no place in a bundle" in told, fetched) == (2, True, [])


def test_outcomes_in_a_store_get_their_report_beside_them(store, harbor, small_run):
    bundle = small_run / "export" / "bundle"
    for name in folder_checksums(bundle):
        store.child(f"bundle/{name}").send(bundle / name)
    table = pq.read_table(small_run / "features" / "features.parquet", filters=pc.field("fold") == "test")
    store.child("outcomes.parquet").put(parquet(table))
    options = ("--set", "evaluation.resamples=100", "--set", "evaluation.slice_resamples=100")
    code, told = harbor(
        "evaluate", "--bundle", f"{store.uri}/bundle", "--outcomes", f"{store.uri}/outcomes.parquet", *options
    )
    assert code == 0, told
    assert f"{store.uri}/outcomes.report.json" in told
    assert json.loads(store.child("outcomes.report.json").content(limit=1 << 20))["metrics"]


@pytest.fixture
def google(monkeypatch, tmp_path):
    """A folder of a bucket in an emulator of Google's store."""
    command = (sys.executable, "-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", "--port={port}")
    with serving(*command, "--in-memory", "--default-bucket=harbor") as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        monkeypatch.setenv(downloads.CACHE, str(tmp_path / "cache"))
        yield opened("gs://harbor/night-shift")


def test_googles_store_does_what_amazons_does(google, tmp_path, transactions):
    filled(google, {"tx/a.csv": csv(transactions.slice(0, 500)), "tx/b.csv": csv(transactions.slice(500, 500))})
    assert ingested(f"{google.uri}/tx/*.csv").table.num_rows > 800
    assert brought(tmp_path / "one" / "night", google, only="ingest") == ["ingest"]
    assert brought(tmp_path / "two" / "night", google) == ["features"]
    assert brought(tmp_path / "one" / "night", google) == []
    with pytest.raises(InputError, match=r"gs://harbor/night-shift/none\.csv: does not exist"):
        source_files(f"{google.uri}/none.csv")


def machine(folder, *arguments):
    """One command on a machine of its own: nothing of the others' disks is there."""
    folder.mkdir(parents=True, exist_ok=True)
    given = [part for each in (*SMALL, "tracking.enabled=false") for part in ("--set", each)]
    line = [sys.executable, "-m", "pipeline.cli", *map(str, arguments), *(given if "--config" in arguments else [])]
    variables = {**os.environ, downloads.CACHE: str(folder / "cache"), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(line, cwd=folder, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_six_machines_make_stage_by_stage_the_bundle_that_one_machine_makes(store, tmp_path):
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
    for number, stage in enumerate(("ingest", "features", "train", "calibrate", "evaluate", "export"), 1):
        ended = machine(tmp_path / str(number), stage, "--run", run, *options)
        assert ended.returncode == 0, (stage, ended.stderr)
    kept = machine(tmp_path / "7", "run", "--run", run, *options)
    assert kept.stdout.count(" kept ") == 6, kept.stdout
    assert f"store   {run}" in kept.stdout
    shown = {"evaluate/report.json", "evaluate/report.html"}  # they show the configuration, data.source in it
    near, far = (folder_checksums(tmp_path / each / "runs/night") for each in ("0", "7"))
    unlike = {name for name in near.keys() | far.keys() if "/" in name and near.get(name) != far.get(name)}
    assert {name for name in unlike if not name.endswith("/DONE")} == shown
    assert "export/bundle/manifest.json" in near
    synced = machine(tmp_path / "8", "sync", "--run", run)
    assert (synced.returncode, "0 to send" in synced.stdout) == (0, True), synced.stderr


@pytest.mark.slow
def test_a_run_is_promoted_on_a_machine_that_never_saw_it(store, small_run, tmp_path):
    run = bundle_run(small_run, tmp_path / "one" / "night", note="from afar", journal=True)
    with held_in_store(run, store.uri, ["export"], reporter=SilentReporter()):
        assert (run / ".store").is_file()
    ended = machine(tmp_path / "two", "promote", "--run", f"{store.uri}/night")
    assert (ended.returncode, "version 1 is champion" in ended.stdout) == (0, True), ended.stderr
    assert not store.child("night/.claims").files()
