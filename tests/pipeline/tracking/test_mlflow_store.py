"""The store: where it is, and that it is opened by one job at a time."""

import os

import pytest
from filelock import FileLock
from mlflow.tracking import MlflowClient

from pipeline.sections import TrackingConfig
from pipeline.storage.locks import LockedError
from pipeline.tracking import mlflow_store
from pipeline.tracking.mlflow_store import (
    default_store,
    is_database,
    opened_alone,
    opened_store,
    sqlite_file,
    store_uri,
)

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_store_lies_beside_the_runs_unless_another_is_named(tmp_path):
    assert sqlite_file(store_uri(TrackingConfig(), runs=tmp_path)) == tmp_path / "mlflow.db"
    assert store_uri(TrackingConfig(uri="http://host"), runs=tmp_path) == "http://host"
    assert sqlite_file("http://host") is None


@pytest.mark.parametrize(
    ("uri", "database"),
    [
        ("sqlite:///x.db", True),
        ("postgresql://host/db", True),
        ("postgresql+psycopg://host/db", True),
        ("http://host", False),
        ("databricks", False),
    ],
)
def test_a_database_is_told_from_a_server(uri, database):
    assert is_database(uri) is database


def test_who_cannot_open_a_sqlite_store_in_time_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_store, "LOCK_SECONDS", 0.1)
    uri = store_uri(TrackingConfig(), runs=tmp_path)
    with FileLock(tmp_path / "mlflow.lock"):
        with pytest.raises(LockedError, match=r"another job holds the store .*mlflow\.db"), opened_alone(uri):
            pass
        with opened_alone("http://host"):
            pass


def test_an_experiment_is_made_once_with_its_artifacts_beside_the_store(sqlite_runs):
    uri = store_uri(TrackingConfig(), runs=sqlite_runs)
    client, made = opened_store(uri, "nightly")
    assert opened_store(uri, "nightly")[1] == made
    assert client.get_experiment(made).artifact_location == (sqlite_runs / "mlartifacts").as_uri()


def test_an_experiment_that_another_job_made_first_is_taken(sqlite_runs, monkeypatch):
    uri = store_uri(TrackingConfig(), runs=sqlite_runs)
    true, made = MlflowClient.get_experiment_by_name, opened_store(uri, "raced")[1]
    answers = iter([None])
    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", lambda *given: next(answers, true(*given)))
    assert opened_store(uri, "raced")[1] == made


@pytest.mark.parametrize("before", [None, "http://before"])
def test_the_default_store_is_put_back(monkeypatch, before):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if before is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", before)
    with default_store("http://inside"):
        assert os.environ["MLFLOW_TRACKING_URI"] == "http://inside"
    assert os.environ.get("MLFLOW_TRACKING_URI") == before
