"""What no reader may overlook is said, and what is in order is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from evaluation.report.data_warnings import data_warnings, exactness
from evaluation.report.population_section import base_rate_brier, population_record
from evaluation.statistics.scores import brier, brier_skill

PEOPLE = {"brier_of_base_rate": 0.02, "prevalence": 0.015, "weighted_prevalence": 0.02, "unknown_labels": 0}
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


def test_a_weighted_score_is_held_against_the_weighted_base_rate(whole_evidence):
    rows = whole_evidence.rows
    weighed = replace(rows, weight=np.where(rows.labels > 0.5, 3.0, 1.0))
    p = expit(logit(np.clip(whole_evidence.candidates["hybrid"], 1e-9, 1 - 1e-9)) + np.log(3.0))
    score = brier(rows.labels, p, weight=weighed.weight)
    people = population_record(weighed, fold="test")
    base = {"brier_of_base_rate": base_rate_brier(people["weighted_prevalence"]), "unknown_labels": 0}
    assert brier_skill(rows.labels, p, weight=weighed.weight) > 0
    assert score > base_rate_brier(people["prevalence"])
    evidence = replace(whole_evidence, rows=weighed, candidates={"hybrid": p})
    assert warnings(evidence, people=people | base, score=score) == []


def test_weights_do_not_make_the_warning_of_a_fitted_map_more_frequent(whole_evidence):
    rng = np.random.default_rng(5)
    p, y = np.full(4_000, 0.1), np.repeat([1.0, 0.0], [400, 3_600])
    p[0] += 7e-5 * np.sqrt(4_000 * 0.09)  # the first sum is 0.7 of the level
    rows = replace(whole_evidence.rows.where(np.arange(12_000) < 4_000), labels=y, weight=rng.uniform(0.5, 2, 4_000))
    evidence = replace(whole_evidence, rows=rows, candidates={"hybrid": p})
    assert 5e-5 < abs(exactness(y, p)[0]) < 1e-4
    assert not any("very likely been fitted" in text for text in warnings(evidence))
    plain = replace(evidence, rows=replace(rows, weight=np.ones(4_000)))
    assert any("very likely been fitted" in text for text in warnings(plain))


@pytest.mark.parametrize("fitted_with", ["weights", "no weights"])
def test_a_map_fitted_here_is_found_whether_it_was_weighed_or_not(whole_evidence, fitted_with):
    rng = np.random.default_rng(6)
    rows = whole_evidence.rows
    rows = replace(rows, weight=rng.uniform(0.5, 2, rows.labels.size))
    times = rows.weight if fitted_with == "weights" else np.ones(rows.labels.size)
    flat = np.full(rows.labels.size, float(times @ rows.labels / times.sum()))
    found = warnings(replace(whole_evidence, rows=rows, candidates={"hybrid": flat}))
    assert any("very likely been fitted on these test rows" in text for text in found)


def test_rows_of_few_cards_drawn_one_by_one_make_intervals_too_narrow_and_it_is_said(whole_evidence):
    drawn = {"by": "row", "left_out": {"card": 5, "day": 2}}
    (found,) = warnings(whole_evidence, people=PEOPLE | {"resampled": drawn})
    assert found.startswith("the test rows are of 5 cards and 2 days only")
    assert "narrower than it should be" in found


@pytest.mark.parametrize("drawn", [{"by": "row", "left_out": {}}, {"by": "card", "left_out": {"day": 14}}])
def test_rows_that_hang_on_nothing_or_are_drawn_whole_are_not_remarked_on(whole_evidence, drawn):
    assert warnings(whole_evidence, people=PEOPLE | {"resampled": drawn}) == []
