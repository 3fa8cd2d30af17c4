"""Parts of pages that are generated: complete, and as the code is now."""

import pytest

from pipeline.reference import (
    CONFIGURATION,
    REFERENCE_PAGE,
    configuration_reference,
    with_part,
    worked_example,
)
from pipeline.storage.content import read_json


def test_the_reference_names_every_section_and_says_what_every_key_means():
    text = configuration_reference()
    assert "## [sweep]\n\nWhich losses the head is tried with" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert not [row for row in rows if row.endswith("|  |")]


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


def test_the_worked_example_counts_the_bins_that_the_run_used(small_run):
    report = read_json(small_run / "evaluate" / "report.json")
    bins = report["configuration"]["evaluation"]["bins"]
    assert f"ECE has {bins} equal-width bins" in worked_example(report)
    report["configuration"]["evaluation"]["bins"] = 7
    assert "ECE has 7 equal-width bins" in worked_example(report)
