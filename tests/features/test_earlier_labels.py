import numpy as np
import pyarrow as pa
import pytest

from features.earlier_labels import EARLIER_LABELS, EARLIER_TYPE, EarlierLabels, earlier_labels


@pytest.fixture
def earlier():
    """Row 1 was fraud from 10 to 20 and legitimate from 20 to 30, row 3 was fraud from 5 to 6."""
    return EarlierLabels(
        np.array([1, 1, 3]), np.array([1, 0, 1], np.int8), np.array([10, 20, 5]), np.array([20, 30, 6])
    )


def test_what_goes_into_the_column_comes_out_of_it(earlier):
    table = pa.table({EARLIER_LABELS: earlier.column(5)})
    assert table.schema.field(EARLIER_LABELS).type == EARLIER_TYPE
    assert table[EARLIER_LABELS].is_null().to_pylist() == [True, False, True, False, True]
    found = earlier_labels(table)
    for name in ("row", "label", "available", "until"):
        np.testing.assert_array_equal(getattr(found, name), getattr(earlier, name))


def test_rows_that_are_taken_out_of_the_table_take_their_labels_along(earlier):
    table = pa.table({EARLIER_LABELS: earlier.column(5)}).take(pa.array([4, 3, 0]))
    found = earlier_labels(pa.concat_tables([table, table]))
    assert (found.row.tolist(), found.available.tolist()) == ([1, 4], [5, 5])


@pytest.mark.parametrize("table", [pa.table({"a": [1]}), pa.table({EARLIER_LABELS: pa.nulls(3, EARLIER_TYPE)})])
def test_a_table_in_which_nothing_ended_has_none(table):
    assert earlier_labels(table) is None


@pytest.mark.parametrize(
    ("moment", "label", "available"), [(9, 1, 30), (10, 1, 10), (19, 1, 10), (20, 0, 20), (29, 0, 20), (30, 1, 30)]
)
def test_a_label_is_known_from_its_moment_to_just_before_its_end(earlier, moment, label, available):
    newest = np.array([0, 1, 0, 0], np.int8), np.array([0, 30, 0, 6])
    labels, times = earlier.known_by(moment, *newest)
    assert (labels[1], times[1]) == (label, available)
    assert newest[0].tolist() == [0, 1, 0, 0]


def test_every_row_may_ask_of_a_moment_of_its_own(earlier):
    labels, _ = earlier.known_by(np.array([0, 15, 0, 5]), np.array([0, 0, 0, 0], np.int8), np.array([0, 30, 0, 6]))
    assert labels.tolist() == [0, 1, 0, 1]
