"""A bundle's MLflow run: that of its last job, as far as it was sent."""

import json

import pytest

from pipeline.registry.source_run import source_run
from pipeline.tracking.acknowledged import ACKNOWLEDGED
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog


@pytest.fixture
def run(tmp_path):
    """A run folder that two jobs worked in, each with settings of its own."""
    journal = Journal(tmp_path / "journal.jsonl")
    for key, value in (("first", 0.1), ("second", 0.2)):
        log = StageLog(journal, key, parent=None)
        log.open("night")
        log.child("train", name="train").metrics({"loss": 9.0})
        log.metrics({"ece": value, "empty": None}, step=3)
        log.close("FINISHED")
    return tmp_path


def sent(run, **ids):
    (run / ACKNOWLEDGED).write_text(json.dumps({"ids": ids}))


def test_the_last_job_counts_with_its_own_numbers_alone(run):
    sent(run, first="a", second="b")
    found = source_run(run)
    assert found is not None
    assert found.id == "b"
    assert [(name, value, step) for name, value, _, step in found.metrics] == [("ece", 0.2, 3)]


def test_a_run_that_was_never_sent_has_none(run, tmp_path):
    assert source_run(run) is None
    sent(run, first="a")
    assert source_run(run) is None
    assert source_run(tmp_path / "empty") is None
