"""Intervals of functions of sums: as wide as they must be, paired, and undefined where there is nothing."""

import numpy as np
import pytest

from evaluation.statistics.dependence import Dependence
from evaluation.statistics.resampled_sums import resampled_sums


def rows_alone(count):
    return Dependence({"row": np.arange(count)}, {"row": count})


def test_a_mean_is_as_uncertain_as_its_standard_error_says():
    values = np.random.default_rng(1).exponential(1, 600)
    drawn = resampled_sums(
        {"x": values, "n": np.ones(600)}, rows_alone(600), rng=np.random.default_rng(2), resamples=1_000
    )
    found = drawn.interval(lambda s: s["x"] / s["n"])
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(600), rel=0.1)


def test_rows_that_move_together_make_it_wider():
    values = np.repeat(np.random.default_rng(1).normal(size=60), 10)
    apart, together = (
        resampled_sums({"x": values}, units, rng=np.random.default_rng(2), resamples=300).interval(lambda s: s["x"])
        for units in (rows_alone(600), Dependence({"card": np.repeat(np.arange(60), 10)}, {"card": 60}))
    )
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_what_two_figures_share_cancels_in_their_difference():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 10, 500)
    drawn = resampled_sums({"a": noise + 1, "b": noise}, rows_alone(500), rng=rng, resamples=200)
    found = drawn.interval(lambda s: s["a"] - s["b"])
    assert (found.low, found.high) == (pytest.approx(500), pytest.approx(500))


def test_a_ratio_to_nothing_is_undefined():
    drawn = resampled_sums(
        {"a": np.ones(9), "b": np.zeros(9)}, rows_alone(9), rng=np.random.default_rng(0), resamples=100
    )
    assert not np.isfinite(drawn.interval(lambda s: s["a"] / s["b"]).low)
