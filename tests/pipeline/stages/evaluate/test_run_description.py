"""What the report tells of the run itself, and its remarks for the reader."""

import json

import pytest

from pipeline.stages.evaluate.run_description import run_description, run_notes
from tests.fixtures.evaluated import evaluate_context


@pytest.fixture
def edited(small_run, tmp_path):
    """A function that changes reports of earlier stages and returns the notes that follow."""

    def notes(stage, **changes):
        context = evaluate_context(small_run, tmp_path / stage, own=[stage])
        path = context.run / stage / "report.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return list(run_notes(context))

    return notes


def test_a_run_is_described_by_what_it_was_trained_on_and_put_together_from(context, judged):
    found = run_description(context, judged.models)
    assert (found["name"], found["as_of"], found["training_labels"]) == ("harbor", None, {"delay": "7d"})
    assert found["columns"]["numeric"] == len(judged.models.encoder.numeric)
    codes = sum(size for size in judged.models.encoder.sizes if size <= 64)  # a column a code of small categories
    assert found["booster"]["columns"] == found["columns"]["numeric"] + codes + 1  # and the margin of the network
    assert found["training_row_age"].endswith(" days before the end of test")


def test_class_weights_are_one_on_average_over_the_rows_of_train(context, judged):
    found = run_description(context, judged.models)
    legitimate, fraud = found["class_weights"]
    prevalence = found["train_prevalence"]
    assert legitimate * (1 - prevalence) + fraud * prevalence == pytest.approx(1)


def test_rows_are_counted_and_dropped_columns_named(edited, small_run):
    columns = json.loads((small_run / "ingest" / "report.json").read_text())["columns"]
    columns |= {"dropped_leaks": ["chargeback"], "dropped_personal": ["name"], "ignored": ["memo"]}
    rows = sum(
        each["rows"] for each in json.loads((small_run / "features" / "report.json").read_text())["folds"].values()
    )
    notes = edited("ingest", rows_in=24_001, quarantined=1, columns=columns, warnings=["one file is empty"])
    assert notes[4][0] == "data"
    assert notes[4][1].startswith(f"{rows:,} of 24,000 accepted rows are in folds. The other {24_000 - rows:,} are not")
    assert notes[:4] == [
        ("data", "24,001 rows in, 24,000 accepted, 1 quarantined."),
        ("leak", "Dropped on reading: chargeback, name."),
        ("data", "Source columns that nobody named and nothing used: memo."),
        ("data", "One file is empty."),
    ]


def test_labels_that_came_too_late_and_those_that_never_came_are_told_by_fold(edited, small_run):
    folds = json.loads((small_run / "features" / "report.json").read_text())["folds"]
    folds["calib"] |= {"immature_share": {"fraud": 0.25, "legitimate": 0.0}, "labels_known_by": "2024-05-01T00:00:00Z"}
    folds["test"] |= {"unknown": 12, "rows": 3456}
    labels = [text for topic, text in edited("features", folds=folds) if topic == "labels"]
    late = "In calib, 25.0% of the frauds and 0.0% of the legitimate rows were left out because their labels came after"
    assert f"{late} 2024-05-01T00:00:00Z." in labels
    assert "In test, 12 of 3,456 rows have no known label." in labels


def test_absent_entities_are_named(edited):
    notes = edited("features", entities_absent=["device", "email"])
    assert ("data", "No columns for device, email, so no windows over them.") in notes


def test_remarks_of_train_and_calibrate_become_sentences(edited):
    assert ("training", "Few epochs were enough.") in edited("train", notes=["few epochs were enough"])
    assert ("calibration", "the slope is at its bound.") in edited("calibrate", notes=["the slope is at its bound"])


def test_what_cold_windows_unripe_ages_and_weights_cost_is_told_by_fold(edited, small_run):
    folds = json.loads((small_run / "features" / "report.json").read_text())["folds"]
    folds["train"] |= {"cold": [90, 3]}
    folds["calib"] |= {"usable": [900, 40], "effective": [890.0, 31.6], "unripe": [10, 2]}
    texts = [text for topic, text in edited("features", folds=folds) if topic in ("labels", "features")]
    assert "In train, 93 rows (3 frauds) were not fitted on because their windows were not yet full." in texts
    assert any("In calib, 12 rows (2 frauds) were left out because fewer than a fifth" in text for text in texts)
    assert any("its 40 frauds say as much as 32 of equal weight" in text for text in texts)


def test_a_complete_file_says_so_and_an_incomplete_one_has_a_warning_in_its_place(small_run, tmp_path):
    said = []
    for place, (share, warnings) in enumerate([(0.97, []), (0.61, ["only 61% of the frauds"])]):
        context = evaluate_context(small_run, tmp_path / str(place), own=["features"])
        path = context.run / "features" / "report.json"
        dated = {"moment": "2024-06-01T00:00:00Z", "reported": share, "reported_at_most": share}
        changes = {"maturity": {**dated, "complete_after_days": 30.0}, "warnings": warnings}
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        said.append(list(run_notes(context)))
    complete, incomplete = ([text for _, text in notes if "of the frauds" in text] for notes in said)
    assert any(text.startswith("97% of the frauds of test are thought to be reported") for text in complete)
    assert "Only 61% of the frauds." in incomplete
    assert not any("are thought to be reported, as" in text for text in incomplete)


def test_frauds_without_dates_leave_the_reader_with_the_question(edited):
    assert any("nothing can be said of whether all frauds" in text for _, text in edited("features", maturity=None))


def test_a_hybrid_is_told_with_the_weights_of_its_members(context):
    hybrid = json.loads((context.run / "calibrate" / "calibrators.json").read_text())["hybrid"]
    (text,) = [text for topic, text in run_notes(context) if topic == "calibration" and "hybrid's" in text]
    for name, weight in zip(hybrid["members"], hybrid["weights"], strict=True):
        assert f"{weight:.2f} × {name}" in text


def test_a_table_that_was_read_is_told_with_its_version(edited):
    notes = edited("ingest", tables={"tx@3": "delta table 7f, version 3"})
    assert ("data", "tx@3 is delta table 7f, version 3.") in notes
