"""Why a row was not accepted: boolean columns of faults, merged into a list of reasons per row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

Column = TypeVar("Column")

QUARANTINE = pa.schema(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
    ]
)
"""The quarantine table; a row is counted from 1 in its file, the header apart. No values: they may be card numbers."""


@dataclass(frozen=True)
class Parsed(Generic[Column]):
    """What a reader made of a source column, and what it could not read.

    Attributes:
        values: one value for each row [N]; a null or a placeholder where there is none or it is at fault.
        faults: rows [N] that break a rule, by reason; a reason begins with the column's name.
    """

    values: Column
    faults: Mapping[str, Mask]


@dataclass(frozen=True)
class Faults:
    """The rows of one batch that break a rule, by reason, in the order in which the reasons are told."""

    rows: int
    masks: Mapping[str, Mask]

    def any(self) -> Mask:
        """Rows with at least one fault [rows]."""
        return marked_rows(self.masks, self.rows)

    def reasons(self) -> pa.Array:
        """The list of reasons of each row at fault, in row order."""
        rows = np.flatnonzero(self.any())
        names = list(self.masks)
        hit = np.stack([self.masks[name][rows] for name in names], axis=1) if names else np.zeros((0, 0), bool)
        offsets = np.concatenate([[0], np.cumsum(hit.sum(axis=1))]).astype(np.int32)
        values = pa.array(names, pa.string()).take(pa.array(np.nonzero(hit)[1]))
        return pa.ListArray.from_arrays(pa.array(offsets), values)


def marked_rows(masks: Mapping[str, Mask], rows: int) -> Mask:
    """Rows that break one of some rules [rows]."""
    result = np.zeros(rows, bool)
    for mask in masks.values():
        result |= mask
    return result


def merged_masks(parts: Iterable[Mapping[str, Mask]]) -> dict[str, Mask]:
    """The faults of several readers together: a reason that came twice marks the rows of both; one of no row goes."""
    merged: dict[str, Mask] = {}
    for faults in parts:
        for reason, mask in faults.items():
            if mask.any():
                merged[reason] = merged[reason] | mask if reason in merged else mask
    return merged
