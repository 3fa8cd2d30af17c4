"""What the report says of the champion's daily promises."""

import numpy as np
import pytest

from evaluation.options import DriftConfig
from evaluation.report.detector_section import detector_metrics, detector_section
from tests.fixtures.watched_champions import watched


def test_promises_that_hold_raise_no_alarm():
    section = detector_section(watched(np.random.default_rng(1)), config=DriftConfig())
    assert (section["rings"], section["alarms"]) == (False, [])
    assert section["rings_at"] == 3200.0
    assert section["days"] == len(section["daily"]) in {24, 25}


def test_a_change_is_told_with_its_statistic_day_and_interval():
    section = detector_section(watched(np.random.default_rng(2), changed_on=15), config=DriftConfig())
    ratio = section["statistics"]["observed_expected"]["ratio"]
    assert section["rings"]
    assert ratio["low"] < 2.5 < ratio["high"]
    assert section["alarms"][0].startswith("champion 7 no longer keeps its promises: ")
    assert " since 2024-04-02 (95 % interval " in section["alarms"][0]
    assert section["daily"][0]["day"] == "2024-03-18"


@pytest.mark.parametrize("change", [{"detector_margin": 3.0}, {"detector_false_alarms": 1e-300}])
def test_a_wider_margin_or_fewer_false_alarms_keep_it_quiet(change):
    section = detector_section(watched(np.random.default_rng(2), changed_on=15), config=DriftConfig(**change))
    assert section["alarms"] == []


def test_without_a_champion_there_is_nothing_to_say_and_no_number():
    assert detector_section(None, config=DriftConfig()) == {}
    assert set(detector_metrics({}).values()) == {None}


def test_tracking_keeps_the_ratios_and_the_logarithm_of_the_evidence():
    section = detector_section(watched(np.random.default_rng(2), changed_on=15), config=DriftConfig())
    found = detector_metrics(section)
    assert found["detector_observed_expected"] == section["statistics"]["observed_expected"]["ratio"]["value"]
    assert found["detector_log_evidence"] == pytest.approx(np.log(section["evidence"]))
    assert found["detector_fraud_log_loss"] > 2
