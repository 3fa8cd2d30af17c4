"""The tables behind the reliability diagrams."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.report.reliability_tables import KINDS, reliability_section, unsmoothed_section
from evaluation.statistics.scores import brier


@pytest.fixture(scope="module")
def hybrid(whole_evidence):
    return replace(whole_evidence, candidates={"hybrid": whole_evidence.candidates["hybrid"]})


def test_every_kind_of_bins_holds_every_row_once(hybrid):
    tables = reliability_section(hybrid, bins=15)["test"]["hybrid"]["after"]
    for kind in KINDS:
        assert sum(row["rows"] for row in tables[kind]) == 12_000
    assert sum(sum(counts) for counts in tables["histogram"].values()) == 12_000


def test_what_came_before_calibration_is_shown_where_it_is_known(hybrid):
    assert set(reliability_section(hybrid, bins=15)["test"]["hybrid"]) == {"after", "before"}
    bare = reliability_section(replace(hybrid, before={}, unsmoothed_valid=None), bins=15)
    assert set(bare["test"]["hybrid"]) == {"after"}
    assert bare["valid_unsmoothed"] is None


def test_smoothing_is_shown_beside_none_whichever_was_selected(whole_evidence):
    rows = len(whole_evidence.rows.labels)
    arms = {
        (0.05, "none"): np.full(rows, 0.5),
        (0.0, "none"): np.full(rows, 0.01),
        (0.05, "affine"): np.full(rows, 0.02),
    }
    evidence = replace(whole_evidence, candidates={}, temperature_test=arms, unsmoothed_valid=None)
    found = reliability_section(evidence, bins=15)["smoothing"]
    assert list(found) == ["before"]
    assert [(each["smoothing"], round(each["equal_mass"][0]["expected"], 9)) for each in found["before"]] == [
        (0.0, 0.01),
        (0.05, 0.5),
    ]


def test_the_unsmoothed_head_is_told_with_its_rows_and_scores():
    rng = np.random.default_rng(1)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    found = unsmoothed_section(y, p, bins=15)
    assert (found["rows"], found["frauds"], found["prevalence"]) == (500, int(y.sum()), y.mean())
    assert found["brier"] == brier(y, p)


def test_no_rows_make_empty_tables_and_no_prevalence():
    found = unsmoothed_section(np.empty(0), np.empty(0), bins=15)
    assert found["equal_positives"] == []
    assert found["prevalence"] is None
