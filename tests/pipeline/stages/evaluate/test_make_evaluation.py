"""Evaluate as a whole: one line for a person, and the files a run is judged by."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipeline.bundle.decision_rules import decision_rule
from pipeline.stages.evaluate.make_evaluation import headline

FILES = {"report.json", "report.html", "model_card.md", "scores.parquet", "shadow.parquet", "thresholds.json", "DONE"}


@pytest.mark.parametrize(("passed", "verdict"), [(True, "passed"), (False, "refused")])
def test_the_headline_speaks_of_the_shipped_candidate(passed, verdict):
    metrics = {"average_precision": {"value": 0.5}, "brier_skill": {"value": 0.25}, "ece": {"value": 0.0012}}
    report = {"shipped": "mlp", "candidates": {"mlp": metrics, "hybrid": {}}, "gate": {"passed": passed}}
    assert headline(report) == f"mlp AP 0.500, Brier skill 0.250, ECE 0.0012; gate {verdict}"


def test_a_run_has_the_files_that_the_contract_names(small_run):
    assert {path.name for path in (small_run / "evaluate").iterdir()} == FILES | {"reliability"}
    assert list((small_run / "evaluate" / "reliability").glob("*.png"))


def test_thresholds_of_the_shipped_candidate_flag_what_they_say_on_test(small_run):
    points = json.loads((small_run / "evaluate" / "thresholds.json").read_text())["points"]
    scores = pq.read_table(small_run / "evaluate" / "scores.parquet")
    for name, point in points.items():
        rule = decision_rule({"points": points}, name)
        rows = zip(scores["hybrid"].to_pylist(), scores["amount"].to_pylist(), strict=True)
        flagged = np.array([rule.flags(*row) for row in rows])[scores["label"].is_valid().to_numpy()]
        assert flagged.mean() == pytest.approx(point["test"]["alert_share"]), name


def test_the_judgement_is_in_the_ledger_beside_the_run(small_run):
    lines = (small_run.parent / "looks.jsonl").read_text().splitlines()
    assert "small" in {json.loads(line)["run"] for line in lines}


def test_every_picture_and_document_is_an_artifact_of_the_run(small_run):
    journal = [json.loads(line) for line in (small_run / "journal.jsonl").read_text().splitlines()]
    sent = {record["content"]["path"] for record in journal if record["kind"] == "artifact"}
    pictures = {f"evaluate/reliability/{path.name}" for path in (small_run / "evaluate" / "reliability").iterdir()}
    assert {"evaluate/report.html", "evaluate/report.json", "evaluate/model_card.md"} | pictures <= sent
