"""The journal reaches MLflow once, in order, whatever the store does."""

import threading
import time

import pytest
from mlflow.tracking import MlflowClient

from pipeline.sections import TrackingConfig
from pipeline.tracking.acknowledged import ACKNOWLEDGED, waiting_records
from pipeline.tracking.journal import Journal
from pipeline.tracking.replay import replay
from tests.fixtures.mlflow_runs import runs_of

pytestmark = pytest.mark.filterwarnings("ignore")


def test_sending_everything_twice_makes_nothing_twice(sqlite_runs, written):
    replay(written, TrackingConfig())
    (written / ACKNOWLEDGED).unlink()
    replay(written, TrackingConfig())
    client, runs, count = runs_of(sqlite_runs, written.name)
    child = runs[f"{written.name}-key/train"]
    assert count == 2
    history = client.get_metric_history(child.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]
    assert len(runs[f"{written.name}-key"].inputs.dataset_inputs) == 1


def test_a_store_that_is_down_keeps_every_record_for_later(sqlite_runs, written):
    broken = TrackingConfig(uri="http://127.0.0.1:9", timeout=1)
    outcome = replay(written, broken)
    assert (outcome.sent, outcome.pending) == (0, 9)
    assert outcome.problem is not None
    assert replay(written, TrackingConfig()).sent == 9


@pytest.mark.parametrize("call", ["create_run", "log_batch", "update_run", "set_terminated", "log_inputs"])
def test_a_reply_that_is_lost_makes_no_second_run_and_no_second_point(sqlite_runs, written, monkeypatch, call):
    true = getattr(MlflowClient, call)
    lost = []

    def without_reply(*arguments, **options):
        answer = true(*arguments, **options)
        if len(lost) < 2:
            lost.append(call)
            raise ConnectionResetError("the connection was closed before the answer")
        return answer

    monkeypatch.setattr(MlflowClient, call, without_reply)
    outcomes = [replay(written, TrackingConfig()) for _ in range(3)]
    monkeypatch.undo()
    client, runs, count = runs_of(sqlite_runs, written.name)
    assert outcomes[-1].pending == 0
    assert sum(outcome.sent for outcome in outcomes) == 9
    assert count == 2
    assert len(client.get_metric_history(runs[f"{written.name}-key/train"].info.run_id, "loss")) == 2


def test_a_store_that_was_replaced_gets_the_whole_journal(sqlite_runs, written):
    replay(written, TrackingConfig())
    client, runs, _ = runs_of(sqlite_runs, written.name)
    text = (written / ACKNOWLEDGED).read_text()
    for run in runs.values():
        client.delete_run(run.info.run_id)
        text = text.replace(run.info.run_id, "0" * 32)
    (written / ACKNOWLEDGED).write_text(text)
    Journal(written / "journal.jsonl").append("tags", f"{written.name}-key", {"values": {"more": "yes"}})
    outcome = replay(written, TrackingConfig())
    assert (outcome.sent, outcome.pending) == (10, 0)
    assert runs_of(sqlite_runs, written.name)[2] == 2


def test_two_replays_at_once_make_each_run_once(sqlite_runs, written, monkeypatch):
    true = MlflowClient.create_run

    def slow(*arguments, **options):
        time.sleep(0.2)
        return true(*arguments, **options)

    monkeypatch.setattr(MlflowClient, "create_run", slow)
    threads = [threading.Thread(target=replay, args=(written, TrackingConfig())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting_records(written, TrackingConfig()) == 0
    assert runs_of(sqlite_runs, written.name)[2] == 2
