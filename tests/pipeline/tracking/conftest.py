"""One sqlite store for all tests, and a journal to send to it."""

import pytest

from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog


@pytest.fixture(scope="session")
def sqlite_runs(tmp_path_factory):
    """A folder of runs with one sqlite store: making one costs seconds."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def written(sqlite_runs, request):
    """A run folder with a journal of nine records of every kind."""
    run = sqlite_runs / request.node.name.replace("[", "-").rstrip("]")
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
