"""Folds worked out from a history: they fit it, and hold what each must hold."""

import numpy as np
import pytest

from features.fold_layout import Asked, LabelledTimes, fitting_split, fold_share, split_toml, time_grid
from features.split import FOLDS, time_folds
from features.times import DAY, HOUR


def history(days, *, rows=4_000, rate=0.05, delay=0, seed=0):
    rng = np.random.default_rng(seed)
    time = 19_000 * DAY + np.sort(rng.integers(0, int(days * DAY), rows))
    return LabelledTimes(time, (rng.random(rows) < rate).astype(np.float32), time + delay)


@pytest.mark.parametrize(
    ("days", "delay", "warmup"), [(183, 7, 37), (147, 20, 27), (62, 3, 10), (2, 0, 0), (700, 40, 70)]
)
def test_a_layout_passes_the_rules_of_folds_and_leaves_the_warm_up_before_train(days, delay, warmup):
    rows = history(days, delay=delay * DAY)
    split = fitting_split(rows, Asked(delay * DAY, warmup * DAY))
    folds = time_folds(*vars(rows).values(), split=split, delay=delay * DAY, as_of=None)
    assert folds.folds[0].start + 1 >= rows.event_time.min() + warmup * DAY
    assert min(fold.usable[1] for fold in folds.folds) > 0


def test_a_gap_is_never_shorter_than_the_label_delay():
    split = fitting_split(history(100, delay=10 * DAY + HOUR), Asked(10 * DAY + HOUR, 0))
    assert split.length("gap") == 11 * DAY


def test_a_history_that_gaps_and_warm_up_eat_has_no_layout():
    rows = history(60)
    assert fitting_split(rows, Asked(20 * DAY, 20 * DAY)) is None
    assert fitting_split(rows, Asked(3 * DAY, 20 * DAY)) is not None


def test_without_a_fraud_there_is_no_layout():
    assert fitting_split(history(183, rate=0.0), Asked(7 * DAY, 37 * DAY)) is None


def test_folds_end_a_delay_before_as_of():
    rows, as_of = history(183), 19_000 * DAY + 150 * DAY
    split = fitting_split(rows, Asked(7 * DAY, 0, as_of))
    folds = time_folds(*vars(rows).values(), split=split, delay=7 * DAY, as_of=as_of)
    assert folds.folds[-1].end == as_of - 7 * DAY


def test_many_frauds_leave_train_what_the_other_folds_do_not_need():
    many, few = (fitting_split(history(700, rows=60_000, rate=rate), Asked(0, 0)) for rate in (0.2, 0.002))
    assert (many.valid, many.calib, many.test) == ("28d", "28d", "63d")
    assert few.length("valid") > many.length("valid")


def test_times_on_a_grid_of_months_give_folds_of_whole_months():
    time = np.repeat(np.arange(8) * 30 * DAY, 500)
    rows = LabelledTimes(time, np.float32(np.arange(4_000) % 20 == 0), time)
    split = fitting_split(rows, Asked(7 * DAY, 0))
    assert time_grid(time) == 30 * DAY
    assert {split.length(name) % (30 * DAY) for name in (*FOLDS, "gap")} == {0}


def test_the_share_of_the_folds_is_what_gaps_and_warm_up_leave():
    rows = history(100, rows=50_000)
    assert fold_share(fitting_split(rows, Asked(10 * DAY, 30 * DAY)), rows) == pytest.approx(0.5, abs=0.02)


def test_the_section_to_paste_names_every_length():
    text = split_toml(fitting_split(history(183), Asked(7 * DAY, 37 * DAY)))
    assert text.splitlines()[0] == "[split]"
    assert [line.split(" = ")[0] for line in text.splitlines()[1:]] == ["train", "gap", "valid", "calib", "test"]
