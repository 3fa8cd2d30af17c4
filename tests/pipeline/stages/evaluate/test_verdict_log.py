"""The verdict as tracking gets it: few numbers on the run, each candidate's on the stage."""

import json

import pytest

from pipeline.stages.evaluate.verdict_log import OF_EVERY_CANDIDATE, WITH_INTERVAL, WITHOUT_INTERVAL, log_verdict
from pipeline.tracking.journal import Journal
from pipeline.tracking.stage_log import StageLog


def report_of(**hybrid):
    metric = {"value": 0.5, "low": 0.4, "high": 0.6}
    names = (*WITH_INTERVAL, *WITHOUT_INTERVAL)
    metrics = {**dict.fromkeys(names, metric), "ece_null_95": 0.01}
    return {
        "shipped": "hybrid",
        "population": {"rows": 1234, "frauds": 21},
        "gate": {"passed": False, "reasons": ["20 frauds are needed"]},
        "candidates": {"hybrid": metrics | hybrid, "mlp": metrics},
        "drift": {"columns": [], "score": {"index": 0.1}, "prevalence": {"ratio": None}},
    }


@pytest.fixture
def logged(tmp_path, monkeypatch):
    """What a verdict leaves in the journal: a function of the report that returns its records."""
    monkeypatch.setattr("pipeline.stages.evaluate.verdict_log.drift_metrics", lambda _: {"drift": 0.1})

    def records(report):
        journal = Journal(tmp_path / "journal.jsonl")
        log_verdict(
            StageLog(journal, "run/e", parent=StageLog(journal, "run", parent=None)), report, pictures=["a.png"]
        )
        return [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]

    return records


def values(records, kind, key):
    found = {}
    for record in records:
        if (record["kind"], record["key"]) == (kind, key):
            found |= record["content"]["values"]
    return found


def test_the_run_gets_the_shipped_candidates_headline_with_its_intervals(logged):
    metrics = values(logged(report_of(brier={"value": 0.02, "low": None, "high": None})), "metrics", "run")
    assert (metrics["roc_auc"], metrics["roc_auc_low"], metrics["roc_auc_high"]) == (0.5, 0.4, 0.6)
    assert (metrics["brier"], metrics["test_rows"], metrics["test_frauds"]) == (0.02, 1234, 21)


def test_the_stage_gets_every_candidates_few_numbers_and_the_drift(logged):
    metrics = values(logged(report_of()), "metrics", "run/e")
    assert set(metrics) == {f"{name}/{metric}" for name in ("hybrid", "mlp") for metric in OF_EVERY_CANDIDATE} | {
        "drift"
    }


def test_the_note_names_verdict_reasons_and_leaves_undefined_numbers_empty(logged):
    tags = values(logged(report_of(ece={"value": None, "low": None, "high": None})), "tags", "run")
    assert (tags["harbor.gate"], tags["harbor.shipped"]) == ("refused", "hybrid")
    note = tags["mlflow.note.content"].splitlines()
    assert note[0] == "**Gate refused.** Candidate *hybrid* on 1,234 test rows, 21 frauds."
    assert "| ece |  |  |" in note
    assert note[-1] == "- 20 frauds are needed"


def test_documents_and_pictures_are_artifacts_of_the_run(logged):
    found = [record for record in logged(report_of()) if record["kind"] == "artifact"]
    assert {record["key"] for record in found} == {"run"}
    assert [record["content"]["path"] for record in found][-2:] == [
        "evaluate/model_card.md",
        "evaluate/reliability/a.png",
    ]
