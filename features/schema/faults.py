"""Why a row was not accepted: boolean columns of faults, gathered into a list of reasons per row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

QUARANTINE = pa.schema(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
    ]
)
"""The quarantine table; a row is counted from 1 in its file, the header apart. No values: they may be card numbers."""


@dataclass
class Faults:
    """Rows of one batch that break a rule, by reason; a reason begins with the column's name."""

    rows: int
    masks: dict[str, Mask] = field(default_factory=dict)

    def add(self, reason: str, mask: Mask) -> None:
        """Mark rows [rows] as breaking a rule."""
        if mask.any():
            self.masks[reason] = self.masks[reason] | mask if reason in self.masks else mask

    def merge(self, faults: Mapping[str, Mask]) -> None:
        """Mark the rows of several reasons."""
        for reason, mask in faults.items():
            self.add(reason, mask)

    def of(self, column: str) -> Mask:
        """Rows of which this column is already known to be at fault."""
        return _any(self.rows, (mask for reason, mask in self.masks.items() if reason.startswith(f"{column}: ")))

    def any(self) -> Mask:
        """Rows with at least one fault."""
        return _any(self.rows, self.masks.values())

    def reasons(self) -> pa.Array:
        """The list of reasons of each row at fault, in row order."""
        rows = np.flatnonzero(self.any())
        names = list(self.masks)
        hit = np.stack([self.masks[name][rows] for name in names], axis=1) if names else np.zeros((0, 0), bool)
        offsets = np.concatenate([[0], np.cumsum(hit.sum(axis=1))]).astype(np.int32)
        values = pa.array(names, pa.string()).take(pa.array(np.nonzero(hit)[1]))
        return pa.ListArray.from_arrays(pa.array(offsets), values)


def _any(rows: int, masks: Iterable[Mask]) -> Mask:
    result = np.zeros(rows, bool)
    for mask in masks:
        result |= mask
    return result
