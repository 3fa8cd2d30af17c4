import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from evaluation.statistics.decomposition import corp, murphy, recalibrated
from evaluation.statistics.sample import sample
from evaluation.statistics.scores import brier, log_loss
from tests.oracles.evaluation import pool_adjacent_violators

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=2, max_size=60)


@settings(max_examples=40)
@given(rows=ROWS)
def test_murphy_parts_add_up_and_within_vanishes_over_distinct_probabilities(rows):
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    parts = murphy(y, p / 12, bins=None)
    assert parts.within == pytest.approx(0, abs=1e-12)
    assert parts.reliability - parts.resolution + parts.uncertainty == pytest.approx(brier(y, p / 12))


def test_murphy_within_is_variance_less_twice_covariance_of_each_bin():
    rng = np.random.default_rng(1)
    p = rng.random(500)
    y = (rng.random(500) < p).astype(float)
    within = 0.0
    for b in range(5):
        inside = np.minimum((p * 5).astype(int), 4) == b
        within += inside.sum() * (p[inside].var() - 2 * np.cov(p[inside], y[inside], bias=True)[0, 1]) / 500
        within += inside.sum() * y[inside].var() / 500 - inside.sum() * y[inside].mean() * (1 - y[inside].mean()) / 500
    assert murphy(y, p, bins=5).within == pytest.approx(within)


@pytest.mark.parametrize("score", ["brier", "log_loss"])
@settings(max_examples=40)
@given(rows=ROWS)
def test_corp_parts_add_up_and_are_not_negative(score, rows):
    y, p = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    p = (p + 0.5) / 13
    parts = corp(y, p, score=score)
    if 0 < y.sum() < y.size:
        given_score = brier(y, p) if score == "brier" else log_loss(y, p)
        assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(given_score)
        assert parts.miscalibration >= -1e-12
        assert parts.discrimination >= -1e-12


def test_recalibration_equals_scikit_learn_and_the_merging_loop():
    rng = np.random.default_rng(2)
    p = np.sort(rng.choice(np.arange(1000) / 1000, 300, replace=False))
    y = (rng.random(300) < p).astype(float)
    ours = recalibrated(sample(y, p))
    assert ours == pytest.approx(IsotonicRegression().fit_transform(p, y))
    assert ours == pytest.approx(pool_adjacent_violators(y, np.ones(300)))


def test_a_monotone_distortion_costs_miscalibration_alone():
    rng = np.random.default_rng(3)
    p = rng.random(4000)
    y = (rng.random(4000) < p).astype(float)
    right, bent = corp(y, p), corp(y, p**3)
    assert bent.discrimination == pytest.approx(right.discrimination)
    assert bent.miscalibration > 10 * right.miscalibration
