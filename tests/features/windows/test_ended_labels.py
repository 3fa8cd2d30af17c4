"""Features where labels end: each row sees of every other one the outcome that was the newest before its own time."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from features.earlier_labels import EARLIER_LABELS
from features.windows.window_table import window_features
from tests.features.windows.test_window_table import assert_same
from tests.features.windows.test_window_table import spec_for as spec_of_everything
from tests.fixtures.changing_labels import (
    CHANGING_TABLES,
    changing,
    changing_rows,
    changing_table,
    random_changing_table,
)
from tests.fixtures.random_tables import assert_same_bits, transaction
from tests.oracles.windows_naive import naive_features


def spec_for(table):
    return (spec := spec_of_everything(table)).selected(spec.numeric)


@settings(deadline=None, max_examples=60)
@given(table=CHANGING_TABLES)
def test_every_feature_equals_the_naive_double_loop_over_what_was_known(table):
    spec = spec_for(table)
    assert_same(window_features(table, spec=spec, threads=1), naive_features(changing_rows(table), spec))


@pytest.mark.parametrize("flips", [0.1, 0.9])
def test_so_it_does_in_a_dense_table(flips):
    table = random_changing_table(np.random.default_rng(5), rows=250, seconds=120, flips=flips)
    spec = spec_for(table)
    assert_same(window_features(table, spec=spec, threads=1), naive_features(changing_rows(table), spec))


def test_a_fraud_counts_from_its_report_to_the_moment_at_which_it_is_overturned():
    disputed = changing(transaction(0, "a", 1, 100, None, 0), [(4, 1), (3, 0)])
    watching = [changing(transaction(s, "b", 1, 100, None, 0), []) for s in (4, 5, 7, 8)]
    features = window_features(table := changing_table([disputed, *watching]), spec=spec_for(table), threads=1)
    assert features["merchant_20s_fraud_count"].to_pylist() == [0, 0, 1, 1, 0]
    assert features["merchant_20s_label_count"].to_pylist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(features["merchant_20s_last_label"], [np.nan, np.nan, 1, 1, 0])


def test_a_label_that_is_withdrawn_leaves_nothing_behind():
    withdrawn = changing(transaction(0, "a", 1, 100, None, 0), [(4, 1), (3, None)])
    watching = [changing(transaction(s, "b", 1, 100, None, 0), []) for s in (7, 8)]
    features = window_features(table := changing_table([withdrawn, *watching]), spec=spec_for(table), threads=1)
    assert features["merchant_20s_label_count"].to_pylist() == [0, 1, 0]
    np.testing.assert_array_equal(features["merchant_20s_fraud_run_seconds"], [np.nan, 3, np.nan])


def test_a_card_is_compromised_only_while_its_fraud_elsewhere_is_known():
    visit = changing(transaction(0, "a", 1, 100, None, 0), [])
    fraud = changing(transaction(2, "a", 2, 100, None, 0), [(2, 1), (3, 0)])
    watching = [changing(transaction(s, "b", 1, 100, None, 0), []) for s in (4, 5, 7, 8)]
    features = window_features(table := changing_table([visit, fraud, *watching]), spec=spec_for(table), threads=1)
    assert features["merchant_20s_compromised_cards"].to_pylist() == [0, 0, 0, 1, 1, 0]


def test_threads_and_row_order_change_no_bit():
    table = random_changing_table(np.random.default_rng(6), rows=400, seconds=200)
    order = np.random.default_rng(7).permutation(400)
    spec = spec_for(table)
    expected = window_features(table, spec=spec, threads=1)
    assert_same_bits(window_features(table.take(pa.array(order)), spec=spec, threads=3), expected.take(pa.array(order)))


def test_chunks_of_few_rows_give_the_same(monkeypatch):
    table = random_changing_table(np.random.default_rng(8), rows=300, seconds=200)
    expected = window_features(table, spec=spec_for(table), threads=1)
    monkeypatch.setattr("features.windows.groups.CHUNK_ROWS", 16)
    assert_same_bits(window_features(table, spec=spec_for(table), threads=2), expected)


def test_a_column_in_which_nothing_ended_changes_no_bit():
    table = random_changing_table(np.random.default_rng(9), rows=200, seconds=100, flips=0)
    spec = spec_for(table)
    without = table.drop_columns([EARLIER_LABELS])
    assert_same_bits(window_features(table, spec=spec, threads=1), window_features(without, spec=spec, threads=1))
