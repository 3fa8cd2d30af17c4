"""Figures of the fraud desk equal the count by hand; what is protected is compared and never an input."""

from dataclasses import replace

import numpy as np
import pytest

from evaluation.options import DecisionConfig, EvaluationConfig
from evaluation.report.desk_section import desk_section
from evaluation.report.evidence import ChampionScores
from tests.evaluation.report.test_money_section import oracle_rows
from tests.oracles.desk_naive import accounts, costs_of

CONFIG = EvaluationConfig(resamples=100, slice_resamples=100, protected=("age",))
DECISION = DecisionConfig(alert_cost=4.0)


@pytest.fixture(scope="module")
def evidence(whole_evidence):
    """With an age group that decides nothing, and one young group so small that nothing can be said of it."""
    age = np.array(["old", "young", "few"])[np.random.default_rng(3).choice(3, 12_000, p=[0.5, 0.497, 0.003])]
    return replace(whole_evidence, rows=replace(whole_evidence.rows, groups={"age": age}))


@pytest.fixture(scope="module")
def section(evidence):
    return desk_section(evidence, config=CONFIG, decision=DECISION, rng=np.random.default_rng(2))


def flags_of(evidence):
    return list(evidence.candidates["hybrid"] * evidence.rows.amount >= 4.0)


def test_accounts_are_counted_once_and_found_only_before_their_last_fraud(evidence, section):
    expected = accounts(oracle_rows(evidence), flags_of(evidence))
    assert section["figures"]["account_detection"]["value"] == pytest.approx(expected["account_detection"])
    assert section["figures"]["false_accounts_per_found"]["value"] == pytest.approx(expected["false_accounts"])


def test_value_detection_and_false_alerts_are_those_of_the_rows_flagged(evidence, section):
    _, loss, alerts, caught, value = costs_of(oracle_rows(evidence), flags_of(evidence), alert=4.0)
    figures = section["figures"]
    assert figures["value_detection"]["value"] == pytest.approx(value / loss)
    assert figures["false_positives_per_fraud"]["value"] == pytest.approx((alerts - caught) / caught)
    assert all(f["low"] <= f["value"] <= f["high"] for f in figures.values() if f["low"] == f["low"])


def test_a_group_that_decides_nothing_is_treated_as_the_others_and_a_small_one_is_not_told(section):
    rows = {row["group"]: row for row in section["equality"]["age"]}
    assert rows["old"]["ratio"]["low"] < 1.0 < rows["old"]["ratio"]["high"]
    assert np.isnan(rows["few"]["ratio"]["value"])
    assert rows["few"]["honest"] > 0


def test_a_group_that_is_flagged_more_often_is_shown_to_be(evidence):
    p = evidence.candidates["hybrid"]
    group = np.where((p * evidence.rows.amount >= 4.0) & (np.arange(p.size) % 2 == 0), "old", "young")
    told = replace(evidence, rows=replace(evidence.rows, groups={"age": group}))
    section = desk_section(told, config=CONFIG, decision=DECISION, rng=np.random.default_rng(2))
    assert {row["group"]: row["ratio"]["low"] > 1.5 for row in section["equality"]["age"]} == {
        "old": True,
        "young": False,
    }


def test_the_same_model_as_champion_raises_the_same_alerts(evidence):
    flat = DecisionConfig(point="alert_budget")
    champion = ChampionScores("3", evidence.candidates["hybrid"], 0)
    section = desk_section(
        replace(evidence, champion=champion), config=CONFIG, decision=flat, rng=np.random.default_rng(2)
    )
    assert section["figures"]["overlap_with_champion"]["value"] == 1.0


def test_net_benefit_of_flagging_all_is_that_of_the_prevalence(evidence, section):
    prevalence = evidence.rows.labels.mean()
    for row in section["decision_curve"]:
        expected = 1000 * (prevalence - (1 - prevalence) * row["threshold"] / (1 - row["threshold"]))
        assert row["all"]["value"] == pytest.approx(expected)


def test_the_exemption_needs_the_whole_interval_below_its_band(section):
    risk = section["transaction_risk"]
    allowed = [band["up_to"] for band in risk["bands"] if risk["fraud_rate"]["high"] <= band["rate"]]
    assert risk["exempt_up_to"] == max(allowed, default=0)
    assert risk["without"]["value"] > risk["fraud_rate"]["value"]


def test_without_calib_there_is_no_section(evidence):
    assert (
        desk_section(replace(evidence, calib=None), config=CONFIG, decision=DECISION, rng=np.random.default_rng(0))
        == {}
    )
