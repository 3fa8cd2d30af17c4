import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.schema.faults import Faults, marked_rows, merged_masks

ROWS = 6
masks = st.dictionaries(
    st.sampled_from(["a: x", "a: y", "b: x"]), st.lists(st.booleans(), min_size=ROWS, max_size=ROWS).map(np.array)
)


@given(st.lists(masks, max_size=4))
def test_merged_faults_mark_what_any_reader_marked(parts):
    merged = merged_masks(parts)
    told = {(reason, row) for part in parts for reason, mask in part.items() for row in np.flatnonzero(mask)}
    assert {(reason, row) for reason, mask in merged.items() for row in np.flatnonzero(mask)} == told
    assert all(mask.any() for mask in merged.values())


@given(masks)
def test_a_row_at_fault_has_the_list_of_its_reasons_in_their_order(masks):
    faults = Faults(ROWS, masks)
    expected = [[reason for reason, mask in masks.items() if mask[row]] for row in range(ROWS)]
    assert faults.reasons().to_pylist() == [reasons for reasons in expected if reasons]
    assert faults.any().tolist() == [bool(reasons) for reasons in expected]


def test_merging_leaves_the_readers_masks_as_they_were():
    first, second = np.array([True, False]), np.array([False, True])
    assert merged_masks([{"a: x": first}, {"a: x": second}])["a: x"].all()
    assert first.tolist() == [True, False]
    assert second.tolist() == [False, True]


def test_no_rule_marks_no_row():
    assert marked_rows({}, 3).tolist() == [False] * 3
    assert Faults(3, {}).reasons().to_pylist() == []
