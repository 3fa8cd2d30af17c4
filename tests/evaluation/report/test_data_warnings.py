"""What no reader may overlook is said, and what is in order is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from evaluation.report.data_warnings import data_warnings, exactness

PEOPLE = {"brier_of_base_rate": 0.02, "prevalence": 0.02, "unknown_labels": 0}
FINE = {"value": 1.0, "low": 0.9, "high": 1.1}
OFF = {"value": 1.5, "low": 1.3, "high": 1.7}


def part(kind, ratio):
    return {"kind": kind, "population": "travel", "observed_expected": ratio, "frauds": 40}


def warnings(evidence, *, people=PEOPLE, ratio=FINE, score=0.01, parts=()):
    records = {"hybrid": {"brier": {"value": score}, "observed_expected": ratio}}
    kept = replace(evidence, candidates={"hybrid": evidence.candidates["hybrid"]})
    return data_warnings(kept, people, records, list(parts), band=(0.85, 1.15))


def test_honest_rows_raise_no_warning(whole_evidence):
    assert warnings(whole_evidence, parts=[part("merchant_category", FINE)]) == []


def test_a_score_above_the_base_rates_is_worse_than_no_model(whole_evidence):
    (found,) = warnings(whole_evidence, score=0.03)
    assert found.startswith("Hybrid: a Brier score of 0.0300 is 1.5 times what the base rate alone scores at 2.00 %")


def test_a_bad_part_is_news_only_where_the_whole_is_right(whole_evidence):
    (found,) = warnings(whole_evidence, parts=[part("merchant_category", OFF)])
    assert (
        found
        == "Hybrid is miscalibrated in merchant category travel: observed/expected 1.50 (1.30 to 1.70) on 40 frauds"
    )
    assert warnings(whole_evidence, ratio=OFF, parts=[part("merchant_category", OFF)]) == []


@pytest.mark.parametrize("kind", ["alert budget", "borderline"])
def test_parts_that_the_model_chose_itself_are_no_finding(whole_evidence, kind):
    assert warnings(whole_evidence, parts=[part(kind, OFF)]) == []


def test_unknown_labels_and_earlier_looks_come_last_without_their_full_stop(whole_evidence):
    evidence = replace(whole_evidence, reuse_warnings=("One other model had been judged here.",))
    found = warnings(evidence, people={**PEOPLE, "unknown_labels": 1_500})
    assert found == [
        "1,500 test rows have no known label and are left out of every number",
        "One other model had been judged here",
    ]


def test_a_fit_on_these_very_rows_is_more_exact_than_chance():
    rng = np.random.default_rng(3)
    p = expit(rng.normal(-2, 1.5, 5_000))
    y = (rng.random(5_000) < p).astype(float)
    assert max(np.abs(exactness(y, p))) > 0.01
    shift = 0.0
    for _ in range(50):  # the intercept whose promised frauds are those observed
        q = expit(logit(p) + shift)
        shift += (y.sum() - q.sum()) / (q * (1 - q)).sum()
    assert abs(exactness(y, expit(logit(p) + shift))[0]) < 1e-6


def test_one_class_has_no_exactness():
    assert np.isnan(exactness([0, 0], [0.1, 0.2])).all()
