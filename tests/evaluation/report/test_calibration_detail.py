"""Each candidate's calibration in detail."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.calibration_detail import calibration_detail, reweighted
from evaluation.report.candidates_section import headline_replicates
from evaluation.statistics.calibration_error import expected_calibration_error
from evaluation.statistics.populations import at_prevalence
from evaluation.statistics.scores import brier, two_sided_p


@pytest.fixture(scope="module")
def two(whole_evidence):
    return replace(whole_evidence, candidates={n: whole_evidence.candidates[n] for n in ("logistic", "hybrid")})


def detail(evidence, *, prevalence=None, calib=None, resamples=100):
    config = EvaluationConfig(resamples=resamples)
    rng = np.random.default_rng(1)
    drawn = headline_replicates(evidence.rows, evidence.candidates, config=config, rng=rng, calib=calib)
    return calibration_detail(evidence, drawn, bins=15, prevalence=prevalence)


def test_the_parts_of_the_brier_score_add_up_to_it(two):
    for name, found in detail(two).items():
        score = brier(two.rows.labels, two.candidates[name])
        m, c = found["murphy"], found["corp_brier"]
        assert m["reliability"] - m["resolution"] + m["uncertainty"] + m["within"] == pytest.approx(score)
        assert c["miscalibration"] - c["discrimination"] + c["uncertainty"] == pytest.approx(score)


def test_another_prevalence_is_shown_on_request_only(two):
    assert "at_prevalence" not in detail(two)["hybrid"]
    assert detail(two, prevalence=0.002)["hybrid"]["at_prevalence"]["prevalence"] == 0.002


@pytest.mark.parametrize("bins", [5, 40])
def test_the_calibration_error_at_another_prevalence_counts_the_bins_asked_for(two, bins):
    rows, p = two.rows, two.candidates["hybrid"]
    s = at_prevalence(rows.labels, p, prevalence=0.2)
    expected = expected_calibration_error(s.labels, s.probabilities, weight=s.weight, bins=bins)
    assert reweighted(rows, p, prevalence=0.2, bins=bins)["ece"] == expected


def test_weights_reach_another_prevalence_too(two):
    rows, p = two.rows, two.candidates["hybrid"]
    heavy = replace(rows, weight=np.where(rows.labels > 0.5, 2.0, 1.0))
    likelier = 2 * p / (1 + p)  # the odds that doubled frauds make
    found, plain = (reweighted(*each, prevalence=0.02, bins=15)["log_loss"] for each in ((heavy, likelier), (rows, p)))
    assert found == pytest.approx(plain)


def test_one_class_has_no_other_prevalence(two):
    honest = replace(two, rows=replace(two.rows, labels=np.zeros(two.rows.labels.size)))
    assert "at_prevalence" not in detail(honest, prevalence=0.002)["hybrid"]


def test_the_p_value_of_spiegelhalters_z_knows_of_clusters_and_of_the_calibrator(two):
    alone, moved = detail(two)["hybrid"], detail(two, calib=two.calib, resamples=400)["hybrid"]
    assert moved["spiegelhalter_z"] == alone["spiegelhalter_z"]
    assert moved["spiegelhalter_spread"] > 1.2 * alone["spiegelhalter_spread"] > 1.0
    honest = two_sided_p(moved["spiegelhalter_z"] / moved["spiegelhalter_spread"])
    assert moved["spiegelhalter_p"] == pytest.approx(honest)


def test_one_class_has_no_spread_but_says_so_without_a_crash(two):
    flat = replace(two, candidates={"hybrid": np.zeros(two.rows.labels.size)})
    found = detail(flat)["hybrid"]
    assert np.isnan(found["spiegelhalter_z"])
    assert found["spiegelhalter_p"] is None
