"""A bundle becomes a version, what is in production changes hands once at a time, and the ledger remembers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from filelock import FileLock
from mlflow.tracking import MlflowClient

from features.times import time_microseconds
from pipeline.bundle.verify import verify_bundle
from pipeline.registry.ledger import Promotion, append_promotions, in_production, read_ledger, tenures
from pipeline.registry.model_registry import opened_registry
from pipeline.registry.promotion import promote_run, rollback_champion
from pipeline.storage.locks import LockedError
from pipeline.tracking.mlflow_store import store_uri
from tests.fixtures.registered import bundle_run, empty_store, settings_of

pytestmark = pytest.mark.filterwarnings("ignore")
CONFIG = settings_of()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return empty_store(tmp_path_factory.mktemp("template"))


@pytest.fixture
def runs(tmp_path, template):
    shutil.copy(template / "mlflow.db", tmp_path)
    return tmp_path


def aliases(runs, config=CONFIG):
    with opened_registry(config.tracking, name="harbor-fraud", runs=runs) as registry:
        return {alias: version.number for alias, version in registry.aliased().items()}


def versions(runs):
    return MlflowClient(store_uri(CONFIG.tracking, runs=runs)).search_model_versions("name = 'harbor-fraud'")


def test_a_passed_bundle_becomes_champion_with_its_metrics_and_comes_back_whole(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a", journal=True)
    outcome = promote_run(run, CONFIG)
    assert (outcome.version, outcome.before, outcome.champion) == ("1", None, "1")
    assert aliases(runs) == {"champion": "1", "challenger": "1"}
    client = MlflowClient(store_uri(CONFIG.tracking, runs=runs))
    model = client.get_logged_model(client.get_model_version("harbor-fraud", "1").tags["harbor.model"])
    assert {"average_precision", "ece"} <= {metric.key for metric in model.metrics}
    assert client.get_run(model.source_run_id).data.tags["harbor.gate"] in ("passed", "refused")
    with opened_registry(CONFIG.tracking, name="harbor-fraud", runs=runs) as registry:
        registry.fetch_bundle(registry.aliased()["champion"], runs / "fetched")
    verify_bundle(runs / "fetched")
    assert {path.name for path in runs.iterdir()} == {
        *("a", "fetched", "mlflow.db", "mlflow.lock", "mlartifacts", "promotions.jsonl", "promotions.lock"),
    }


def test_promoting_a_bundle_again_makes_no_second_version_and_no_second_line(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    promote_run(run, CONFIG)
    again = promote_run(run, CONFIG)
    assert (again.champion, again.remark) == ("1", "it was champion already")
    assert len(versions(runs)) == len(read_ledger(runs / "promotions.jsonl")) == 1


def test_a_refused_bundle_is_registered_as_challenger_and_changes_nothing_in_production(small_run, runs):
    promote_run(bundle_run(small_run, runs / "a", note="a"), CONFIG)
    refused = bundle_run(small_run, runs / "b", note="b", passed=False)
    for _ in range(2):
        outcome = promote_run(refused, CONFIG)
        assert (outcome.version, outcome.champion) == ("2", "1")
    assert aliases(runs) == {"champion": "1", "challenger": "2"}
    assert [line.action for line in read_ledger(runs / "promotions.jsonl")] == ["promote", "refuse"]


def test_the_old_champion_stays_previous_and_a_rollback_brings_it_back_once(small_run, runs):
    for name in "ab":
        promote_run(bundle_run(small_run, runs / name, note=name), CONFIG)
    assert aliases(runs) == {"champion": "2", "previous": "1", "challenger": "2"}
    outcome = rollback_champion(CONFIG, runs=runs)
    assert (outcome.version, outcome.before) == ("1", "2")
    assert aliases(runs) == {"champion": "1", "challenger": "2"}
    with pytest.raises(ValueError, match="must have a previous version to go back to"):
        rollback_champion(CONFIG, runs=runs)
    lines = read_ledger(runs / "promotions.jsonl")
    assert [(line.action, line.before, line.after) for line in lines] == [
        ("promote", None, "1"),
        ("promote", "1", "2"),
        ("rollback", "2", "1"),
    ]
    assert [each.version for each in tenures(lines)] == ["1", "2", "1"]


def test_a_champion_that_other_hands_chose_is_found_and_written_down(small_run, runs):
    for name in "ab":
        promote_run(bundle_run(small_run, runs / name, note=name), CONFIG)
    MlflowClient(store_uri(CONFIG.tracking, runs=runs)).set_registered_model_alias("harbor-fraud", "champion", "1")
    outcome = promote_run(bundle_run(small_run, runs / "c", note="c"), CONFIG)
    assert (outcome.before, outcome.champion) == ("1", "3")
    lines = read_ledger(runs / "promotions.jsonl")
    assert [(line.action, line.before, line.after) for line in lines[2:]] == [
        ("found", "2", "1"),
        ("promote", "1", "3"),
    ]


def test_a_ledger_that_was_lost_is_restored_from_the_registry(small_run, runs):
    promote_run(bundle_run(small_run, runs / "a", note="a"), CONFIG)
    before = read_ledger(runs / "promotions.jsonl")
    (runs / "promotions.jsonl").unlink()
    promote_run(runs / "a", CONFIG)
    assert read_ledger(runs / "promotions.jsonl") == before


def test_a_promotion_that_was_overtaken_loses_and_changes_nothing(small_run, runs):
    began = time.time_ns() // 1000
    promote_run(bundle_run(small_run, runs / "a", note="a"), CONFIG)
    with pytest.raises(LockedError, match="made version 1 champion while this one was promoting version 2"):
        promote_run(bundle_run(small_run, runs / "b", note="b"), CONFIG, began=began)
    assert aliases(runs)["champion"] == "1"


def test_of_two_promotions_at_once_exactly_one_wins(small_run, runs):
    folders = [bundle_run(small_run, runs / name, note=name) for name in "ab"]
    together = Barrier(2)

    def attempt(run):
        began = time.time_ns() // 1000
        together.wait()
        try:
            return promote_run(run, CONFIG, began=began)
        except LockedError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(attempt, folders))
    assert sorted(isinstance(each, LockedError) for each in outcomes) == [False, True]
    assert len(tenures(read_ledger(runs / "promotions.jsonl"))) == 1


def test_a_job_that_finds_the_desk_taken_leaves_at_once(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    with FileLock(runs / "promotions.lock"), pytest.raises(LockedError, match="another job is promoting"):
        promote_run(run, CONFIG)
    assert versions(runs) == []


def test_a_half_made_version_is_finished_and_not_made_again(small_run, runs, monkeypatch):
    run = bundle_run(small_run, runs / "a", note="a")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            promote_run(run, CONFIG)
    assert promote_run(run, CONFIG).champion == "1"
    client = MlflowClient(store_uri(CONFIG.tracking, runs=runs))
    experiment = client.get_experiment_by_name("harbor").experiment_id
    assert len(client.search_logged_models([experiment])) == len(versions(runs)) == 1


def test_only_a_finished_and_whole_bundle_can_be_promoted(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a")
    (run / "export" / "bundle" / "booster.ubj").write_bytes(b"another")
    with pytest.raises(ValueError, match=r"booster\.ubj"):
        promote_run(run, CONFIG)
    (run / "export" / "DONE").unlink()
    with pytest.raises(ValueError, match="must hold a finished export"):
        promote_run(run, CONFIG)
    with pytest.raises(ValueError, match=r"tracking\.enabled must be true"):
        promote_run(bundle_run(small_run, runs / "b", note="b"), settings_of("tracking.enabled=false"))
    assert versions(runs) == []


def test_a_rollback_without_a_store_is_refused_and_makes_none(tmp_path):
    with pytest.raises(ValueError, match="must be a registry beside the runs"):
        rollback_champion(CONFIG, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def line(sequence, time, before, after, action="promote"):
    version = str(after or before)
    return Promotion(sequence, time_microseconds(time), action, "m", version, f"sha-{version}", before, after, "harbor")


def test_the_ledger_tells_what_was_in_production_on_a_day_and_at_a_moment(tmp_path):
    path = tmp_path / "promotions.jsonl"
    append_promotions(path, [line(1, "2024-05-01T06:00:00Z", None, "1"), line(2, "2024-05-02T12:00:00Z", "1", "2")])
    append_promotions(path, [line(3, "2024-05-03T00:00:00Z", "2", "2", "refuse"), line(4, "2024-05-04", "2", None)])
    told = {
        moment: [each.version for each in in_production(path, moment, model="m")]
        for moment in ("2024-04-30", "2024-05-01", "2024-05-02", "2024-05-02T12:00:00Z", "2024-05-03", "2024-05-05")
    }
    assert list(told.values()) == [[], ["1"], ["1", "2"], ["2"], ["2"], []]
    assert in_production(path, "2024-05-03", model="m")[0].manifest == "sha-2"
    assert in_production(path, "2024-05-03", model="another") == []


def test_a_ledger_line_cut_short_by_a_kill_is_left_out_and_overwritten(tmp_path):
    path = tmp_path / "promotions.jsonl"
    append_promotions(path, [line(1, "2024-05-01", None, "1")])
    with path.open("ab") as stream:
        stream.write(b'{"sequence": 2, "ti')
    assert len(read_ledger(path)) == 1
    append_promotions(path, [line(2, "2024-05-02", "1", "2")])
    assert [each.sequence for each in read_ledger(path)] == [1, 2]
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="must hold one promotion a line"):
        read_ledger(path)


@pytest.fixture(scope="module")
def server(tmp_path_factory, template):
    """A real MLflow server on the loopback address."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(template / "mlflow.db", folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@pytest.mark.slow
def test_behind_a_server_two_processes_cannot_both_win_and_machines_share_one_ledger(small_run, tmp_path, server):
    """Each process works in a folder of its own, as on two machines: only the server is shared."""
    config = settings_of(f"tracking.uri='{server}'", "tracking.timeout=60")
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        run = bundle_run(small_run, folder / "run", note=folder.name)
        settings = json.loads((run / "config.json").read_text())
        settings["config"]["tracking"] = config.tracking.model_dump()
        (run / "config.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pipeline.cli", "promote", "--run"]
    jobs = [
        subprocess.Popen([*command, str(folder / "run")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for folder in folders
    ]
    said = [job.communicate(timeout=300)[1].decode() for job in jobs]
    assert sorted(job.returncode for job in jobs) == [0, 4], said
    assert "another job" in "".join(said)
    loser = folders[[job.returncode for job in jobs].index(4)]
    second = promote_run(loser / "run", config)
    assert second.champion == second.version
    assert aliases(loser, config)["previous"] == second.before
    assert [each.action for each in read_ledger(loser / "promotions.jsonl")] == ["promote", "promote"]
    assert rollback_champion(config, runs=loser).version == second.before
    with opened_registry(config.tracking, name="harbor-fraud", runs=loser) as registry:
        registry.fetch_bundle(registry.aliased()["champion"], tmp_path / "fetched")
        assert registry.claim("one")
        assert not registry.claim("two")
        registry.release("one")
    assert verify_bundle(tmp_path / "fetched").rows >= 50
