"""Draws of several units as one."""

import numpy as np
import pytest

from evaluation.options import BootstrapSettings
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.two_way import combined_draws, two_way_variance, variance, widest_unit

DRAWS = {
    "card": np.random.default_rng(1).normal(0, 2.0, 400),
    "merchant": np.random.default_rng(2).normal(0, 3.0, 400),
    "cell": np.random.default_rng(3).normal(0, 1.0, 100),
}


def test_the_combined_draws_have_the_two_way_variance():
    both = combined_draws(0.0, DRAWS, within=(-np.inf, np.inf))
    expected = DRAWS["card"].var() + DRAWS["merchant"].var() - DRAWS["cell"].var()
    assert both.var() == pytest.approx(expected)
    assert widest_unit(DRAWS) == "merchant"


def test_nothing_is_narrower_than_the_widest_unit():
    noisy_cell = DRAWS | {"cell": 9.0 * DRAWS["cell"], "day": np.random.default_rng(4).normal(0, 4.0, 100)}
    assert two_way_variance(noisy_cell) == pytest.approx(noisy_cell["day"].var())
    assert combined_draws(0.0, noisy_cell, within=(-np.inf, np.inf)).var() == pytest.approx(noisy_cell["day"].var())


def test_one_unit_alone_keeps_its_draws():
    assert combined_draws(0.5, {"card": DRAWS["card"]}, within=(0.0, 1.0)) is DRAWS["card"]


def test_stretched_draws_stay_in_the_statistics_range():
    both = combined_draws(0.0, DRAWS, within=(-1.0, 1.0))
    assert (both.min(), both.max()) == (-1.0, 1.0)


def test_undefined_draws_are_left_out_of_the_variance():
    assert variance(np.array([1.0, np.nan, 3.0, np.nan])) == 1.0
    assert variance(np.full(4, np.nan)) == 0.0


def test_the_two_way_variance_of_a_sum_is_that_of_its_effects():
    rng = np.random.default_rng(5)
    card, merchant = rng.integers(0, 300, 9_000), rng.integers(0, 200, 9_000)
    eta = np.clip(0.2 + rng.normal(0, 0.08, 300)[card] + rng.normal(0, 0.1, 200)[merchant], 0, 1)
    y = (rng.random(card.size) < eta).astype(float)
    rows = JudgedRows(y, np.zeros(card.size, dtype=np.int64), np.ones(card.size), card, merchant=merchant)
    units = dependence(rows, by="auto", fewest=30)
    p = np.full(card.size, y.mean())
    drawn = paired_bootstrap(
        y, {"a": p}, clusters=units, rng=rng, settings=BootstrapSettings(resamples=800, ranking=False)
    )
    r = y - p
    sums = [(np.bincount(codes, weights=r) ** 2).sum() for codes in (card, merchant, units.units["cell"])]
    closed_form = np.sqrt(sums[0] + sums[1] - sums[2]) / p.sum()
    assert drawn.deviation("a", "observed_expected") == pytest.approx(closed_form, rel=0.08)
