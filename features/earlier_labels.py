"""Outcomes of a transaction that were known once and hold no more: from when, and until when.

A dispute that is overturned does not make its fraud never have been known: whatever looks back at a moment between the
report and its end must see the fraud, and whatever looks back later must not. So a table keeps its newest outcome in
`label` and `label_available_at`, and what stood before in a column of its own, for the few rows that have such a past.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.preset import EARLIER_LABELS as EARLIER_LABELS

MOMENT = pa.timestamp("us", "UTC")
EARLIER_TYPE = pa.list_(pa.struct({"label": pa.int8(), "available_at": MOMENT, "until": MOMENT}))

LabelNumber = TypeVar("LabelNumber", bound=np.generic)


@dataclass(frozen=True)
class EarlierLabels:
    """M outcomes that hold no more, in order of their rows, then of time; those of one row do not overlap.

    Attributes:
        row: place of the transaction in its table [M].
        label: 0 or 1 [M].
        available: when it became known, microseconds since 1970 [M].
        until: when another outcome took its place, or it was withdrawn; later than `available` [M].
    """

    row: NDArray[np.int64]
    label: NDArray[np.int8]
    available: NDArray[np.int64]
    until: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.row)

    def taken(self, places: NDArray[np.bool_ | np.intp]) -> "EarlierLabels":
        """Some of them, by a mask or by their places."""
        return EarlierLabels(self.row[places], self.label[places], self.available[places], self.until[places])

    def known_by(
        self, moment: int | NDArray[np.int64], label: NDArray[LabelNumber], available: NDArray[np.int64]
    ) -> tuple[NDArray[LabelNumber], NDArray[np.int64]]:
        """Each row's newest label as it was known by a moment, in place of one that came later.

        Args:
            moment: microseconds since 1970, one for all rows or one for each [N].
            label: the newest of all times [N].
            available: when that became known [N].

        Returns:
            Label and time [N]; where nothing was known by then they stay, and their time says so.
        """
        by = np.broadcast_to(moment, len(label))[self.row]
        stood = self.taken((self.available <= by) & (by < self.until))
        label, available = label.copy(), available.copy()
        label[stood.row], available[stood.row] = stood.label, stood.available
        return label, available

    def column(self, rows: int) -> pa.Array:
        """The canonical column of a table of so many rows, null where a row has none."""
        sizes = np.bincount(self.row, minlength=rows)
        times = [pa.array(micros).cast(MOMENT) for micros in (self.available, self.until)]
        values = pa.StructArray.from_arrays([pa.array(self.label), *times], fields=list(EARLIER_TYPE.value_type))
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), values, type=EARLIER_TYPE, mask=pa.array(sizes == 0))


def earlier_labels(table: pa.Table) -> EarlierLabels | None:
    """What the column of a canonical table holds; None where it is not there or holds nothing."""
    if EARLIER_LABELS not in table.column_names:
        return None
    column = table[EARLIER_LABELS].combine_chunks()
    values = pc.list_flatten(column)
    if not len(values):
        return None
    label, *times = (values.field(place) for place in range(3))
    available, until = (each.cast(pa.int64()).to_numpy() for each in times)
    return EarlierLabels(pc.list_parent_indices(column).to_numpy(), label.to_numpy(), available, until)
