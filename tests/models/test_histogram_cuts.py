"""Where the booster may cut a column."""

import numpy as np

from models.histogram_cuts import cut_rows


def cuts(column, weight=None, *, most=64, tail=16):
    values = np.asarray(column, dtype=np.float32)
    rows = cut_rows(values[:, None], np.ones(len(values)) if weight is None else weight, cuts=most, tail=tail)[:, 0]
    return rows[~np.isnan(rows)]


def test_a_column_of_few_values_is_cut_at_each():
    np.testing.assert_array_equal(cuts([3, 1, np.nan, 2, 1] * 40), [1, 2, 3])


def test_each_cut_of_the_tail_leaves_a_whole_number_of_rows_above_it_down_to_the_last():
    column = np.random.default_rng(0).permutation(100_000)
    found = cuts(column)
    above = 100_000 - found[found > 100_000 * (1 - 0.005)]
    assert len(found) <= 64
    assert above.min() == 1
    assert above.max() == 500 - (500 - above).min()
    assert (above[:-1] / above[1:] <= 2).all()


def test_without_a_tail_bins_are_equally_full():
    found = cuts(np.arange(10_000), tail=0)
    assert np.ptp(np.diff(found)) <= 1


def test_a_weight_of_two_is_the_row_twice():
    column = np.random.default_rng(1).normal(size=2_000)
    weight = np.where(np.arange(2_000) < 500, 2.0, 1.0)
    np.testing.assert_array_equal(cuts(column, weight), cuts([*column, *column[:500]]))


def test_the_order_of_rows_is_no_matter():
    column = np.random.default_rng(2).normal(size=5_000)
    np.testing.assert_array_equal(cuts(column), cuts(column[::-1]))


def test_columns_of_unlike_lengths_are_filled_up_with_nothing():
    matrix = np.stack([np.arange(100), np.arange(100) % 3, np.full(100, np.nan)], axis=1).astype(np.float32)
    rows = cut_rows(matrix, np.ones(100), cuts=50, tail=5)
    assert np.isnan(rows).sum(axis=0).tolist() == [0, len(rows) - 3, len(rows)]
