"""Parts of pages that are generated: complete, and as the code is now."""

import re

import pytest

from features.schema.preset import Preset
from pipeline.reference import (
    CONFIGURATION,
    PRESET,
    PRESET_PAGE,
    REFERENCE_PAGE,
    configuration_reference,
    preset_reference,
    with_part,
    worked_example,
)
from pipeline.stages.artifacts.sweep_files import read_outcomes
from pipeline.storage.content import read_json


def test_the_reference_names_every_section_and_says_what_every_key_means():
    text = configuration_reference()
    assert "## [sweep]\n\nWhich losses the head is tried with" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert not [row for row in rows if row.endswith("|  |")]


def test_the_reference_of_presets_has_every_key_of_every_part_with_its_meaning():
    text = preset_reference()
    for name in Preset.model_fields:
        assert f"| `{name}` |" in text or f"[{name}]" in text or f"[{name}.NAME_id]" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert not [row for row in rows if row.endswith("|  |")]
    assert "## [label_available_at]" in text
    assert text.count("Keys as in [event_time].") == 1
    assert "`reported_at`: keys as in [event_time]." in text


def test_the_page_of_the_presets_holds_the_reference_as_it_is_now():
    text = PRESET_PAGE.read_text(encoding="utf-8")
    assert with_part(text, PRESET, preset_reference()) == text


def test_a_document_keeps_everything_but_the_part_that_is_renewed():
    text = "before\n<!-- configuration: generated -->old<!-- /configuration -->\nafter"
    renewed = with_part(text, CONFIGURATION, "new")
    assert renewed == "before\n<!-- configuration: generated -->\n\nnew\n\n<!-- /configuration -->\nafter"
    assert with_part(renewed, CONFIGURATION, "new") == renewed
    with pytest.raises(ValueError, match="the document must hold"):
        with_part("nothing", CONFIGURATION, "new")


def test_the_page_of_the_configurations_holds_the_reference_as_it_is_now():
    text = REFERENCE_PAGE.read_text(encoding="utf-8")
    assert with_part(text, CONFIGURATION, configuration_reference()) == text


@pytest.fixture
def finished(small_run):
    report = read_json(small_run / "evaluate" / "report.json")
    floor = report["configuration"]["calibration"]["posterior_floor"]
    train = small_run / "train"
    return report, read_outcomes(train / "valid.parquet", train / "sweep.json", floor=floor)


def test_the_worked_example_counts_the_bins_that_the_run_used(finished):
    report, valid = finished
    bins = report["configuration"]["evaluation"]["bins"]
    assert f"ECE has {bins} equal-width bins" in worked_example(report, valid)
    report["configuration"]["evaluation"]["bins"] = 7
    assert "ECE has 7 equal-width bins" in worked_example(report, valid)


def test_the_worked_example_shows_how_far_a_setting_lies_behind_its_own_unsmoothed_twin(finished):
    report, valid = finished
    losses = {
        row["smoothing"]: row["log_loss_affine"]
        for row in report["smoothing"]["sweep"]
        if (row["class_weight"], row["weighting"]) == ("none", "example")
    }
    smoothing = max(losses)
    told = next(
        line
        for line in worked_example(report, valid).split("No class weights")[1].splitlines()
        if line.startswith(f"| {smoothing:g} |")
    )
    value, low, high = (float(each.replace("−", "-")) for each in re.findall(r"[+−][\d.]+", told.split("|")[-2]))
    assert value == pytest.approx((losses[smoothing] - losses[0.0]) * 1e4, abs=0.051)
    assert low < value < high
