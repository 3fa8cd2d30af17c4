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
from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages, send_journal
from pipeline.runs.settings import RunSettings
from pipeline.storage.done import read_done
from pipeline.tracking.journal import Journal
from tests.conftest import SMALL
from tests.fixtures.databases import PASSWORD, postgres
from tests.fixtures.two_stages import STAGES

REPOSITORY = Path(__file__).parents[3]
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
from pathlib import Path
from pipeline.tracking.mlflow_store import opened_store
print(opened_store(sys.argv[1], "harbor", runs=Path(sys.argv[2]))[1])
"""


def test_machines_that_open_a_fresh_database_at_once_all_get_the_one_experiment(database, tmp_path):
    processes = []
    for number in range(3):
        own = tmp_path / str(number)  # MLflow's own lock lies in the temporary folder, which machines do not share
        own.mkdir()
        variables = {**os.environ, "TMPDIR": str(own)}
        line = [sys.executable, "-c", OPENED, database.uri, str(tmp_path)]
        processes.append(subprocess.Popen(line, cwd=REPOSITORY, env=variables, stdout=subprocess.PIPE, text=True))
    said = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(set(said)) == 1


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


class Listening(SilentReporter):
    """A reporter that remembers warnings."""

    def __init__(self):
        self.warned = []

    def warn(self, text, **_):
        self.warned.append(text)


def brought(run, uri, *assignments):
    """What a run folder said when its stages were brought up to date."""
    config = load_config(
        None, assignments=(f"tracking.uri='{uri}'", "tracking.patience=60", *assignments), environment={}
    )
    reporter = Listening()
    run_stages(run, RunSettings(config, None), STAGES, force=None, reporter=reporter)
    return " ".join(reporter.warned)


def test_a_database_that_is_down_costs_no_run_and_no_record(database, tmp_path):
    run = tmp_path / "runs" / "night"
    assert brought(run, database.uri) == ""
    database.stop()
    try:
        assert "records wait in the journal; `harbor sync --run" in brought(run, database.uri, "data.rows=1001")
    finally:
        database.start()
    assert read_done(run / "features") is not None
    assert send_journal(run).pending == 0
    keys, points = arrived(database.uri)
    assert set(keys) >= journaled(run)
    assert len(set(keys)) == len(keys)
    assert set(points.values()) == {1}


def harbor(folder, uri, *arguments):
    given = [part for each in (*SMALL, f"tracking.uri='{uri}'", "tracking.patience=120") for part in ("--set", each)]
    line = [sys.executable, "-m", "pipeline.cli", *arguments, *given]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(line, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_a_whole_run_arrives_once_and_its_password_nowhere(database, tmp_path):
    run = tmp_path / "runs" / "whole"
    ended = harbor(tmp_path, database.uri, "run", "--config", "smoke.toml", "--run", "runs/whole")
    assert ended.returncode in (0, 3), ended.stderr
    assert "records wait" not in ended.stdout
    keys, points = arrived(database.uri)
    assert set(keys) >= journaled(run)
    assert len(set(keys)) == len(keys)
    assert set(points.values()) == {1}
    texts = [path.read_text(errors="replace") for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert not [text for text in (ended.stdout, ended.stderr, *texts) if PASSWORD in text]
    assert json.loads((run / "config.json").read_text())["config"]["tracking"]["uri"] == database.uri


@pytest.mark.parametrize("uri", ["postgresql://ann:s3cr3t@db/mlflow", "postgresql://ann@db/mlflow?password=s3cr3t"])
def test_a_password_in_a_databases_address_is_refused_and_never_repeated(uri):
    with pytest.raises(ValueError, match="PGPASSWORD") as caught:
        load_config(None, assignments=[f"tracking.uri='{uri}'"], environment={})
    assert "s3cr3t" not in str(caught.value)
