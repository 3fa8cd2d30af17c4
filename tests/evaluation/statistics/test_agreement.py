"""Two models on rows without labels: the same, in another order, at another level."""

import numpy as np
import pytest
from scipy.stats import rankdata

from evaluation.statistics.agreement import agreement

P = np.random.default_rng(1).uniform(0.001, 0.9, 2000)


def test_a_model_agrees_with_itself():
    found = agreement(P, P, thresholds={"half": 0.5})
    assert (found.rank_correlation, found.stability, found.promised) == pytest.approx((1, 0, 1))
    assert found.alerts == {"half": 1.0}


def test_the_rank_correlation_is_that_of_the_ranks():
    other = P * np.random.default_rng(2).uniform(0.5, 1.5, P.size)
    ranks = np.corrcoef(rankdata(P), rankdata(other))[0, 1]
    assert agreement(P, other, thresholds={}).rank_correlation == pytest.approx(ranks)


def test_twice_the_level_promises_twice_the_frauds():
    found = agreement(P / 2, P, thresholds={"low": 0.2})
    assert found.promised == pytest.approx(0.5)
    assert found.alerts["low"] == pytest.approx((P >= 0.4).sum() / (P >= 0.2).sum())
    assert found.stability > 0.1


def test_a_threshold_that_the_other_never_reaches_has_no_ratio():
    assert np.isnan(agreement(P, P * 0.1, thresholds={"high": 0.8}).alerts["high"])


def test_probabilities_that_are_all_alike_rank_nothing_and_warn_of_nothing():
    found = agreement([0.2, 0.2, 0.2], [0.1, 0.2, 0.3], thresholds={})
    assert np.isnan(found.rank_correlation)


def test_one_row_tells_nothing():
    assert np.isnan(agreement([0.1], [0.1], thresholds={}).rank_correlation)
