"""A mean over clusters has an error that stays honest where there are few of them."""

import numpy as np
import pytest
from scipy.stats import t

from evaluation.statistics.clustered_mean import clustered_mean


def test_clusters_of_one_row_give_the_textbook_error_of_a_mean():
    values = np.random.default_rng(0).normal(size=50)
    found = clustered_mean(values, np.arange(50))
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(50))


def test_a_row_repeated_inside_its_cluster_says_nothing_new():
    values, clusters = np.array([1.0, 2.0, 4.0]), np.arange(3)
    once, twice = clustered_mean(values, clusters), clustered_mean(np.repeat(values, 2), np.repeat(clusters, 2))
    assert twice.error == pytest.approx(once.error)


def test_the_limit_is_students_and_adds_another_error_in_squares():
    found = clustered_mean(np.array([1.0, 2.0, 4.0, 9.0]), np.array([0, 1, 2, 3]))
    assert found.beyond(0.05) == pytest.approx(t.ppf(0.95, 3) * found.error)
    both = found.beyond(0.05, repeat_error=2.0, degrees=1.0)
    assert both == pytest.approx(t.ppf(0.95, 1) * np.hypot(found.error, 2.0))


def test_one_cluster_can_prove_nothing():
    assert clustered_mean(np.ones(5), np.zeros(5, dtype=np.int64)).beyond(0.05) == np.inf


def test_seven_days_exceed_their_limit_as_often_as_they_say():
    rng = np.random.default_rng(1)
    day = np.repeat(np.arange(7), 20)
    found = [clustered_mean(rng.normal(size=140) + rng.normal(size=7)[day], day) for _ in range(1_500)]
    share = np.mean([each.value > each.beyond(0.05) for each in found])
    assert share == pytest.approx(0.05, abs=0.015)
