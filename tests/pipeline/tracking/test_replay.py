"""The journal reaches MLflow once, in order, whatever the store does."""

import itertools
import logging
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

from pipeline.config import load_config
from pipeline.sections import TrackingConfig
from pipeline.tracking.acknowledged import ACKNOWLEDGED, waiting_records
from pipeline.tracking.background import Delivery
from pipeline.tracking.journal import Journal
from pipeline.tracking.mlflow_store import bounded_requests, store_uri
from pipeline.tracking.replay import replay
from pipeline.tracking.stage_log import StageLog

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One sqlite store for the module: making one costs seconds."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def written(store, request):
    run = store / request.node.name.replace("[", "-").rstrip("]")
    run.mkdir()
    (run / "evaluate").mkdir()
    (run / "evaluate" / "report.html").write_text("<p>report</p>")
    log = StageLog(Journal(run / "journal.jsonl"), f"{run.name}-key", parent=None)
    log.open(run.name)
    child = log.child("train", name="train")
    child.params({"epochs": 3})
    child.metrics({"loss": 0.5, "empty": None}, step=1)
    child.metrics({"loss": 0.25}, step=2)
    child.close("FINISHED")
    log.artifact("evaluate/report.html", folder="evaluate")
    log.dataset("transactions", digest="0123456789abcdef" * 4, rows=12, context="training")
    log.close("FINISHED")
    return run


def runs_of(store, name):
    client = MlflowClient(store_uri(TrackingConfig(), runs=store))
    experiment = client.get_experiment_by_name("harbor")
    query = f"tags.`harbor.key` LIKE '{name}-key%'"
    found = client.search_runs([experiment.experiment_id], query, ViewType.ACTIVE_ONLY)
    return client, {run.data.tags["harbor.key"]: run for run in found}, len(found)


def test_every_record_arrives_under_its_own_run(store, written):
    outcome = replay(written, TrackingConfig())
    client, runs, _ = runs_of(store, written.name)
    child = runs[f"{written.name}-key/train"]
    parent = runs[f"{written.name}-key"]
    assert (outcome.sent, outcome.pending, outcome.refused, outcome.problem) == (9, 0, 0, None)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (child.data.metrics, child.data.params) == ({"loss": 0.25}, {"epochs": "3"})
    assert [run.info.status for run in runs.values()] == ["FINISHED", "FINISHED"]
    assert [item.path for item in client.list_artifacts(parent.info.run_id, "evaluate")] == ["evaluate/report.html"]
    assert parent.inputs.dataset_inputs[0].dataset.digest == ("0123456789abcdef" * 4)[:36]


def test_sending_everything_twice_makes_nothing_twice(store, written):
    replay(written, TrackingConfig())
    (written / ACKNOWLEDGED).unlink()
    replay(written, TrackingConfig())
    client, runs, count = runs_of(store, written.name)
    child = runs[f"{written.name}-key/train"]
    assert count == 2
    history = client.get_metric_history(child.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]
    assert len(runs[f"{written.name}-key"].inputs.dataset_inputs) == 1


def test_a_store_that_is_down_keeps_every_record_for_later(store, written):
    broken = TrackingConfig(uri="http://127.0.0.1:9", timeout=1)
    outcome = replay(written, broken)
    assert (outcome.sent, outcome.pending) == (0, 9)
    assert outcome.problem is not None
    assert replay(written, TrackingConfig()).sent == 9


@pytest.mark.parametrize("call", ["create_run", "log_batch", "update_run", "set_terminated", "log_inputs"])
def test_a_reply_that_is_lost_makes_no_second_run_and_no_second_point(store, written, monkeypatch, call):
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
    client, runs, count = runs_of(store, written.name)
    assert outcomes[-1].pending == 0
    assert sum(outcome.sent for outcome in outcomes) == 9
    assert count == 2
    assert len(client.get_metric_history(runs[f"{written.name}-key/train"].info.run_id, "loss")) == 2


def test_a_run_made_after_its_client_gave_up_is_folded_into_the_one_in_use(store, written, monkeypatch):
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
    _, runs, count = runs_of(store, written.name)
    assert count == 2
    assert runs[f"{written.name}-key"].info.status == "FINISHED"


def test_a_store_that_was_replaced_gets_the_whole_journal(store, written):
    replay(written, TrackingConfig())
    client, runs, _ = runs_of(store, written.name)
    text = (written / ACKNOWLEDGED).read_text()
    for run in runs.values():
        client.delete_run(run.info.run_id)
        text = text.replace(run.info.run_id, "0" * 32)
    (written / ACKNOWLEDGED).write_text(text)
    Journal(written / "journal.jsonl").append("tags", f"{written.name}-key", {"values": {"more": "yes"}})
    outcome = replay(written, TrackingConfig())
    assert (outcome.sent, outcome.pending) == (10, 0)
    assert runs_of(store, written.name)[2] == 2


def test_a_parameter_that_came_out_otherwise_later_is_kept_as_a_tag(store, written):
    journal = Journal(written / "journal.jsonl")
    journal.append("params", f"{written.name}-key/train", {"values": {"epochs": "4", "fresh": "1"}})
    outcome = replay(written, TrackingConfig())
    _, runs, _ = runs_of(store, written.name)
    child = runs[f"{written.name}-key/train"]
    assert (outcome.pending, outcome.refused) == (0, 0)
    assert child.data.params == {"epochs": "3", "fresh": "1"}
    assert child.data.tags["harbor.now.epochs"] == "4"


def test_a_record_the_store_will_never_take_is_told_and_does_not_block_the_rest(store, written):
    journal = Journal(written / "journal.jsonl")
    journal.append("metrics", f"{written.name}-key", {"values": {"no=metric?": 1.0}})
    journal.append("metrics", f"{written.name}-key", {"values": {"fine": 1.0}, "step": 3})
    journal.append("tags", "nobody", {"values": {"a": "b"}})
    journal.append("tags", f"{written.name}-key", {"values": {"last": "yes"}})
    outcome = replay(written, TrackingConfig())
    _, runs, _ = runs_of(store, written.name)
    assert outcome.pending == 0
    assert outcome.refused >= 2
    assert "refused for good" in outcome.problem
    assert runs[f"{written.name}-key"].data.tags["last"] == "yes"


def test_two_replays_at_once_make_each_run_once(store, written, monkeypatch):
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
    assert runs_of(store, written.name)[2] == 2


class Listening:
    """A reporter that remembers warnings."""

    def __init__(self):
        self.warned = []

    def warn(self, text):
        self.warned.append(text)


@pytest.fixture
def silent_server():
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        threading.Thread(target=lambda: held.append(server.accept()), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_store_that_never_answers_holds_a_stage_up_for_its_patience_at_most(written, silent_server):
    reporter = Listening()
    config = TrackingConfig(uri=silent_server, timeout=30, patience=1.0)
    delivery = Delivery(written, config, reporter=reporter)
    waits = []
    for step in (delivery.before_stage, delivery.after_stage, delivery.before_stage, delivery.after_stage):
        began = time.monotonic()
        step()
        waits.append(time.monotonic() - began)
    delivery.at_end()
    assert sum(waits[:2]) < 2.5
    assert waits[2] < 0.1
    assert waiting_records(written, config) == 9
    assert ["none is lost" in text for text in reporter.warned] == [True, False]
    assert "9 records wait in the journal; `harbor sync --run" in reporter.warned[1]


def test_a_password_in_the_address_is_refused_and_never_repeated():
    with pytest.raises(ValueError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        load_config(None, assignments=["tracking.uri='https://ann:s3cr3t@mlflow.example'"], environment={})
    assert "s3cr3t" not in str(caught.value)
    assert "https://***@mlflow.example" in str(caught.value)
    user = load_config(None, assignments=["tracking.uri='postgresql://ann@db/mlflow'"], environment={})
    assert user.tracking.uri == "postgresql://ann@db/mlflow"


ORDERS = [
    order
    for order in itertools.permutations(["a in", "a out", "b in", "b out"])
    if order.index("a in") < order.index("a out") and order.index("b in") < order.index("b out")
]


def request_limits():
    names = ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_LOGGING_LEVEL")
    return [os.environ.get(name) for name in names], logging.getLogger("mlflow").level


@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_limits_hold_while_any_thread_is_inside_and_leave_the_environment_as_it_was(order, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    before, inside = request_limits(), set()
    users = {name: bounded_requests(TrackingConfig(timeout=3)) for name in "ab"}
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for name, step in (each.split() for each in order):
            call = users[name].__enter__ if step == "in" else lambda user=users[name]: user.__exit__(None, None, None)
            {"a": one, "b": other}[name].submit(call).result()
            inside ^= {name}
            assert request_limits() == ((["3", "0", "ERROR"], logging.ERROR) if inside else before)


def test_the_shortest_timeout_of_those_inside_holds():
    with bounded_requests(TrackingConfig(timeout=4)):
        with bounded_requests(TrackingConfig(timeout=2)), bounded_requests(TrackingConfig(timeout=9)):
            assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "2"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "4"
