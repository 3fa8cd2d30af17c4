"""Limits that hold on every day at once: in worlds without a difference, and in worlds with one."""

import numpy as np
import pytest

from evaluation.statistics.confidence_sequence import FEWEST_DAYS, watched_difference
from evaluation.statistics.sample import DAY


def days_of_losses(rng, *, days=40, rows=60, better=0.0):
    """Labels, two models' P(fraud) and times; days have a shift of their own, and `better` favours the other model."""
    day = np.repeat(np.arange(days), rows)
    shift = rng.normal(0, 0.3, days)[day]
    truth = 1 / (1 + np.exp(-(rng.normal(-1.5, 1, day.size) + shift)))
    noise = rng.normal(0, 0.3, (2, day.size))
    logits = np.log(truth / (1 - truth)) + noise
    one, other = 1 / (1 + np.exp(-(logits + np.array([[better], [0.0]]))))
    return (rng.random(day.size) < truth).astype(float), one, other, day * DAY


def excluded_on_some_day(rng, **world):
    """On how many of the first 40 mornings somebody who looks each time finds 0 excluded."""
    y, one, other, time = days_of_losses(rng, **world)
    found = []
    for day in range(FEWEST_DAYS, 41):
        seen = time < day * DAY
        each = watched_difference(y[seen], one[seen], other[seen], event_time=time[seen])
        found.append(each.worse or each.better)
    return any(found)


def test_models_that_do_not_differ_are_told_apart_in_fewer_than_one_world_in_twenty():
    rng = np.random.default_rng(5)
    assert sum(excluded_on_some_day(rng) for _ in range(60)) <= 3


def test_a_model_that_is_worse_is_found_out():
    rng = np.random.default_rng(6)
    y, one, other, time = days_of_losses(rng, better=1.2)
    found = watched_difference(y, one, other, event_time=time)
    assert found.worse
    assert not found.better
    assert watched_difference(y, other, one, event_time=time).better


def test_the_value_is_the_mean_difference_of_log_losses():
    y, p, q = np.array([1.0, 0.0]), np.array([0.8, 0.3]), np.array([0.5, 0.5])
    found = watched_difference(y, p, q, event_time=[0, 0])
    assert found.value == pytest.approx((-np.log(0.8) - np.log(0.7)) / 2 + np.log(0.5))


def test_weights_equal_repetition():
    y, one, other, time = days_of_losses(np.random.default_rng(7), days=8)
    twice = np.repeat(np.arange(y.size), 2)
    repeated = watched_difference(y[twice], one[twice], other[twice], event_time=time[twice])
    weighed = watched_difference(y, one, other, event_time=time, weight=np.full(y.size, 2.0))
    assert (weighed.value, weighed.low, weighed.high) == pytest.approx((repeated.value, repeated.low, repeated.high))


def test_few_days_have_no_limits():
    y, one, other, time = days_of_losses(np.random.default_rng(8), days=FEWEST_DAYS - 1)
    found = watched_difference(y, one, other, event_time=time)
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert not found.worse


def test_no_rows_are_no_difference():
    found = watched_difference([], [], [], event_time=[])
    assert np.isnan(found.value)
    assert found.days == 0
    assert not found.worse
