import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from evaluation.gate import ChampionEvidence, GateEvidence, judge
from evaluation.options import GateConfig
from evaluation.statistics.intervals import Interval

GOOD = GateEvidence(
    rows=100_000,
    frauds=1_800,
    observed_expected=Interval(1.01, 0.95, 1.07),
    ece=0.001,
    ece_null_95=0.0008,
    bins=15,
    roc_auc=Interval(0.93, 0.92, 0.94),
    baseline_roc_auc=Interval(0.88, 0.87, 0.89),
    roc_auc_difference=Interval(0.05, 0.04, 0.06),
)
EVEN = Interval(0.0, -0.001, 0.001)
CHAMPION = ChampionEvidence("7", 40_000, 700, EVEN, EVEN)


def verdict(config=None, **changes):
    return judge(replace(GOOD, **changes), config=config or GateConfig())


def test_good_evidence_passes_and_says_why():
    result = verdict()
    assert result.passed
    assert len(result.reasons) == 5
    assert result.reasons[0] == "1,800 frauds among 100,000 test rows, and 100 are needed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frauds": 99, "ece": 0.0}, r"99 frauds among 100,000 test rows, but 100 are needed"),
        ({"observed_expected": Interval(1.3, 1.16, 1.5)}, r"1\.160 to 1\.500\), which lies outside \[0\.85, 1\.15\]"),
        ({"observed_expected": Interval(0.7, 0.6, 0.84)}, r"which lies outside"),
        ({"ece": 0.0019}, r"ECE is 0\.00190 .* above 0\.00180, .*\(0\.00080\) and 0\.1 × prevalence \(0\.00180\)"),
        ({"roc_auc_difference": Interval(-0.01, -0.02, 0.001)}, "below the baseline's 0.8800"),
        ({"champion": replace(CHAMPION, log_loss=Interval(0.01, 0.005, 0.02))}, "worse in log loss than champion 7"),
        (
            {"champion": replace(CHAMPION, average_precision=Interval(-0.1, -0.2, -0.01))},
            "worse in average precision than champion 7",
        ),
    ],
)
def test_each_rule_refuses_alone_with_its_reason(changes, reason):
    result = verdict(**changes)
    assert not result.passed
    assert len(result.reasons) == 1
    assert re.search(reason, result.reasons[0]), result.reasons[0]


def test_an_interval_that_reaches_into_the_band_is_not_refused():
    assert verdict(observed_expected=Interval(1.2, 1.1, 1.4)).passed


def test_the_larger_of_null_and_tolerance_counts():
    assert verdict(ece=0.0019, ece_null_95=0.002).passed
    assert verdict(ece=0.00179, ece_null_95=0.0).passed


@pytest.mark.parametrize("name", ["ece", "ece_null_95"])
def test_what_is_undefined_is_not_proven(name):
    assert not verdict(**{name: float("nan")}).passed
    nan = Interval(float("nan"), float("nan"), float("nan"))
    assert not verdict(observed_expected=nan).passed
    assert not verdict(roc_auc_difference=nan).passed


def test_a_champion_with_few_frauds_or_a_problem_is_not_comparable_and_refuses_nothing():
    few = verdict(champion=replace(CHAMPION, frauds=49, log_loss=Interval(9, 8, 10)))
    broken = verdict(champion=replace(CHAMPION, problem="feature card_1d_count is missing"))
    assert few.passed
    assert broken.passed
    assert "not comparable: 49 frauds" in few.reasons[-1]
    assert "not comparable: feature card_1d_count is missing" in broken.reasons[-1]


def test_the_stricter_rule_wants_a_proven_gain():
    strict = GateConfig(champion_rule="better")
    assert verdict(champion=CHAMPION).passed
    assert not verdict(strict, champion=CHAMPION).passed
    assert verdict(strict, champion=replace(CHAMPION, log_loss=Interval(-0.01, -0.02, -0.001))).passed


def test_unknown_keys_and_impossible_limits_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        GateConfig(min_fraud=3)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        GateConfig(min_frauds=0)


def test_the_reason_names_the_bins_that_were_counted():
    assert "ECE is 0.00100 (40 equal-width bins)" in verdict(bins=40).reasons[2]
