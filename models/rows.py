"""The shape of what a model is fitted on: arrays, never a table."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError

Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


class Rows(Protocol):
    """Rows of one fold; any object with these arrays will do.

    Attributes:
        numeric: raw values [N, F], float32, NaN where missing.
        categorical: codes [N, C], 0 for the unknown.
        label: [N], 1 for fraud, 0 for legitimate, NaN where not known.
        weight: [N], how many rows each row stands for.
        time: [N], microseconds since the epoch, UTC.
    """

    @property
    def numeric(self) -> Float32s: ...
    @property
    def categorical(self) -> Integers: ...
    @property
    def label(self) -> Floats: ...
    @property
    def weight(self) -> Floats: ...
    @property
    def time(self) -> NDArray[np.int64]: ...


@dataclass(frozen=True)
class RowArrays:
    """A plain carrier of `Rows`, for rows taken out of other rows."""

    numeric: Float32s
    categorical: Integers
    label: Floats
    weight: Floats
    time: NDArray[np.int64]


def taken_rows(rows: Rows, keep: NDArray[np.bool_] | Integers) -> RowArrays:
    """The rows that a mask or an index chooses, in its order."""
    return RowArrays(rows.numeric[keep], rows.categorical[keep], rows.label[keep], rows.weight[keep], rows.time[keep])


def labelled_rows(rows: Rows, *, name: str) -> RowArrays:
    """The rows that a fit may learn from: label known, weight above zero.

    Raises:
        InputError: nothing is left, or one class is missing, or a label is neither 0 nor 1.
    """
    known = ~np.isnan(rows.label) & (rows.weight > 0)
    kept = taken_rows(rows, known)
    other = int(((kept.label != 0) & (kept.label != 1)).sum())
    if other:
        raise InputError(f"labels of {name} must be 0 or 1 (one label a row), got {other} others in {len(known)} rows")
    frauds = int((kept.label == 1).sum())
    if frauds == 0 or frauds == len(kept.label):
        raise InputError(
            f"{name} must hold both classes, got {frauds} frauds in {len(kept.label)} labelled rows of {len(known)}"
        )
    return kept


def fraud_rate(rows: Rows) -> float:
    """The weighted share of frauds among rows whose labels are all known."""
    return float(np.average(rows.label, weights=rows.weight))
