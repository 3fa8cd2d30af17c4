"""Daily promises of a fixed model and what is known of them, on labels that come late."""

import numpy as np
import pytest

from evaluation.statistics.champion_days import WatchedRows, champion_days
from evaluation.statistics.label_delay import LabelCurves, fit_label_curves
from evaluation.statistics.sample import DAY


def world(rng, *, days=40, rows=3_000, unlabelled=0.0):
    """Rows with probabilities that are right, labels, and when they are known; some never are."""
    time = np.sort(rng.integers(0, days * DAY, days * rows))
    p = rng.beta(0.5, 20, time.size)
    label = (rng.random(time.size) < p).astype(float)
    known = time + (rng.exponential(np.where(label == 1, 4.0, 1.0)) * DAY).astype(np.int64)
    known[rng.random(time.size) < unlabelled] = 10**18
    return time, p, label, known


def on_night(night, time, p, label, known):
    """What a night knows of rows that are older."""
    as_of, old = night * DAY, time < night * DAY
    seen = np.where(known <= as_of, label, np.nan)[old]
    return seen, time[old], p[old], known[old], as_of


def days_of(night, made):
    label, time, p, known, as_of = on_night(night, *made)
    return champion_days(WatchedRows(label, p, time), fit_label_curves(label, time, known, deadline=as_of), as_of=as_of)


def test_late_labels_are_accounted_for_on_every_day_that_counts():
    made = world(np.random.default_rng(1))
    frauds = days_of(40, made).frauds
    assert frauds.day[-1] in {38, 39}
    assert frauds.observed[-8:].sum() / frauds.expected[-8:].sum() == pytest.approx(1.0, abs=0.06)
    assert (np.diff(frauds.noise[-8:-1]) > 0).all()


def test_without_a_night_every_label_counts_once():
    time, p, label, _ = world(np.random.default_rng(2), days=3)
    found = champion_days(WatchedRows(label, p, time), LabelCurves(None, None), as_of=None)
    assert found.frauds.observed.tolist() == np.bincount(time // DAY, label).tolist()
    assert found.frauds.expected.tolist() == pytest.approx(np.bincount(time // DAY, p).tolist())
    assert found.frauds.noise.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("cleared", "unlabelled"), [(14, 0.0), (30, 0.0), (14, 0.3)])
def test_honest_rows_that_are_not_due_yet_do_not_shrink_the_promise(cleared, unlabelled):
    time, p, label, known = world(np.random.default_rng(6), unlabelled=unlabelled)
    known = np.where((label == 0) & (known < 10**18), time + cleared * DAY, known)
    frauds = days_of(40, (time, p, label, known)).frauds
    assert frauds.observed.sum() / frauds.expected.sum() == pytest.approx(1.0, abs=0.04)


def test_the_share_that_never_gets_a_label_is_told_before_honest_rows_are_all_cleared():
    rng = np.random.default_rng(7)
    time, p, label, known = world(rng, days=120, rows=1_000, unlabelled=0.3)
    cleared = time + (rng.exponential(14.0, time.size) * DAY).astype(np.int64)
    known = np.where((label == 0) & (known < 10**18), cleared, known)
    label, time, p, known, as_of = on_night(120, time, p, label, known)
    curves, watched = fit_label_curves(label, time, known, deadline=as_of), time >= 90 * DAY
    frauds = champion_days(WatchedRows(label[watched], p[watched], time[watched]), curves, as_of=as_of).frauds
    assert frauds.observed.sum() / frauds.expected.sum() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("night", [20, 40])
def test_rows_that_never_get_a_label_promise_nothing(night):
    made = world(np.random.default_rng(3), unlabelled=0.3)
    frauds = days_of(night, made).frauds
    assert frauds.observed[-10:].sum() / frauds.expected[-10:].sum() == pytest.approx(1.0, abs=0.08)


def test_the_loss_is_that_of_the_frauds_against_its_promise_by_hand():
    label, p, time = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.2, 0.1]), np.array([0, 1, DAY])
    loss = champion_days(WatchedRows(label, p, time), LabelCurves(None, None), as_of=None).loss
    ratio = np.log(2) / (0.5 * np.log(2) + 0.2 * np.log(5)), 10.0
    assert (loss.observed / loss.expected).tolist() == pytest.approx(ratio)
    assert (loss.observed[1] / loss.observed[0]) == pytest.approx(np.log(10) / np.log(2))


def test_missed_frauds_move_the_loss_more_than_the_count():
    rng = np.random.default_rng(4)
    time, p, label, _ = world(rng, days=5)
    label[rng.permutation(np.flatnonzero(p < 0.01))[:100]] = 1.0
    found = champion_days(WatchedRows(label, p, time), LabelCurves(None, None), as_of=None)
    frauds, loss = (each.observed.sum() / each.expected.sum() for each in (found.frauds, found.loss))
    assert loss > frauds + 0.1 > 1.1


def test_rows_too_young_are_left_out_and_none_at_all_are_no_days():
    made = world(np.random.default_rng(5), days=20)
    label, time, p, known, as_of = on_night(20, *made)
    delays = fit_label_curves(label, time, known, deadline=as_of)
    young = time >= as_of - DAY // 2
    found = champion_days(WatchedRows(label[young], p[young], time[young]), delays, as_of=as_of)
    assert found.frauds.day.size == found.loss.day.size == 0
