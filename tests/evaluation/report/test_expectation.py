"""What the judged fold leads to expect is right by the textbook, survives JSON, and knows what a day is like."""

import json

import numpy as np
import pytest

from evaluation.report.expectation import SCORE, expectation, expectation_from, promised_log_loss
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY


def made(days=14, rows=200):
    rng = np.random.default_rng(5)
    times = np.repeat(np.arange(days), rows) * DAY + 1
    p = rng.beta(1, 9, days * rows)
    labels = (rng.random(p.size) < p).astype(float)
    judged = JudgedRows(labels, times, np.ones(p.size))
    columns = {"plain": rng.normal(size=p.size), "weekday": np.array([f"{d % 7}" for d in times // DAY], dtype=object)}
    return expectation(judged, p, columns, average_precision=0.3, event_time=times, scores=p)


def test_the_promise_is_the_mean_log_loss_of_outcomes_drawn_from_the_probabilities():
    rng = np.random.default_rng(2)
    p = rng.beta(1, 20, 2_000)
    labels = rng.random((400, p.size)) < p
    losses = -np.log(np.where(labels, p, 1 - p)).mean(axis=1)
    assert promised_log_loss(p) == pytest.approx(losses.mean(), abs=3 * losses.std() / 20)


def test_weights_equal_repetition():
    assert promised_log_loss([0.1, 0.4], weight=[3, 1]) == pytest.approx(promised_log_loss([0.1, 0.1, 0.1, 0.4]))


def test_an_honest_fold_keeps_its_promise():
    assert made().kept == pytest.approx(1.0, abs=0.05)


def test_a_day_of_one_weekday_is_usual_and_a_week_of_it_is_not():
    column = made().columns["weekday"]
    index = column.index(np.array(["3"] * 200, dtype=object)).index
    assert index > 4
    assert column.usual(days=1.0) == pytest.approx(index)
    assert column.usual(days=7.0) < 0.01


def test_what_the_manifest_holds_is_read_back_whole():
    before = made()
    after = expectation_from(json.loads(json.dumps(before.to_dict())))
    assert after.to_dict() == before.to_dict()
    assert set(after.columns) == {"plain", "weekday", SCORE}
    values = np.random.default_rng(1).normal(0.4, 1, 300)
    assert after.columns["plain"].index(values) == before.columns["plain"].index(values)
