import numpy as np

from features.schema.silent_months import MonthlyLabels, months_of
from features.times import time_microseconds


def times(*texts):
    return np.array([time_microseconds(text) for text in texts])


def test_a_month_ends_at_midnight_in_utc():
    months = months_of(times("2024-02-29T23:59:59.999999Z", "2024-03-01", "1969-12-31"))
    assert months.astype(str).tolist() == ["2024-02", "2024-03", "1969-12"]


def months_with(rows):
    """Labelled rows and frauds per month."""
    labels = MonthlyLabels()
    for month, (count, frauds) in rows.items():
        labels.add(np.repeat(times(month), count), (np.arange(count) < frauds).astype(np.int8))
    return labels


def test_a_month_is_silent_where_the_overall_rate_lets_enough_frauds_be_expected():
    labels = months_with({"2024-01-05": (2000, 50), "2024-02-05": (1600, 0), "2024-03-05": (1400, 0)})
    assert labels.without_fraud(expected=16).astype(str).tolist() == ["2024-02"]
    assert labels.without_fraud(expected=14).astype(str).tolist() == ["2024-02", "2024-03"]


def test_one_fraud_breaks_the_silence_and_unknown_labels_count_for_nothing():
    labels = months_with({"2024-01-05": (2000, 200), "2024-02-05": (2000, 1)})
    labels.add(np.repeat(times("2024-03-05"), 5000), np.full(5000, -1, np.int8))
    assert labels.without_fraud().size == 0


def test_parts_add_up_to_the_whole():
    rng = np.random.default_rng(0)
    time = times("2024-01-01") + rng.integers(0, 10**13, 500)
    label = rng.integers(-1, 2, 500).astype(np.int8)
    whole, parts = MonthlyLabels(), MonthlyLabels()
    whole.add(time, label)
    for part in np.array_split(np.arange(500), 7):
        parts.add(time[part], label[part])
    assert (parts.rows, parts.frauds) == (whole.rows, whole.frauds)


def test_no_rows_have_no_silent_month():
    assert MonthlyLabels().without_fraud().size == 0
