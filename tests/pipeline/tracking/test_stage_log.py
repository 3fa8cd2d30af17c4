"""What tracking is told of a run: few numbers, no rows, and the same for stages that were kept."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from pipeline.process.reporter import SilentReporter
from pipeline.run import run_stages, send_journal
from pipeline.runs.settings import read_settings
from pipeline.stages import STAGES
from pipeline.storage.done import Completion
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog, close_below, log_kept

pytestmark = pytest.mark.filterwarnings("ignore")


def values(run, kind, key):
    merged = {}
    for record in Journal(run / "journal.jsonl").records():
        if record.kind == kind and record.key == key:
            merged |= record.content["values"]
    return merged


def keys(run):
    return list(dict.fromkeys(record.key for record in Journal(run / "journal.jsonl").records()))


def test_the_run_carries_the_headline_with_its_intervals_under_few_names(small_run):
    run = keys(small_run)[0]
    metrics, report = values(small_run, "metrics", run), json.loads((small_run / "evaluate/report.json").read_text())
    cell = report["candidates"][report["shipped"]]["average_precision"]
    assert [metrics[f"average_precision{end}"] for end in ("", "_low", "_high")] == [
        cell["value"],
        cell["low"],
        cell["high"],
    ]
    assert len(metrics) < 30
    assert set(values(small_run, "params", run)) >= {"preset", "rows", "smoothing", "class_weight", "weighting", "seed"}
    assert set(values(small_run, "tags", run)) >= {"harbor.gate", "harbor.trigger", "harbor.data_digest"}


def test_every_setting_of_the_sweep_is_a_run_below_the_run_itself(small_run):
    opened = {r.key: r.content for r in Journal(small_run / "journal.jsonl").records() if r.kind == "open"}
    settings = [key for key in opened if key.count("/") == 2]
    rows = pq.read_table(small_run / "train" / "sweep.parquet").to_pylist()
    assert len(settings) == len(rows)
    assert {opened[key]["parent"] for key in settings} == {keys(small_run)[0]}
    logged = {
        tuple(values(small_run, "params", key)[n] for n in ("smoothing", "class_weight", "weighting"))
        for key in settings
    }
    assert logged == {(f"{row['smoothing']:g}", row["class_weight"], row["weighting"]) for row in rows}


def test_no_artifact_holds_a_row_of_a_card(small_run):
    sent = [r.content["path"] for r in Journal(small_run / "journal.jsonl").records() if r.kind == "artifact"]
    assert "evaluate/report.html" in sent
    tables = [name for name in sent if name.endswith(".parquet")]
    assert not [name for name in tables if "card_id" in pq.read_schema(small_run / name).names]
    assert not [name for name in sent if name.endswith((".csv", ".jsonl"))]


def test_a_run_whose_stages_were_kept_is_told_what_they_once_said(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    made, settings = keys(run)[0], read_settings(run)
    quiet = settings.config.tracking.model_copy(update={"enabled": False})
    other = settings.config.registry.model_copy(update={"actor": "somebody else"})
    config = settings.config.model_copy(update={"tracking": quiet, "registry": other})
    run_stages(run, type(settings)(config, None), STAGES, force=None, reporter=SilentReporter())
    again = [key for key in keys(run) if "/" not in key][-1]
    assert again != made
    assert values(run, "metrics", again) == values(run, "metrics", made)
    assert values(run, "params", again) == values(run, "params", made)
    assert values(run, "tags", f"{again}/train")["harbor.outcome"] == "kept"


def test_sync_closes_what_a_killed_process_left_open(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    content = json.loads((run / "config.json").read_text())
    content["config"]["tracking"]["enabled"] = False
    (run / "config.json").write_text(json.dumps(content))
    Journal(run / "journal.jsonl").append("open", "left", {"name": "left", "parent": None})
    send_journal(run)
    last = list(Journal(run / "journal.jsonl").records())[-1]
    assert (last.kind, last.key, last.content) == ("close", "left", {"status": "KILLED"})


def test_a_log_knows_that_of_the_whole_run_from_any_depth(tmp_path):
    run = StageLog(Journal(tmp_path / "journal.jsonl"), "key", parent=None)
    setting = run.child("train", name="train").child("0.1", name="ε = 0.1")
    assert setting.key == "key/train/0.1"
    assert setting.run is run.run is run


def test_what_a_stage_left_open_is_closed_and_its_neighbours_are_not(tmp_path):
    run = StageLog(Journal(tmp_path / "journal.jsonl"), "key", parent=None)
    stage, neighbour = run.child("train", name="train"), run.child("train2", name="train2")
    stage.child("0.1", name="ε = 0.1")
    close_below(stage, "FAILED")
    assert run.journal.open_keys() == [stage.key, neighbour.key]


def test_a_run_whose_stage_was_kept_says_what_it_once_said_of_the_run(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    first = StageLog(journal, "first", parent=None)
    for value in (1.0, 2.0):
        first.metrics({"before": value})
        stage = first.child("train", name="train")
        first.metrics({"during": value})
        stage.close("FINISHED")
    first.metrics({"after": 3.0})
    again = StageLog(journal, "again", parent=None)
    log_kept(again.child("train", name="train"), Completion("f", {}, {"mlflow_key": stage.key, "seconds": 4.0}))
    said = [each.content["values"] for each in journal.records() if (each.kind, each.key) == ("metrics", "again")]
    assert said == [{"during": 2.0}]
