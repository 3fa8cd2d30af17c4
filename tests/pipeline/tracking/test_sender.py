"""Every kind of record becomes what MLflow knows it as."""

import pytest
from mlflow.tracking import MlflowClient

from pipeline.sections import TrackingConfig
from pipeline.tracking.journal import Journal
from pipeline.tracking.replay import replay
from tests.fixtures.mlflow_runs import runs_of

pytestmark = pytest.mark.filterwarnings("ignore")


def test_every_record_arrives_under_its_own_run(sqlite_runs, written):
    outcome = replay(written, TrackingConfig())
    client, runs, _ = runs_of(sqlite_runs, written.name)
    child = runs[f"{written.name}-key/train"]
    parent = runs[f"{written.name}-key"]
    assert (outcome.sent, outcome.pending, outcome.refused, outcome.problem) == (9, 0, 0, None)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (child.data.metrics, child.data.params) == ({"loss": 0.25}, {"epochs": "3"})
    assert [run.info.status for run in runs.values()] == ["FINISHED", "FINISHED"]
    assert [item.path for item in client.list_artifacts(parent.info.run_id, "evaluate")] == ["evaluate/report.html"]
    assert parent.inputs.dataset_inputs[0].dataset.digest == ("0123456789abcdef" * 4)[:36]


def test_a_parameter_that_came_out_otherwise_later_is_kept_as_a_tag(sqlite_runs, written):
    journal = Journal(written / "journal.jsonl")
    journal.append("params", f"{written.name}-key/train", {"values": {"epochs": "4", "fresh": "1"}})
    outcome = replay(written, TrackingConfig())
    _, runs, _ = runs_of(sqlite_runs, written.name)
    child = runs[f"{written.name}-key/train"]
    assert (outcome.pending, outcome.refused) == (0, 0)
    assert child.data.params == {"epochs": "3", "fresh": "1"}
    assert child.data.tags["harbor.now.epochs"] == "4"


def test_a_record_the_store_will_never_take_is_told_and_does_not_block_the_rest(sqlite_runs, written):
    journal = Journal(written / "journal.jsonl")
    journal.append("metrics", f"{written.name}-key", {"values": {"no=metric?": 2.0}})
    journal.append("metrics", f"{written.name}-key", {"values": {"fine": 1.0}, "step": 3})
    journal.append("tags", "nobody", {"values": {"a": "b"}})
    journal.append("tags", f"{written.name}-key", {"values": {"last": "yes"}})
    outcome = replay(written, TrackingConfig())
    _, runs, _ = runs_of(sqlite_runs, written.name)
    assert outcome.pending == 0
    assert outcome.refused == 1
    assert "refused for good" in outcome.problem
    assert runs[f"{written.name}-key"].data.metrics["no_metric_"] == 2.0
    assert runs[f"{written.name}-key"].data.tags["last"] == "yes"


def test_a_run_made_after_its_client_gave_up_is_folded_into_the_one_in_use(sqlite_runs, written, monkeypatch):
    true, late = MlflowClient.create_run, []

    def delayed(*arguments, **options):
        if not late:
            late.append((arguments, options))
            raise TimeoutError
        return true(*arguments, **options)

    monkeypatch.setattr(MlflowClient, "create_run", delayed)
    assert replay(written, TrackingConfig()).pending == 9
    monkeypatch.setattr(MlflowClient, "log_inputs", lambda *_: true(*late[0][0], **late[0][1]))
    assert replay(written, TrackingConfig()).pending == 0
    _, runs, count = runs_of(sqlite_runs, written.name)
    assert count == 2
    assert runs[f"{written.name}-key"].info.status == "FINISHED"
