"""Weights that undo what dropping late labels does to the share of frauds."""

import numpy as np
import pytest

from features.split import SplitConfig, time_folds
from features.times import DAY
from pipeline.stages.features.label_weights import LabelTimes, effective_rows, label_weights

SPLIT = SplitConfig(train="60d", gap="7d", valid="14d", calib="28d", test="14d")
START = 19_000 * DAY


def made(seed=0, *, rows=60_000, fraud_delay=6.0, legitimate_delay=2.0, midnight=False):
    """150 days of rows, a tenth of them fraud, whose labels take exponential times, or come at once where that is 0."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, 150 * DAY, rows))
    label = (rng.random(rows) < 0.1).astype(np.float32)
    wait = rng.exponential(1.0, rows) * np.where(label == 1, fraud_delay, legitimate_delay)
    if midnight:
        time, wait = time // DAY * DAY, np.ceil(wait)
    return LabelTimes(label, time, time + (wait * DAY).astype(np.int64))


def weighed(labels, *, as_of=None, delay=7):
    folds = time_folds(
        labels.event_time, labels.label, labels.available_at, split=SPLIT, delay=delay * DAY, as_of=as_of
    )
    return folds, label_weights(labels, folds, as_of=as_of)


def fraud_share(labels, rows, weight):
    return np.average(labels.label[rows], weights=weight[rows])


@pytest.mark.parametrize("name", ["train", "valid", "calib"])
@pytest.mark.parametrize("midnight", [False, True])
def test_the_weighted_share_of_frauds_is_that_of_all_rows(name, midnight):
    shares = []
    for seed in range(6):
        labels = made(seed, midnight=midnight, fraud_delay=12.0)
        folds, found = weighed(labels)
        used = found.folds.usable & folds.rows(name)
        truth = labels.label[folds.rows(name)].mean()
        dropped = labels.label[folds.usable & folds.rows(name)].mean()
        shares.append((fraud_share(labels, used, found.weight) / truth, dropped / truth))
    weighted, unweighted = np.mean(shares, axis=0)
    assert weighted == pytest.approx(1, abs=0.012)
    assert unweighted < 0.985


def test_a_feed_that_dates_its_frauds_alone_has_the_right_share_too():
    labels = made(3, fraud_delay=12.0, legitimate_delay=0.0)
    dated = LabelTimes(
        labels.label,
        labels.event_time,
        np.where(labels.label == 1, labels.available_at, labels.event_time + 7 * DAY),
    )
    folds, found = weighed(dated)
    calib = folds.rows("calib")
    assert fraud_share(dated, calib & folds.usable, np.ones(calib.size)) < 0.93 * dated.label[calib].mean()
    used = calib & found.folds.usable
    assert fraud_share(dated, used, found.weight) == pytest.approx(dated.label[calib].mean(), rel=0.05)
    assert (found.weight[used & (dated.label == 0)] == 1).all()


@pytest.mark.parametrize("delay", [0.0, 7.0])
def test_labels_that_all_come_in_time_weigh_exactly_one(delay):
    labels = made(fraud_delay=0.0, legitimate_delay=0.0)
    known = LabelTimes(labels.label, labels.event_time, labels.event_time + int(delay * DAY))
    folds, found = weighed(known)
    assert found.folds is folds
    assert (found.weight == 1).all()


def test_an_age_at_which_hardly_a_fraud_is_known_goes_with_both_classes():
    labels = made(1)
    late = np.where(labels.label == 1, labels.event_time + 20 * DAY, labels.available_at)
    shifted = LabelTimes(labels.label, labels.event_time, np.maximum(late, labels.available_at))
    folds, found = weighed(shifted)
    calib = found.folds.folds[2]
    young = folds.rows("calib") & (calib.deadline - labels.event_time < 20 * DAY)
    assert not found.folds.usable[young].any()
    assert min(calib.unripe[0], calib.usable[0], calib.usable[1]) > 0
    assert sum(calib.usable) + sum(calib.unripe) + sum(calib.immature) == calib.rows


def test_labels_that_came_after_the_deadline_change_no_weight():
    labels = made(2)
    folds, found = weighed(labels)
    deadline = folds.folds[0].deadline
    later = np.where(labels.available_at > deadline, labels.available_at + 9 * DAY, labels.available_at)
    _, other = weighed(LabelTimes(labels.label, labels.event_time, later))
    train = folds.rows("train")
    np.testing.assert_array_equal(found.weight[train], other.weight[train])
    assert found.weight[train].max() > 1


def test_test_is_weighed_where_there_is_a_moment_that_it_is_known_at():
    labels = made(4)
    as_of = START + 149 * DAY
    folds, found = weighed(labels, as_of=as_of)
    test = folds.rows("test")
    assert found.weight[test & folds.usable & (labels.label == 1)].min() > 1
    truth = labels.label[test].mean()
    assert fraud_share(labels, test & found.folds.usable, found.weight) == pytest.approx(truth, rel=0.06)
    assert (weighed(labels)[1].weight[weighed(labels)[0].rows("test")] == 1).all()


def test_unlike_weights_count_as_fewer_rows():
    labels = made(5)
    folds, found = weighed(labels)
    legitimate, fraud = effective_rows("calib", labels, found)
    calib = found.folds.folds[2]
    assert legitimate <= calib.usable[0]
    assert 0.5 * calib.usable[1] < fraud < calib.usable[1]
    assert folds.folds[2].usable == calib.usable
