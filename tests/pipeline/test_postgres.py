"""MLflow on a real PostgreSQL: everything arrives once, whoever comes first, and one that is down costs nothing."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.config import load_config
from pipeline.journal import Journal
from tests.conftest import SMALL
from tests.pipeline.databases import PASSWORD, postgres

REPOSITORY = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def server():
    with postgres() as running:
        yield running


@pytest.fixture
def database(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


OPENED = """
import sys
from pipeline.tracking import opened_store
print(opened_store(sys.argv[1], "harbor")[1])
"""


def test_machines_that_open_a_fresh_database_at_once_all_get_the_one_experiment(database, tmp_path):
    processes = []
    for number in range(3):
        own = tmp_path / str(number)  # MLflow's own lock lies in the temporary folder, which machines do not share
        own.mkdir()
        variables = {**os.environ, "TMPDIR": str(own)}
        line = [sys.executable, "-c", OPENED, database.uri]
        processes.append(subprocess.Popen(line, cwd=REPOSITORY, env=variables, stdout=subprocess.PIPE, text=True))
    said = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(said)) == 1


def harbor(folder, uri, *arguments):
    given = [part for each in (*SMALL, f"tracking.uri='{uri}'") for part in ("--set", each)]
    line = [sys.executable, "-m", "pipeline.cli", *arguments, *(given if arguments[0] == "run" else [])]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(line, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def arrived(uri):
    """Runs of the store by their key, and every point of their metrics by key, name and step."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("harbor")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    points = Counter(
        (run.data.tags["harbor.key"], name, point.step, point.value)
        for run in runs
        for name in run.data.metrics
        for point in client.get_metric_history(run.info.run_id, name)
    )
    return [run.data.tags["harbor.key"] for run in runs], points


def journaled(run):
    return {record.key for record in Journal(run / "journal.jsonl").records()}


def test_a_run_is_logged_once_and_a_database_that_is_down_costs_no_record(database, tmp_path):
    run, options = tmp_path / "runs" / "night", ("--config", "smoke.toml", "--run", "runs/night")
    first = harbor(tmp_path, database.uri, "run", *options)
    assert first.returncode in (0, 3), first.stderr
    keys, points = arrived(database.uri)
    assert sorted(keys) == sorted(journaled(run))
    assert set(points.values()) == {1}
    assert list((tmp_path / "runs" / "mlartifacts").rglob("report.html"))
    database.stop()
    try:
        down = harbor(tmp_path, database.uri, "run", *options, "--set", "gate.min_frauds=11")
    finally:
        database.start()
    assert down.returncode in (0, 3), down.stderr
    assert "records wait in the journal; `harbor sync --run" in down.stdout
    sent = harbor(tmp_path, database.uri, "sync", "--run", "runs/night")
    assert sent.returncode == 0, sent.stderr
    assert " 0 to send" in sent.stdout
    keys, points = arrived(database.uri)
    assert sorted(keys) == sorted(journaled(run))
    assert set(points.values()) == {1}
    said = "".join(each.stdout + each.stderr for each in (first, down, sent))
    texts = [path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()]
    assert not [text for text in (said, *texts) if PASSWORD in text]
    assert json.loads((run / "config.json").read_text())["config"]["tracking"]["uri"] == database.uri


@pytest.mark.parametrize("uri", ["postgresql://ann:s3cr3t@db/mlflow", "postgresql://ann@db/mlflow?password=s3cr3t"])
def test_a_password_in_a_databases_address_is_refused_and_never_repeated(uri):
    with pytest.raises(ValueError, match="PGPASSWORD") as caught:
        load_config(None, assignments=[f"tracking.uri='{uri}'"], environment={})
    assert "s3cr3t" not in str(caught.value)
