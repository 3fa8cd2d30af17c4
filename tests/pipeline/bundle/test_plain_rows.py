"""Feature rows as JSON: what is missing stays missing on the way there and back."""

import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.bundle.plain_rows import is_number, plain_rows, row_arrays
from pipeline.bundle.signature import Signature, feature_arrays
from tests.oracles.python_path import Small

SIGNATURE = Signature(("amount",), ("country",), ("probability",))


def test_rows_come_back_with_every_bit(case: Small) -> None:
    signature = Signature(case.parts.numeric, case.parts.categorical, ("probability",))
    rows = list(plain_rows(case.table.slice(0, 50), signature))
    arrays = row_arrays(rows, signature, file="here")
    for name, expected in feature_arrays(case.table.slice(0, 50), signature).items():
        assert arrays[name].dtype == expected.dtype
        np.testing.assert_array_equal(arrays[name], expected)


def test_what_is_missing_is_null_or_empty() -> None:
    table = pa.table({"amount": pa.array([None], pa.float32()), "country": pa.array([None], pa.string())})
    assert list(plain_rows(table, SIGNATURE)) == [{"amount": None, "country": ""}]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"amount": "4929", "country": ""}, "rows.json must have numbers in numeric"),
        ({"amount": 1.0, "country": 4929}, "rows.json must have numbers in numeric and strings"),
        ({"amount": 1e39, "country": ""}, "rows.json must have numbers that are finite in single precision"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_file_and_not_shown(row: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        row_arrays([row], SIGNATURE, file="rows.json")
    assert "4929" not in str(caught.value)


def test_a_number_is_what_a_double_can_hold() -> None:
    assert [is_number(each) for each in (1, 1.5, True, "1", None, 10**400, math.inf)] == [True, True] + [False] * 5
