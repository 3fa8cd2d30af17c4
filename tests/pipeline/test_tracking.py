"""The journal reaches MLflow once, in order, whatever the store does."""

import pytest
from mlflow.tracking import MlflowClient

from pipeline.journal import Journal
from pipeline.stage import StageLog
from pipeline.tracking import ACKNOWLEDGED, TrackingConfig, replay, store_uri

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One sqlite store for the module: making one costs seconds."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def written(store, request):
    run = store / request.node.name
    run.mkdir()
    (run / "evaluate").mkdir()
    (run / "evaluate" / "report.html").write_text("<p>report</p>")
    log = StageLog(Journal(run / "journal.jsonl"), f"{request.node.name}-key", parent=None)
    log.open(run.name)
    child = log.child("train", name="train")
    child.params({"epochs": 3})
    child.metrics({"loss": 0.5, "empty": None}, step=1)
    child.metrics({"loss": 0.25}, step=2)
    child.close("FINISHED")
    log.artifact("evaluate/report.html", folder="evaluate")
    log.dataset("transactions", digest="0123456789abcdef", source="handbook", context="ingest")
    log.close("FINISHED")
    return run


def runs_of(store, name):
    client = MlflowClient(store_uri(TrackingConfig(), runs=store))
    experiment = client.get_experiment_by_name("harbor")
    found = client.search_runs([experiment.experiment_id], max_results=1000)
    return client, {run.data.tags["harbor.key"]: run for run in found if run.data.tags["harbor.key"].startswith(name)}


def test_every_record_arrives_under_its_own_run(store, written):
    outcome = replay(written, TrackingConfig())
    client, runs = runs_of(store, written.name)
    child = runs[f"{written.name}-key/train"]
    parent = runs[f"{written.name}-key"]
    assert outcome.pending == 0
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (child.data.metrics, child.data.params) == ({"loss": 0.25}, {"epochs": "3"})
    assert [run.info.status for run in runs.values()] == ["FINISHED", "FINISHED"]
    assert [item.path for item in client.list_artifacts(parent.info.run_id, "evaluate")] == ["evaluate/report.html"]
    assert parent.inputs.dataset_inputs[0].dataset.digest == "0123456789abcdef"


def test_sending_everything_twice_makes_nothing_twice(store, written):
    replay(written, TrackingConfig())
    (written / ACKNOWLEDGED).unlink()
    replay(written, TrackingConfig())
    client, runs = runs_of(store, written.name)
    assert len(runs) == 2
    history = client.get_metric_history(runs[f"{written.name}-key/train"].info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]


def test_a_store_that_is_down_keeps_every_record_for_later(store, written):
    broken = TrackingConfig(uri="http://127.0.0.1:9", timeout=1)
    outcome = replay(written, broken)
    assert outcome.sent == 0
    assert outcome.pending == 9
    assert outcome.problem is not None
    assert replay(written, TrackingConfig()).sent == 9
