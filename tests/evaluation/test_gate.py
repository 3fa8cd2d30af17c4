import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from evaluation.gate import Comparison, GateEvidence, MapFit, judge
from evaluation.options import GateConfig
from evaluation.statistics.intervals import Interval

LEVEL_OFF = Interval(1.3, 1.2, 1.4)
NAN = Interval(float("nan"), float("nan"), float("nan"))
RIGHT = Interval(1.01, 0.95, 1.07)
BETTER, EVEN, WORSE = (Interval(v, v - 0.001, v + 0.001) for v in (-0.01, 0.0, 0.01))


def against(difference: Interval, *, likely: Interval | None = None, name="champion 7", **changes) -> Comparison:
    made = Comparison(name, 40_000, 700, 0.05, difference, likely or difference, EVEN, RIGHT, LEVEL_OFF)
    return replace(made, **changes)


GOOD = GateEvidence(
    rows=100_000,
    frauds=1_800,
    observed_expected=RIGHT,
    calibration_slope=Interval(0.98, 0.93, 1.04),
    ece_debiased=Interval(0.0004, 0.0, 0.0011),
    prevalence=0.018,
    bins=15,
    brier_skill=Interval(0.37, 0.33, 0.4),
    baseline=against(BETTER, name="the baseline (logistic)"),
)
MISLEVELLED = replace(GOOD, observed_expected=LEVEL_OFF, ece_debiased=Interval(0.0054, 0.004, 0.007))


def verdict(config=None, evidence=GOOD, **changes):
    return judge(replace(evidence, **changes), config=config or GateConfig())


def status(result, name):
    return next(check.status for check in result.checks if check.name == name)


def test_good_evidence_passes_and_says_why():
    result = verdict()
    assert result.passed
    assert len(result.reasons) == len(result.remedies) == len(result.checks) == 7
    assert result.reasons[0] == "1,800 frauds among 100,000 test rows, and 100 are needed"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"frauds": 99}, r"99 frauds among 100,000 test rows, but 100 are needed"),
        ({"observed_expected": Interval(1.3, 1.16, 1.5)}, r"1\.160 to 1\.500\), wholly outside \[0\.85, 1\.15\]"),
        ({"observed_expected": Interval(0.7, 0.6, 0.84)}, r"wholly outside"),
        ({"calibration_slope": Interval(0.7, 0.64, 0.79)}, r"slope is 0\.700 .* wholly outside \[0\.8, 1\.25\]"),
        ({"ece_debiased": Interval(0.003, 0.0019, 0.004)}, r"wholly above 0\.1 × prevalence \(0\.00180\)"),
        ({"brier_skill": Interval(0.01, -0.01, 0.02)}, r"Brier skill is 0\.010 .*, not shown to be above 0"),
        ({"baseline": against(WORSE, name="the baseline (logistic)")}, r"worse in log loss than the baseline"),
        ({"champion": against(WORSE)}, "worse in log loss than champion 7"),
        ({"anchor": against(WORSE, name="anchor 3")}, "worse in log loss than anchor 3"),
        (
            {"map_fit": MapFit(0.71, 0.03, 1.0, 0.0)},
            r"0\.710 and slope 1\.000: observed/expected off by more than 10% and chance",
        ),
        ({"map_fit": MapFit(1.0, 0.0, 1.43, 0.05)}, r": slope off by more than 10% and chance"),
        ({"drift": ("the score itself drifted",)}, "the score itself drifted"),
    ],
)
def test_each_rule_refuses_alone_with_its_reason_and_a_remedy(changes, reason):
    result = verdict(**changes)
    assert not result.passed
    assert len(result.reasons) == len(result.remedies) == 1
    assert re.search(reason, result.reasons[0]), result.reasons[0]
    assert len(result.remedies[0].split()) > 8


def test_an_interval_that_reaches_into_the_band_is_open_and_never_said_to_meet_it():
    result = verdict(observed_expected=Interval(0.782, 0.687, 0.888))
    assert result.passed
    assert status(result, "calibration in the large") == "open"
    assert any("0.782" in text and "cannot be told from [0.85, 1.15]" in text for text in result.reasons)


def test_a_wide_interval_around_a_right_value_is_no_tick():
    assert status(verdict(observed_expected=Interval(1.0, 0.3, 2.5)), "calibration in the large") == "open"
    assert status(verdict(calibration_slope=Interval(1.0, 0.1, 3.0)), "calibration slope") == "open"
    assert status(verdict(ece_debiased=Interval(0.0, 0.0, 0.01)), "calibration error") == "open"


def test_an_anchor_that_cannot_be_compared_is_told_and_refuses_nothing():
    result = verdict(anchor=against(BETTER, name="anchor 3", problem="its bundle is broken"))
    assert result.passed
    assert status(result, "anchor") == "warned"


def test_an_error_above_its_limit_whose_interval_reaches_below_is_open():
    assert status(verdict(ece_debiased=Interval(0.0025, 0.0017, 0.004)), "calibration error") == "open"
    assert status(verdict(ece_debiased=Interval(0.0007, 0.0, 0.0017)), "calibration error") == "met"


@pytest.mark.parametrize("name", ["observed_expected", "calibration_slope", "ece_debiased", "brier_skill"])
def test_what_is_undefined_is_not_proven(name):
    assert not verdict(**{name: NAN}).passed


def test_a_baseline_that_cannot_be_compared_is_not_proven():
    assert not verdict(baseline=against(NAN, name="the baseline (logistic)")).passed


@pytest.mark.parametrize(
    "champion",
    [
        against(BETTER, frauds=49),
        against(BETTER, problem="feature card_1d_count is missing"),
        against(NAN),
    ],
)
def test_a_champion_that_cannot_be_compared_refuses(champion):
    result = verdict(champion=champion)
    assert not result.passed
    assert "champion 7 is not comparable" in result.reasons[0]


def test_an_equal_of_the_champion_passes():
    result = verdict(champion=against(EVEN))
    assert result.passed
    assert status(result, "champion") == "open"


def test_a_likely_loss_refuses_beyond_the_margin_alone():
    likely, unproven = Interval(0.001, 0.0001, 0.002), Interval(0.001, -0.0001, 0.002)
    assert not verdict(champion=against(unproven, likely=likely)).passed  # 2 % of .05
    assert verdict(GateConfig(margin=0.03), champion=against(unproven, likely=likely)).passed
    assert verdict(champion=against(unproven, likely=unproven)).passed


def test_beside_a_champion_the_baseline_refuses_nothing():
    result = verdict(champion=against(EVEN), baseline=against(WORSE, name="the baseline (logistic)"))
    assert result.passed
    assert status(result, "baseline") == "absent"


def test_a_champion_that_is_only_shown_leaves_the_baseline_to_count():
    shown = GateConfig(champion_rule="shown")
    assert verdict(shown, champion=against(WORSE)).passed
    assert not verdict(shown, champion=against(WORSE), baseline=against(WORSE, name="the baseline")).passed


def test_the_stricter_rule_wants_a_proven_gain():
    strict = GateConfig(champion_rule="better")
    assert not verdict(strict, champion=against(EVEN)).passed
    assert verdict(strict, champion=against(BETTER)).passed


def test_a_level_that_is_off_passes_with_a_warning_where_the_champions_is_further_off():
    worse = against(BETTER, observed_expected=Interval(1.6, 1.4, 1.8))
    result = verdict(evidence=MISLEVELLED, champion=worse)
    assert result.passed
    assert status(result, "calibration in the large") == "warned"
    assert any("champion 7 is further off, 1.600" in text for text in result.reasons)


@pytest.mark.parametrize(
    "changes",
    [
        {"champion": None},
        {"champion": against(BETTER, observed_expected=Interval(1.2, 1.1, 1.3))},
        {"champion": against(BETTER, observed_expected=NAN)},
        {"champion": against(BETTER, observed_expected=Interval(1.36, 0.98, 1.8))},
        {
            "champion": against(BETTER, observed_expected=Interval(1.6, 1.4, 1.8)),
            "observed_expected": RIGHT,
        },
        {
            "champion": against(BETTER, observed_expected=Interval(1.6, 1.4, 1.8)),
            "calibration_slope": Interval(0.6, 0.5, 0.7),
        },
        {"champion": against(WORSE, observed_expected=Interval(1.6, 1.4, 1.8))},
    ],
)
def test_a_level_that_is_off_is_refused_where_the_champion_is_closer_or_more_is_wrong(changes):
    assert not verdict(evidence=MISLEVELLED, **changes).passed


def test_unknown_keys_and_impossible_limits_are_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        GateConfig(min_fraud=3)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        GateConfig(min_frauds=0)


def test_the_reason_names_the_bins_that_were_counted():
    assert any("over 40 equal-width bins" in text for text in verdict(bins=40).reasons)


def test_figures_hold_what_reasons_quote():
    figures = verdict(champion=against(EVEN)).figures
    assert figures["ece_limit"] == pytest.approx(0.0018)
    assert figures["champion.log_loss.high"] == EVEN.high
    assert figures["champion.frauds"] == 700


@pytest.mark.parametrize(
    "found", [MapFit(1, 0, 1, 0), MapFit(0.92, 0.01, 1.08, 0.01), MapFit(1.3, 0.11, 1.0, 0.0), MapFit(1, 0, 0.8, 0.07)]
)
def test_a_map_within_tolerance_or_chance_is_that_of_its_rows(found):
    assert verdict(map_fit=found).passed


def test_a_map_of_unknown_level_is_not_proven():
    assert not verdict(map_fit=MapFit(*[float("nan")] * 4)).passed
    assert not verdict(map_fit=MapFit(1.0, 0.0, float("nan"), float("nan"))).passed
