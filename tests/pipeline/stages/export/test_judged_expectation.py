"""What the manifest leads to expect is what the report says of the judged model on test."""

import json

import pytest

from evaluation.report.expectation import SCORE, expectation_from


def test_the_manifest_says_what_the_report_of_test_says(small_run):
    manifest = json.loads((small_run / "export" / "bundle" / "manifest.json").read_text())
    shipped = json.loads((small_run / "evaluate" / "report.json").read_text())["candidates"]["hybrid"]
    found = expectation_from(manifest["expectation"])
    assert found.log_loss == pytest.approx(shipped["log_loss"]["value"], rel=1e-6)
    assert found.average_precision == pytest.approx(shipped["average_precision"]["value"], rel=1e-6)
    assert SCORE in found.columns
    spec = json.loads((small_run / "export" / "bundle" / "signature.json").read_text())
    assert len(found.columns) == len(spec["inputs"]) + 1
