import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.report.json_values import json_values

TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=3), parts, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_any_tree_becomes_json_that_reads_back_as_itself(tree):
    ready = json_values(tree)
    assert json.loads(json.dumps(ready, allow_nan=False)) == ready


@pytest.mark.parametrize("value", [np.nan, np.inf, np.float32("nan"), float("-inf")])
def test_what_is_not_finite_is_null(value):
    assert json_values({"a": [value, np.array([1.0, value])]}) == {"a": [None, [1.0, None]]}


@pytest.mark.parametrize(("value", "kind"), [(np.True_, bool), (np.int8(3), int), (np.float32(0.5), float)])
def test_numpy_numbers_become_pythons_own(value, kind):
    assert type(json_values(value)) is kind


def test_keys_become_text_and_tuples_lists():
    assert json_values({0.1: (1, 2)}) == {"0.1": [1, 2]}
