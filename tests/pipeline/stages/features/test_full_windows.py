"""Rows of train whose windows were not full, and columns that are empty in one fold alone."""

import numpy as np
import pyarrow as pa
import pytest

from features.split import SplitConfig, time_folds
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from pipeline.stages.features.full_windows import (
    cold_warnings,
    empty_column_warnings,
    longest_window,
    without_cold_rows,
)

COLUMNS = ("event_time", "amount", "card_id", "merchant_id", "label", "label_available_at")
SPLIT = SplitConfig(train="30d", gap="7d", valid="7d", calib="7d", test="14d")


def history(days=80):
    time = 19_000 * DAY + np.arange(days * 10) * DAY // 10
    label = (np.arange(time.size) % 5 == 0).astype(np.float32)
    return time, label, time_folds(time, label, time + 7 * DAY, split=SPLIT, delay=7 * DAY, as_of=None)


def test_the_longest_window_of_labels_asks_for_their_delay_on_top():
    found = feature_spec(FeaturesConfig(), columns=COLUMNS)
    assert longest_window(found, label_delay=7 * DAY) == 37 * DAY
    longer = FeaturesConfig(aggregates={"card": ("90d_count",)})
    assert longest_window(feature_spec(longer, columns=COLUMNS), label_delay=7 * DAY) == 90 * DAY


def test_data_without_entities_ask_for_no_history():
    assert longest_window(feature_spec(FeaturesConfig(), columns=("event_time", "amount")), label_delay=7 * DAY) == 0


def test_rows_before_the_windows_were_full_are_not_trained_on_and_counted():
    time, label, folds = history()
    warm, full_from = without_cold_rows(folds, event_time=time, label=label, warmup=20 * DAY)
    train = warm.rows("train")
    assert full_from == time.min() + 20 * DAY
    assert (warm.usable[train] == (time[train] >= full_from)).all()
    assert warm.folds[0].rows == folds.folds[0].rows == sum(warm.folds[0].usable) + sum(warm.folds[0].cold)
    assert warm.folds[1:] == folds.folds[1:]


def test_no_warmup_and_a_long_history_leave_the_folds_as_they_are():
    time, label, folds = history(days=200)
    for warmup in (0, 37 * DAY):
        assert without_cold_rows(folds, event_time=time, label=label, warmup=warmup)[0] is folds


def test_a_train_fold_without_a_warm_row_is_refused_with_what_to_do():
    time, label, folds = history()
    with pytest.raises(
        ValueError, match=r"(?s)2 faults.*'train'.*a fraud row that has full windows \(a longer history.*"
    ):
        without_cold_rows(folds, event_time=time, label=label, warmup=60 * DAY)


def test_the_loss_of_most_of_train_is_told_with_its_remedy():
    time, label, folds = history()
    for days, lost in ((20, False), (30, True)):
        warm, full_from = without_cold_rows(folds, event_time=time, label=label, warmup=days * DAY)
        found = list(cold_warnings(warm.folds[0], warmup=days * DAY, full_from=full_from))
        assert bool(found) is lost
    assert "of 300 rows of train are not trained on" in found[0]
    assert "windows of up to 30d were not full before" in found[0]


def test_a_column_that_is_empty_in_train_alone_is_named():
    fold = ["train"] * 10 + ["valid"] * 10
    table = pa.table(
        {
            "fold": fold,
            "label": pa.array([0, 1] * 10, pa.int8()),
            "cold": pa.array([np.nan] * 9 + [1.0] * 11, pa.float32()),
            "full": pa.array([np.nan] * 3 + [1.0] * 17, pa.float32()),
        }
    )
    found = list(empty_column_warnings(table, ("cold", "full")))
    assert len(found) == 1
    assert "cold (90% of train, 0% of valid)" in found[0]
    assert "full (" not in found[0]
