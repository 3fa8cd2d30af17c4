"""A real MLflow server behind a proxy that misbehaves: no record lost, none twice, no stage held up.

`pytest -m slow tests/pipeline/tracking/test_faults.py` prints a table: fault, how often, records, those not yet sent
when the run ended, lost in the end, held twice, seconds the slowest stage waited, seconds all of them did.
"""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from pipeline.process.reporter import SilentReporter
from pipeline.sections import TrackingConfig
from pipeline.storage.atomic import TEMPORARY
from pipeline.tracking.acknowledged import waiting_records
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Journal
from pipeline.tracking.replay import replay
from pipeline.tracking.stage_log import StageLog
from tests.oracles.fault_proxy import FAULTS, FaultProxy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

STAGES = ("ingest", "features", "train", "calibrate", "evaluate", "refit", "export")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Port of an MLflow server with a sqlite store, artifacts served over HTTP."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/kept"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, "env": environment}
    process = subprocess.Popen([*command, "--workers", "1"], start_new_session=True, **quiet)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield port
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait_for(url):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


def recorded_stages(run):
    """Writes a run's journal stage by stage, as a pipeline would; yields after each stage."""
    log = StageLog(Journal(run / "journal.jsonl"), f"{run.name}-key", parent=None)
    log.open(run.name)
    log.tags({"harbor.level": "run"})
    log.params({"preset": "harbor", "seed": 7})
    for stage in STAGES:
        child = log.child(stage, name=stage)
        child.tags({"harbor.outcome": "run"})
        if stage == "ingest":
            child.dataset("harbor", digest="0123456789abcdef" * 4, rows=40_000, context="training")
        if stage == "train":
            for epoch in range(3):
                child.metrics({"loss": 1 / (1 + epoch)}, step=epoch)
            for smoothing in (0.0, 0.1):
                setting = child.child(f"{smoothing}", name=f"ε {smoothing}")
                setting.params({"smoothing": smoothing})
                setting.metrics({"valid_ece_raw": smoothing / 2, "valid_roc_auc": 0.9})
                setting.close("FINISHED")
        (run / stage).mkdir()
        (run / stage / "report.json").write_text(f'{{"stage": "{stage}"}}')
        child.artifact(f"{stage}/report.json")
        child.metrics({"duration_seconds": 1.5})
        child.close("FINISHED")
        yield stage
    log.metrics({"average_precision": 0.3})
    log.close("FINISHED")


def lost_and_twice(run, client, experiment, folder):
    """Records of the journal that the store does not hold, and what it holds twice."""
    found = client.search_runs([experiment], f"tags.`harbor.key` LIKE '{run.name}-key%'", ViewType.ACTIVE_ONLY, 1000)
    by_key = {each.data.tags["harbor.key"]: each for each in found}
    twice = len(found) - len(by_key)
    lost = []
    points = Counter()
    for record in Journal(run / "journal.jsonl").records():
        held = by_key.get(record.key)
        if held is None or not _holds(client, held, record, folder):
            lost.append(record)
        elif record.kind == "metrics":
            points.update((held.info.run_id, name) for name in record.content["values"])
    for (run_id, name), count in points.items():
        twice += max(0, len(client.get_metric_history(run_id, name)) - count)
    return lost, twice + sum(max(0, len(each.inputs.dataset_inputs) - 1) for each in found)


def _holds(client, held, record, folder):
    content = record.content
    if record.kind == "open":
        return held.info.run_name == content["name"]
    if record.kind == "close":
        return held.info.status == content["status"] and held.info.end_time == record.time_ms
    if record.kind == "artifact":
        name = content["path"].rpartition("/")[2]
        try:
            path = client.download_artifacts(held.info.run_id, name, str(folder))
        except MlflowException:
            print("no such artifact", content, [each.path for each in client.list_artifacts(held.info.run_id)])
            return False
        return content["path"].partition("/")[0] in Path(path).read_text()
    if record.kind == "dataset":
        return held.inputs.dataset_inputs[0].dataset.digest == content["digest"][:36]
    if record.kind == "metrics":
        step = content["step"]
        return all(
            any(point.step == step and point.value == value for point in client.get_metric_history(held.info.run_id, n))
            for n, value in content["values"].items()
        )
    kept = held.data.params if record.kind == "params" else held.data.tags
    return all(kept.get(name) == value for name, value in content["values"].items())


def mixed(fault, share, seed):
    """Every request goes wrong with a probability, so that each fault meets each kind of request sooner or later."""
    dice = random.Random(seed)
    return lambda: fault if dice.random() < share else "pass"


@pytest.mark.parametrize("share", [0.15, 1.0], ids=["sometimes", "always"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_misbehaving_server_loses_nothing_and_holds_nobody_up(server, tmp_path, fault, share, capsys):
    run = tmp_path / f"{fault}-{share:g}"
    run.mkdir()
    broken = {"now": True}
    chance = mixed(fault, share, 5)
    with FaultProxy(server, lambda: chance() if broken["now"] else "pass") as proxy:
        config = TrackingConfig(uri=proxy.uri, timeout=1, patience=6.0)
        delivery = Delivery(run, config, reporter=SilentReporter())
        waits = []
        for _ in recorded_stages(run):
            began = time.monotonic()
            delivery.before_stage()
            delivery.after_stage()
            waits.append(time.monotonic() - began)
        began = time.monotonic()
        delivery.at_end()
        waits.append(time.monotonic() - began)
        behind = waiting_records(run, config)
        for _ in range(200):
            if not replay(run, config, deadline=time.monotonic() + 10).pending:
                break
            broken["now"] = share < 1
        broken["now"] = False
        assert replay(run, config).problem is None
    client = MlflowClient(f"http://127.0.0.1:{server}")
    experiment = client.get_experiment_by_name("harbor").experiment_id
    lost, twice = lost_and_twice(run, client, experiment, tmp_path)
    records = sum(1 for _ in Journal(run / "journal.jsonl").records())
    with capsys.disabled():
        print(
            f"\n| {fault} | {'always' if share == 1 else f'{share:.0%} of requests'} | {records} | {behind} "
            f"| {len(lost)} | {twice} | {max(waits):.1f} | {sum(waits):.1f} |",
            end="",
        )
    assert (lost, twice) == ([], 0)
    assert max(waits) <= config.patience + 2.5


def test_a_stage_that_is_tried_again_reopens_its_own_run(server, tmp_path):
    run = tmp_path / "again"
    run.mkdir()
    config = TrackingConfig(uri=f"http://127.0.0.1:{server}")
    log = StageLog(Journal(run / "journal.jsonl"), "again-key", parent=None)
    for status in ("FAILED", "FINISHED"):
        log.open("again")
        child = log.child("train", name="train")
        child.close(status)
        log.close(status)
        assert replay(run, config).pending == 0
    client = MlflowClient(config.uri)
    experiment = client.get_experiment_by_name("harbor").experiment_id
    found = client.search_runs([experiment], "tags.`harbor.key` LIKE 'again-key%'")
    assert [each.info.status for each in found] == ["FINISHED", "FINISHED"]


def test_an_artifact_of_a_stage_still_at_work_is_sent_from_where_it_stands(server, tmp_path):
    run = tmp_path / "early"
    (run / f"{TEMPORARY}train").mkdir(parents=True)
    (run / f"{TEMPORARY}train" / "report.json").write_text("{}")
    config = TrackingConfig(uri=f"http://127.0.0.1:{server}")
    log = StageLog(Journal(run / "journal.jsonl"), "early-key", parent=None)
    log.open("early")
    log.artifact("train/report.json")
    assert replay(run, config).pending == 0
    client = MlflowClient(config.uri)
    experiment = client.get_experiment_by_name("harbor").experiment_id
    (found,) = client.search_runs([experiment], "tags.`harbor.key` = 'early-key'")
    assert [item.path for item in client.list_artifacts(found.info.run_id)] == ["report.json"]
