"""One MLflow run for a folder and its settings, closed with what became of it."""

import pytest

from pipeline.config import load_config
from pipeline.process.exits import InterruptedRunError
from pipeline.runs.run_log import closed_log, opened_log
from pipeline.runs.settings import RunSettings, resolved_settings
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog


def key_of(run, *assignments):
    config = load_config(None, assignments=assignments, environment={})
    journal = Journal(run / "journal.jsonl")
    return opened_log(run, journal, resolved_settings(RunSettings(config, None)), config=config).key


def test_the_same_settings_go_on_with_the_same_run_wherever_it_is_kept_or_sent(tmp_path):
    first = key_of(tmp_path)
    assert key_of(tmp_path, "tracking.enabled=false", "runs.store='s3://bucket/runs'") == first


def test_other_settings_are_another_run_of_the_same_folder(tmp_path):
    first, other = key_of(tmp_path), key_of(tmp_path, "train.seed=5")
    assert first != other
    assert first.partition("-")[0] == other.partition("-")[0]


def test_two_folders_never_share_a_run(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert key_of(tmp_path / "a") != key_of(tmp_path / "b")


def test_a_run_says_where_it_comes_from_and_what_it_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("HARBOR_TRIGGER", "cron")
    key_of(tmp_path, "train.epochs=3")
    records = {record.kind: record.content for record in Journal(tmp_path / "journal.jsonl").records()}
    assert records["open"] == {"name": tmp_path.name, "parent": None}
    assert records["tags"]["values"].items() >= {"harbor.trigger": "cron", "harbor.as_of": "history"}.items()
    assert records["params"]["values"]["epochs"] == "3"


@pytest.mark.parametrize(
    ("error", "status"),
    [(None, "FINISHED"), (ValueError, "FAILED"), (KeyboardInterrupt, "KILLED"), (InterruptedRunError, "KILLED")],
)
def test_a_log_is_closed_with_what_was_left_open_below_it(tmp_path, error, status):
    log = StageLog(Journal(tmp_path / "journal.jsonl"), "run", parent=None)
    log.open("run")

    def work():
        with closed_log(log):
            if error is not None:
                log.child("train", name="train")
                raise error("stop")

    if error is None:
        work()
    else:
        with pytest.raises(error, match="stop"):
            work()
    closed = [(each.key, each.content["status"]) for each in log.journal.records() if each.kind == "close"]
    assert closed == [*([("run/train", status)] if error is not None else []), ("run", status)]
