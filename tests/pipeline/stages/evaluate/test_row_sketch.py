"""Shares of rows between folds, told from a few hashes."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline.stages.evaluate.row_sketch import SIZE, RowSketch, row_sketch


def sketch(start, end):
    return row_sketch(pa.array([f"t{number}" for number in range(start, end)]))


@pytest.mark.parametrize(("other", "share"), [((0, 20_000), 1.0), ((5_000, 25_000), 0.75), ((30_000, 90_000), 0.0)])
def test_the_share_of_rows_is_told_to_a_few_points(other, share):
    assert sketch(0, 20_000).share_in(sketch(*other)) == pytest.approx(share, abs=0.06)


def test_the_share_is_of_the_own_rows_and_not_of_the_others():
    small, large = sketch(0, 2_000), sketch(0, 40_000)
    assert small.share_in(large) == 1.0
    assert large.share_in(small) == pytest.approx(0.05, abs=0.03)


def test_few_rows_are_counted_exactly():
    assert sketch(0, 100).share_in(sketch(90, 300)) == 0.1
    assert sketch(0, 0).share_in(sketch(0, 10)) == 0.0


def test_a_ledger_gives_back_what_it_was_given():
    made = sketch(0, 3_000)
    read = RowSketch.from_text(made.rows, made.to_text())
    assert (read.rows, read.hashes.size) == (3_000, SIZE)
    np.testing.assert_array_equal(read.hashes, made.hashes)


def test_a_text_without_hashes_is_refused():
    with pytest.raises(ValueError, match="Only base64 data is allowed"):
        RowSketch.from_text(3, "abc?")


def test_ids_of_either_type_in_any_order_make_the_same_sketch_twice():
    ids = np.random.default_rng(1).permutation(5_000)
    np.testing.assert_array_equal(row_sketch(pa.array(ids)).hashes, row_sketch(pa.array(np.sort(ids))).hashes)
