import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.statistics.stability import (
    NumericBins,
    category_bins,
    category_stability,
    numeric_bins,
    numeric_stability,
)


def test_the_stability_index_equals_its_textbook_sum():
    reference, recent = np.repeat([0.0, 1.0, 2.0, 3.0], 100), np.repeat([0.0, 1.0, 2.0, 3.0], [160, 100, 100, 40])
    found = numeric_stability(reference, recent, bins=4)
    p, q = np.array([100.5] * 4) / 402, (np.array([160, 100, 100, 40]) + 0.5) / 402
    assert found.index == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=1e-12)


def test_the_stability_index_stays_below_its_null_in_95_of_100_draws_of_one_population():
    rng = np.random.default_rng(3)
    found = [numeric_stability(rng.normal(size=800), rng.normal(size=500), bins=10) for _ in range(400)]
    assert np.mean([each.index > each.null_95 for each in found]) == pytest.approx(0.05, abs=0.03)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_neither_row_order_nor_a_monotone_map_changes_the_index(seed, scale, bins):
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=200), rng.normal(0.3, 1, 150)
    plain = numeric_stability(one, two, bins=bins).index
    assert numeric_stability(rng.permutation(one), two[::-1], bins=bins).index == plain
    mapped = numeric_stability(np.floor(one * 8) * scale, np.floor(two * 8) * scale, bins=bins).index
    assert mapped == pytest.approx(numeric_stability(np.floor(one * 8), np.floor(two * 8), bins=bins).index)


def test_missing_values_are_a_bin_of_their_own():
    values = np.random.default_rng(0).normal(size=1_000)
    holes = np.where(np.arange(1_000) < 300, np.nan, values)
    assert numeric_stability(values, values, bins=10).index == 0.0
    assert numeric_stability(values, holes, bins=10).above(0.25)
    assert numeric_stability(np.full(50, np.nan), np.full(40, np.nan), bins=10).index == 0.0


def test_no_rows_give_no_index():
    assert np.isnan(numeric_stability([], [1.0], bins=5).index)
    assert not numeric_stability([], [1.0], bins=5).above(0.1)


def test_a_category_that_appears_out_of_nothing_is_seen():
    reference = np.repeat([1, 2, 3], 200)
    assert category_stability(reference, reference[::2], bins=10).index == pytest.approx(0.0, abs=1e-6)
    assert category_stability(reference, np.repeat([1, 2, 3, 9], 150), bins=10).above(0.25)


def test_what_is_kept_of_a_reference_gives_the_index_of_the_reference_itself():
    rng = np.random.default_rng(8)
    one, two = np.round(rng.normal(size=500), 1), np.round(rng.normal(0.2, 1, 300), 1)
    one[:40] = np.nan
    kept = numeric_bins(one, bins=10)
    assert NumericBins(np.array(kept.edges.tolist()), np.array(kept.counts.tolist())).index(two) == numeric_stability(
        one, two, bins=10
    )


def test_categories_are_binned_by_text_as_by_code():
    codes, later = np.array([1, 1, 1, 2, 2, 3]), np.array([1, 3, 3, 4])
    names = np.array(["", "a", "b", "c", "d"], dtype=object)
    by_text = category_bins(names[codes], bins=2).index(names[later])
    assert by_text == category_stability(codes, later, bins=2)
    assert category_bins(names[codes], bins=2).counts.tolist() == [3, 2, 1]
