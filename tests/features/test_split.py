import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.split import FOLDS, LabelsConfig, SplitConfig, time_folds

DAY = 86_400_000_000
START = 17_000 * DAY


def history(days=100, per_day=10, delay=7, fraud_every=5):
    time = START + (np.arange(days * per_day) * DAY) // per_day + 1
    label = (np.arange(len(time)) % fraud_every == 0).astype(np.float32)
    return time, label, time + delay * DAY


def folds_of(data, *, delay=7, as_of=None, **lengths):
    split = SplitConfig(**{"train": "30d", "gap": "7d", "valid": "7d", "calib": "7d", "test": "14d"} | lengths)
    return time_folds(*data, split=split, delay=delay * DAY, as_of=as_of)


def test_folds_are_counted_back_from_the_last_event():
    time, label, available = history()
    folds = folds_of((time, label, available))
    ends = {fold.name: (time.max() - fold.end) / DAY for fold in folds.folds}
    lengths = {fold.name: (fold.end - fold.start) / DAY for fold in folds.folds}
    assert ends == {"train": 42, "valid": 28, "calib": 21, "test": 0}
    assert lengths == {"train": 30, "valid": 7, "calib": 7, "test": 14}


def test_an_interval_excludes_its_start_and_includes_its_end():
    time, label, available = history()
    folds = folds_of((time, label, available))
    for fold in folds.folds:
        inside = time[folds.rows(fold.name)]
        assert inside.min() > fold.start
        assert inside.max() == fold.end
        assert fold.rows == len(inside) == (fold.end - fold.start) // DAY * 10


def test_gaps_and_history_have_no_fold():
    time, label, available = history()
    folds = folds_of((time, label, available))
    names = folds.names()
    assert set(names) == {*FOLDS, None}
    assert names[0] is None
    assert (names[(time > folds.folds[0].end) & (time <= folds.folds[1].start)] == None).all()  # noqa: E711
    assert not folds.usable[folds.code < 0].any()


def test_a_training_label_must_be_known_when_valid_begins():
    time, label, available = history(delay=9)
    folds = folds_of((time, label, available), delay=7)
    train = folds.rows("train")
    deadline = folds.folds[1].start
    assert folds.folds[0].deadline == deadline
    assert (folds.usable[train] == (available[train] <= deadline)).all()
    assert 0 < folds.usable[train].sum() < train.sum()
    assert folds.newest_training_row == time[folds.usable & train].max()


def test_valid_and_calib_labels_must_be_known_when_test_begins():
    time, label, available = history(delay=12)
    folds = folds_of((time, label, available))
    for name in ("valid", "calib"):
        rows = folds.rows(name)
        assert (folds.usable[rows] == (available[rows] <= folds.folds[3].start)).all()
    assert folds.usable[folds.rows("valid")].all()
    assert not folds.usable[folds.rows("calib")].all()


def test_history_counts_every_label_of_test_as_known():
    time, label, available = history(delay=400)
    available[time <= time.max() - 14 * DAY] = time.min()
    folds = folds_of((time, label, available))
    assert folds.usable[folds.rows("test")].all()


def test_as_of_ends_the_folds_a_delay_earlier_and_hides_later_labels():
    time, label, available = history(delay=7)
    available[-200::7] += 30 * DAY
    as_of = int(time.max())
    folds = folds_of((time, label, available), as_of=as_of)
    test = folds.rows("test")
    assert folds.folds[3].end == as_of - 7 * DAY
    assert (folds.usable[test] == (available[test] <= as_of)).all()
    assert folds.folds[3].unknown == (available[test] > as_of).sum() > 0


def test_rows_after_as_of_change_nothing():
    time, label, available = history()
    as_of = int(time[800])
    seen = time <= as_of
    whole = folds_of((time, label, available), as_of=as_of)
    cut = folds_of((time[seen], label[seen], available[seen]), as_of=as_of)
    assert (whole.code[seen] == cut.code).all()
    assert (whole.code[~seen] == -1).all()
    assert whole.folds == cut.folds


def test_unmatured_shares_are_given_per_class():
    time, label, available = history(delay=7)
    available[label == 1] += 6 * DAY
    folds = folds_of((time, label, available))
    legitimate, fraud = folds.folds[0].immature_share
    assert legitimate == 0
    assert fraud == pytest.approx(folds.folds[0].immature[1] / 60)
    assert fraud > 0.15


def test_unknown_labels_are_counted_and_never_used():
    time, label, available = history()
    label[::3] = np.nan
    folds = folds_of((time, label, available))
    assert not folds.usable[::3].any()
    for fold in folds.folds:
        assert fold.unknown + sum(fold.usable) + sum(fold.immature) == fold.rows
        assert fold.unknown == np.isnan(label[folds.rows(fold.name)]).sum()


def test_shares_of_rows_cut_in_time_order():
    time, label, available = history()
    order = np.random.default_rng(0).permutation(len(time))
    lengths = {"train": "60%", "gap": "0d", "valid": "10%", "calib": "10%", "test": "20%"}
    folds = folds_of((time[order], label[order], available[order]), delay=0, **lengths)
    assert [fold.rows for fold in folds.folds] == [600, 100, 100, 200]
    assert (np.diff(folds.code[np.argsort(order)]) >= 0).all()


def test_shares_with_a_gap_leave_it_out_twice():
    lengths = {"train": "50%", "gap": "8%", "valid": "10%", "calib": "10%", "test": "14%"}
    folds = folds_of(history(), delay=7, **lengths)
    assert [fold.rows for fold in folds.folds] == [500, 100, 100, 140]


@settings(deadline=None, max_examples=50)
@given(seconds=st.lists(st.integers(0, 12), min_size=30, max_size=80), seed=st.integers(0, 99))
def test_ties_are_never_split_across_a_boundary(seconds, seed):
    time = np.array(seconds, np.int64)
    label = np.random.default_rng(seed).integers(0, 2, len(time)).astype(np.float32)
    lengths = {"train": "40%", "gap": "0%", "valid": "20%", "calib": "20%", "test": "20%"}
    try:
        folds = folds_of((time, label, time), delay=0, **lengths)
    except ValueError:
        return
    for second in set(seconds):
        assert len(set(folds.code[time == second])) == 1


def test_data_shorter_than_the_folds_is_refused():
    with pytest.raises(ValueError, match=r"data: must reach back over all folds and gaps, 72 days .* got 49.9 days"):
        folds_of(history(days=50))


def test_a_gap_shorter_than_the_delay_is_refused():
    with pytest.raises(ValueError, match=r"gap before valid: must be at least labels.delay \(7d\), got '5d'"):
        folds_of(history(), gap="5d")


def test_no_gap_and_no_delay_is_accepted():
    assert folds_of(history(delay=0), gap="0d", delay=0).usable.any()


def test_a_gap_in_rows_is_measured_in_time():
    lengths = {"train": "50%", "gap": "2%", "valid": "10%", "calib": "10%", "test": "14%"}
    with pytest.raises(ValueError, match=r"got '2%', which is 2 days here"):
        folds_of(history(), delay=7, **lengths)


def test_a_fold_without_rows_is_refused():
    time, label, available = history()
    hole = (time > time.max() - 28 * DAY) & (time <= time.max() - 21 * DAY)
    with pytest.raises(ValueError, match=r"1 fault in the folds\n  fold 'calib' \(.*: must have rows, got 0"):
        folds_of((time[~hole], label[~hole], available[~hole]))


@pytest.mark.parametrize(("value", "name"), [(0, "fraud"), (1, "legitimate")])
def test_a_fold_of_one_class_is_refused_for_every_such_fold_at_once(value, name):
    time, label, available = history()
    label[time > time.max() - 28 * DAY] = value
    with pytest.raises(ValueError, match=rf"(?s)2 faults.*'calib'.*a {name} row .* got 0 of 70 rows.*'test'.* of 140"):
        folds_of((time, label, available))


def test_a_fraud_known_too_late_is_said_to_be_so():
    time, label, available = history(delay=7)
    available[label == 1] += 300 * DAY
    with pytest.raises(
        ValueError, match=r"fold 'train' .* got 0 of 300 rows \(60 known later, 0 rows without a label\)"
    ):
        folds_of((time, label, available))


def test_an_empty_table_is_refused():
    nothing = np.empty(0, np.int64)
    with pytest.raises(ValueError, match="data: must have rows, got 0"):
        folds_of((nothing, nothing.astype(np.float32), nothing))


def test_every_fault_of_the_section_is_said_at_once():
    with pytest.raises(
        ValueError, match=r"(?s)valid: must be longer than 0.*calib: must be a duration such as '14d'.*'x'"
    ):
        SplitConfig(valid="0d", calib="x")


def test_durations_and_shares_do_not_mix():
    with pytest.raises(ValueError, match="all durations or all shares of rows, got shares for train, test alone"):
        SplitConfig(train="60%", test="10%")


def test_shares_beyond_the_whole_are_refused():
    with pytest.raises(ValueError, match="must sum to at most 100%, got 110%"):
        SplitConfig(train="60%", gap="5%", valid="10%", calib="10%", test="20%")


def test_the_delay_is_a_duration():
    assert LabelsConfig().delay == 7 * DAY
    with pytest.raises(ValueError, match="a whole number and one of d, h, m, s"):
        LabelsConfig(delay="soon")


def test_rows_left_out_are_counted_under_their_reason_and_used_no_more():
    time, label, available = history()
    folds = folds_of((time, label, available))
    left_out = folds.rows("train") & (time < folds.folds[0].start + 3 * DAY)
    found = folds.without(left_out, label=label, event_time=time, reason="cold")
    assert sum(found.folds[0].cold) == left_out.sum() == 29
    assert not found.usable[left_out].any()
    assert found.folds[0].immature_share == folds.folds[0].immature_share
    assert found.folds[1:] == folds.folds[1:]


def test_a_fold_that_loses_a_class_is_refused_with_the_reason():
    time, label, available = history()
    folds = folds_of((time, label, available))
    with pytest.raises(ValueError, match=r"fold 'calib' .* a fraud row that is of an age .* got 0: all 14 have not"):
        folds.without(folds.rows("calib") & (label == 1), label=label, event_time=time, reason="unripe")


def test_the_warmup_is_automatic_or_a_duration():
    assert SplitConfig().warmup_length(5 * DAY) == 5 * DAY
    assert SplitConfig(warmup="0d").warmup_length(5 * DAY) == 0
    assert SplitConfig(train="60%", gap="0d", valid="10%", calib="10%", test="20%", warmup="2d").warmup == "2d"
    with pytest.raises(ValueError, match="warmup: must be 'auto' or a duration such as '30d', got 'long'"):
        SplitConfig(warmup="long")
