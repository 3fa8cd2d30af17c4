"""Intervals from the percentiles of draws."""

import numpy as np

from evaluation.statistics.percentiles import percentile_interval


def test_resamples_without_a_value_are_left_out_and_told_when_many():
    some = percentile_interval(1.0, np.array([0.5, 1.0, 1.5, np.nan]), confidence=0.9)
    assert some.low < some.high
    many = percentile_interval(1.0, np.array([0.5, np.nan, np.nan, np.nan]), confidence=0.9)
    assert many.reason == "undefined in 3 of 4 resamples"
