"""Feature rows as JSON has them: a missing number is null, a missing string is ""."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.storage.errors import InputError


def plain_rows(table: pa.Table, signature: Signature) -> Iterator[dict[str, float | str | None]]:
    """The graph's inputs of each row of a table, for JSON.

    Raises:
        InputError: the table does not have the graph's columns.
    """
    arrays = feature_arrays(table, signature)
    for row in range(table.num_rows):
        yield {name: _plain(column[row, 0]) for name, column in arrays.items()}


def row_arrays(rows: Sequence[Mapping[str, Any]], signature: Signature, *, file: str) -> dict[str, np.ndarray]:
    """Rows as the graph takes them, as `feature_arrays`; no table, so that nothing of pandas is loaded.

    pyarrow imports pandas, where that is installed, as soon as it turns Python values into arrays.

    Args:
        rows: values by the graph's columns.
        signature: of the graph.
        file: where they stand, for messages.

    Raises:
        InputError: a value is of the wrong kind, or not finite in single precision.
    """
    columns = {name: [row[name] for row in rows] for name in signature.inputs}
    arrays = {name: _numbers(columns[name], file) for name in signature.numeric}
    return arrays | {name: _strings(columns[name], file) for name in signature.categorical}


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a double can hold."""
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _plain(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)


def _numbers(values: Sequence[Any], file: str) -> np.ndarray:
    """Single precision [N, 1], NaN where missing."""
    if not all(value is None or is_number(value) for value in values):
        raise _wrong_kind(file)
    with np.errstate(over="ignore"):
        numbers = np.array([math.nan if value is None else value for value in values]).astype(np.float32)
    if np.isinf(numbers).any():
        raise InputError(f"{file} must have numbers that are finite in single precision")
    return numbers[:, None]


def _strings(values: Sequence[Any], file: str) -> np.ndarray:
    """Texts [N, 1], "" where missing."""
    if not all(value is None or isinstance(value, str) for value in values):
        raise _wrong_kind(file)
    return np.array([value or "" for value in values], dtype=object)[:, None]


def _wrong_kind(file: str) -> InputError:
    return InputError(f"{file} must have numbers in numeric and strings in categorical columns")
