"""Recall at a fixed share of false alerts equals the search over all thresholds, ties and weights included."""

import numpy as np
import pytest
from scipy.stats import norm

from evaluation.statistics.dependence import Dependence
from evaluation.statistics.true_positives import true_positive_rates
from tests.oracles.desk_naive import true_positive_rate


def found(labels, p, weight=None, resamples=100):
    units = Dependence({"row": np.arange(labels.size)}, {"row": labels.size})
    rng = np.random.default_rng(1)
    return true_positive_rates(
        labels, p, at=(0.01, 0.05, 0.3), units=units, rng=rng, resamples=resamples, weight=weight
    )


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_best_of_all_thresholds(seed):
    rng = np.random.default_rng(seed)
    p, weight = rng.random(150).round(1 + seed % 2), rng.integers(1, 4, 150).astype(float)
    labels = (rng.random(150) < p).astype(float)
    rows = list(zip(labels, p, p, [None] * 150, range(150), weight, strict=True))
    for rate, interval in zip((0.01, 0.05, 0.3), found(labels, p, weight), strict=True):
        assert interval.value == pytest.approx(true_positive_rate(rows, false_positive_rate=rate))


def test_nine_intervals_of_ten_or_more_hold_the_truth():
    truth = norm.sf(norm.isf(0.015) - 1.5)  # of N(1.5, 1) against N(0, 1)
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = (np.arange(1_500) < 300).astype(float)
        score = 1 / (1 + np.exp(-rng.normal(1.5 * labels, 1.0)))
        units = Dependence({"row": np.arange(1_500)}, {"row": 1_500})
        (one,) = true_positive_rates(labels, score, at=(0.015,), units=units, rng=rng, resamples=100)
        held += one.low <= truth <= one.high
    assert held >= 51


def test_one_class_alone_has_none():
    assert all(not np.isfinite(each.value) for each in found(np.zeros(9), np.linspace(0, 1, 9)))
