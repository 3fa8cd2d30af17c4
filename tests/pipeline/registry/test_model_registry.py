"""A bundle becomes a version in MLflow's registry, on sqlite and behind a server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from mlflow.tracking import MlflowClient

from pipeline.bundle.verify import verify_bundle
from pipeline.registry.ledger import read_ledger
from pipeline.registry.model_registry import opened_registry
from pipeline.registry.promotion import promote_run, rollback_champion
from pipeline.tracking.mlflow_store import store_uri
from tests.fixtures.registered import DEFAULTS, aliases, bundle_run, settings_of, versions

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_passed_bundle_becomes_champion_with_its_metrics_and_comes_back_whole(small_run, runs):
    run = bundle_run(small_run, runs / "a", note="a", journal=True)
    outcome = promote_run(run, DEFAULTS)
    assert (outcome.version, outcome.before, outcome.champion) == ("1", None, "1")
    assert aliases(runs) == {"champion": "1", "challenger": "1"}
    client = MlflowClient(store_uri(DEFAULTS.tracking, runs=runs))
    model = client.get_logged_model(client.get_model_version("harbor-fraud", "1").tags["harbor.model"])
    assert {"average_precision", "ece"} <= {metric.key for metric in model.metrics}
    assert client.get_run(model.source_run_id).data.tags["harbor.gate"] in ("passed", "refused")
    with opened_registry(DEFAULTS.tracking, name="harbor-fraud", runs=runs) as registry:
        registry.fetch_bundle(registry.aliased()["champion"], runs / "fetched")
    verify_bundle(runs / "fetched")
    assert {path.name for path in runs.iterdir()} == {
        *("a", "fetched", "mlflow.db", "mlflow.lock", "mlartifacts", "promotions.jsonl", "promotions.lock"),
    }


def test_a_half_made_version_is_finished_and_not_made_again(small_run, runs, monkeypatch):
    run = bundle_run(small_run, runs / "a", note="a")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", killed)
        with pytest.raises(KeyboardInterrupt):
            promote_run(run, DEFAULTS)
    assert promote_run(run, DEFAULTS).champion == "1"
    client = MlflowClient(store_uri(DEFAULTS.tracking, runs=runs))
    experiment = client.get_experiment_by_name("harbor").experiment_id
    assert len(client.search_logged_models([experiment])) == len(versions(runs)) == 1


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
