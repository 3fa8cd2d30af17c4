"""The week after a date: means over weeks, and the arms that are asked."""

import numpy as np
import pytest

from pipeline.schedule.week_after import ARMS, MEANS, week_means


def week(**changed):
    plain = dict.fromkeys(MEANS, 1.0)
    return {"models": {arm: plain | {name: values[arm] for name, values in changed.items()} for arm in ARMS}}


def test_means_are_over_weeks_and_levels_are_far_off_either_way():
    low, high = (dict.fromkeys(ARMS, value) for value in (0.5, 2.0))
    found = week_means([week(observed_expected=low), week(observed_expected=high)])
    assert found["refit"]["observed_expected"] == 1.25
    assert found["refit"]["log_observed_expected"] == pytest.approx(np.log(2))


def test_each_arm_has_its_own_means():
    precision = {"never retrained": 0.1, "judged": 0.2, "refit": 0.6}
    found = week_means([week(average_precision=precision)] * 3)
    assert {arm: found[arm]["average_precision"] for arm in ARMS} == pytest.approx(precision)


def test_without_weeks_there_are_no_means():
    assert week_means([]) == {}
