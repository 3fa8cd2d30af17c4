"""What a file's own report dates say of the frauds of its test fold."""

import numpy as np
import pytest

from features.split import SplitConfig, time_folds
from features.times import DAY
from pipeline.stages.features.label_maturity import label_maturity, maturity_warnings
from pipeline.stages.features.label_weights import LabelTimes

SPLIT = SplitConfig(train="60d", gap="7d", valid="14d", calib="14d", test="28d")
START = 19_000 * DAY


YOUNG = SplitConfig(train="60d", gap="7d", valid="14d", calib="14d", test="14d")


def extract(seed=0, *, rows=40_000, days=150, cut=True, delay=10.0):
    """A file taken on its last day: frauds that were not reported by then stand in it as honest rows, as feeds do."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, days * DAY, rows))
    truth = (rng.random(rows) < 0.03).astype(np.float32)
    reported = time + (rng.exponential(delay, rows) * DAY).astype(np.int64)
    label = np.where(reported <= START + days * DAY, truth, 0).astype(np.float32) if cut else truth
    available = np.where(label == 1, reported, time + 7 * DAY)
    return LabelTimes(label, time, available), truth


def found_in(labels, split=SPLIT):
    folds = time_folds(labels.event_time, labels.label, labels.available_at, split=split, delay=7 * DAY, as_of=None)
    return folds, label_maturity(labels, folds.folds[-1])


def test_the_share_of_frauds_that_a_file_lacks_is_told_from_its_own_dates():
    for seed in range(4):
        labels, truth = extract(seed)
        folds, found = found_in(labels)
        test = folds.rows("test")
        assert found.reported == pytest.approx(labels.label[test].sum() / truth[test].sum(), abs=0.08)
        assert found.reported < 0.8
        assert found.complete_after_days == pytest.approx(30, rel=0.15)


def test_a_complete_history_gives_no_warning():
    for seed in range(8):
        _, found = found_in(extract(seed, cut=False, rows=20_000)[0])
        assert found.complete
        assert list(maturity_warnings(found)) == []


def test_the_warning_says_what_how_and_what_to_do():
    found = found_in(extract()[0])[1]
    (warning,) = maturity_warnings(found)
    for words in ("frauds of test are thought to be reported", "too bold", "--as-of", "labels.delay"):
        assert words in warning


def test_one_mistaken_date_in_the_far_future_changes_nothing():
    labels, _ = extract()
    late = labels.available_at.copy()
    late[np.flatnonzero(labels.label == 1)[5]] += 9_000 * DAY
    moved = found_in(LabelTimes(labels.label, labels.event_time, late))[1]
    assert moved.moment == pytest.approx(START + 150 * DAY, abs=2 * DAY)
    assert moved.reported == pytest.approx(found_in(labels)[1].reported, abs=0.02)


def test_frauds_without_dates_of_their_own_tell_nothing():
    labels, _ = extract()
    assert found_in(LabelTimes(labels.label, labels.event_time, labels.event_time + 7 * DAY))[1] is None
    assert list(maturity_warnings(None)) == []


def test_a_test_of_which_no_age_is_known_well_enough_is_too_young_and_never_complete():
    labels, truth = extract(rows=60_000, delay=120.0)
    folds, found = found_in(labels, YOUNG)
    test = folds.rows("test")
    assert labels.label[test].sum() < 0.2 * truth[test].sum()
    assert not found.complete
    (warning,) = maturity_warnings(found)
    for words in ("test is too young", "a fifth of the frauds of any of its ages", "--as-of", "let test end earlier"):
        assert words in warning


def test_two_frauds_of_ripe_ages_do_not_vouch_for_all_the_others():
    labels, _ = extract(rows=60_000, delay=40.0)
    folds, _ = found_in(labels, YOUNG)
    few = labels.label.copy()
    few[np.flatnonzero(folds.rows("test") & (few == 1))[2:]] = 0
    _, found = found_in(LabelTimes(few, labels.event_time, labels.available_at), YOUNG)
    assert 0 < found.reported < 0.5
    assert not found.complete


def test_frauds_too_few_for_a_curve_of_delays_tell_nothing():
    labels, _ = extract(rows=4_000)
    few = labels.label.copy()
    few[np.flatnonzero(few == 1)[np.arange((few == 1).sum()) % 10 > 0]] = 0
    late = np.where(few == 1, labels.event_time + np.arange(few.size) * DAY, labels.available_at)
    assert 10 <= (few == 1).sum() < 19
    assert label_maturity(LabelTimes(few, labels.event_time, late), found_in(labels)[0].folds[-1]) is None
