"""Each candidate's calibration in detail."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.report.calibration_detail import calibration_detail, reweighted
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.populations import at_prevalence
from evaluation.statistics.scores import brier


@pytest.fixture(scope="module")
def two(whole_evidence):
    return replace(whole_evidence, candidates={n: whole_evidence.candidates[n] for n in ("logistic", "hybrid")})


def test_the_parts_of_the_brier_score_add_up_to_it(two):
    for name, found in calibration_detail(two, bins=15, prevalence=None).items():
        score = brier(two.rows.labels, two.candidates[name])
        m, c = found["murphy"], found["corp_brier"]
        assert m["reliability"] - m["resolution"] + m["uncertainty"] + m["within"] == pytest.approx(score)
        assert c["miscalibration"] - c["discrimination"] + c["uncertainty"] == pytest.approx(score)


def test_another_prevalence_is_shown_on_request_only(two):
    assert "at_prevalence" not in calibration_detail(two, bins=15, prevalence=None)["hybrid"]
    assert calibration_detail(two, bins=15, prevalence=0.002)["hybrid"]["at_prevalence"]["prevalence"] == 0.002


@pytest.mark.parametrize("bins", [5, 40])
def test_the_calibration_error_at_another_prevalence_counts_the_bins_asked_for(two, bins):
    rows, p = two.rows, two.candidates["hybrid"]
    s = at_prevalence(rows.labels, p, prevalence=0.2)
    expected = expected_calibration_error(s.labels, s.probabilities, weight=s.weight, bins=bins)
    assert reweighted(rows, p, prevalence=0.2, bins=bins)["ece"] == expected


def test_one_class_has_no_other_prevalence(two):
    honest = replace(two, rows=replace(two.rows, labels=np.zeros(two.rows.labels.size)))
    assert "at_prevalence" not in calibration_detail(honest, bins=15, prevalence=0.002)["hybrid"]
