"""Headline statistics of every candidate: one more candidate changes nothing for the others."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import EvaluationConfig
from evaluation.report.candidates_section import (
    FURTHER,
    HEADLINE,
    calibration_nulls,
    calibrator_rows,
    candidates_section,
    headline_replicates,
)
from evaluation.report.json_values import json_values
from evaluation.report.population_section import population_section

CONFIG = EvaluationConfig(resamples=100)
PROBABILITIES = np.random.default_rng(2).random(2_000) ** 4


def section_of(rows, candidates):
    drawn = headline_replicates(rows, candidates, config=CONFIG, rng=np.random.default_rng(1))
    population = population_section(rows, unknown=0, config=CONFIG, drawn=drawn)
    return candidates_section(drawn, rows.labels, population, dict.fromkeys(candidates, 0.01))


@pytest.mark.parametrize("order", [("a", "b", "new"), ("new", "a", "b"), ("b", "new", "a")])
def test_one_candidate_more_moves_nobodys_chance_level(order):
    alone = calibration_nulls({"a": PROBABILITIES, "b": PROBABILITIES}, bins=15, rng=np.random.default_rng(1))
    more = calibration_nulls(dict.fromkeys(order, PROBABILITIES), bins=15, rng=np.random.default_rng(1))
    assert {name: more[name] for name in alone} == alone


def test_two_candidates_of_equal_probabilities_are_drawn_apart():
    found = calibration_nulls({"a": PROBABILITIES, "b": PROBABILITIES}, bins=15, rng=np.random.default_rng(1))
    assert found["a"] != found["b"]


def test_one_candidate_more_moves_nobodys_interval(whole_evidence):
    rows, every = whole_evidence.rows, whole_evidence.candidates
    two = section_of(rows, {name: every[name] for name in ("logistic", "hybrid")})
    three = section_of(rows, {name: every[name] for name in ("logistic", "mlp", "hybrid")})
    assert json_values({name: three[name] for name in two}) == json_values(two)


def test_data_without_cards_say_so_where_cards_are_counted(whole_evidence):
    rows = replace(whole_evidence.rows, card=None, new_card=None)
    record = section_of(rows, {"hybrid": whole_evidence.candidates["hybrid"]})["hybrid"]["card_precision_at_100"]
    assert np.isnan(record["value"])
    assert record["reason"] == "the data has no cards"


def test_every_statistic_has_a_record_and_a_reason_where_it_is_undefined(whole_evidence):
    timid = np.minimum(whole_evidence.candidates["hybrid"], 0.4)
    found = section_of(whole_evidence.rows, {"hybrid": timid})["hybrid"]
    assert set(found) == {*HEADLINE, *FURTHER, "ece_null_95"}
    assert found["precision_at_half"]["reason"] == "no row reaches a probability of 0.5"
    assert "reason" not in found["roc_auc"]


def test_calib_widens_observed_expected_and_leaves_log_loss_alone(whole_evidence):
    both = {"hybrid": whole_evidence.candidates["hybrid"]}
    alone, moved = (
        headline_replicates(whole_evidence.rows, both, config=CONFIG, rng=np.random.default_rng(1), calib=calib)
        for calib in (None, whole_evidence.calib)
    )
    assert moved.deviation("hybrid", "observed_expected") > 1.2 * alone.deviation("hybrid", "observed_expected")
    assert moved.deviation("hybrid", "log_loss") < 1.2 * alone.deviation("hybrid", "log_loss")


def test_calib_rows_of_unknown_label_or_of_one_class_move_nothing(whole_evidence):
    calib = whole_evidence.calib
    unknown = replace(calib, rows=replace(calib.rows, labels=np.where(calib.rows.labels > 0, np.nan, 0.0)))
    assert calibrator_rows(unknown, config=CONFIG) is None
    half = replace(calib, rows=replace(calib.rows, labels=np.where(np.arange(6_000) < 900, np.nan, calib.rows.labels)))
    assert calibrator_rows(half, config=CONFIG).labels.size == 5_100


def test_row_weights_move_every_candidates_values(whole_evidence):
    rows, p = whole_evidence.rows, whole_evidence.candidates["hybrid"]
    weight = 1.0 + rows.labels
    weighted = headline_replicates(
        replace(rows, weight=weight), {"hybrid": p}, config=CONFIG, rng=np.random.default_rng(1)
    )
    assert weighted.values["hybrid"]["observed_expected"] == pytest.approx(weight @ rows.labels / (weight @ p))
