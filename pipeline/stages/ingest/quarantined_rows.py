"""Rows that ingest sets aside: where they stand, why, and what was met first of each reason."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.schema.faults import QUARANTINE
from pipeline.reading.source_batch import SourceBatch
from pipeline.storage.masking import value_shape

SHAPED_ROLES = {"amount", "event_time", "label", "label_available_at"}
"""Columns of which a message says how a value was spelled; of ids and texts that says nothing."""


HINTS = (
    ("amount: must be a finite", r"^-", "amount.refund in the preset takes negative amounts for refunds"),
    ("label:", r"\w", "label.yes, label.no and label.unknown in the preset list the words for each"),
    (
        "transaction_id: must be unique, the rows",
        "",
        "are they authorization and clearing, or a later delivery of the same payment?",
    ),
)
"""What may help, by what a reason begins with and the shape of a value."""


@dataclass(frozen=True)
class FirstRow:
    """Where a reason was met first, and how the value that stood there was spelled, where that helps."""

    file: str
    row: int
    shape: str = ""


class QuarantinedRows:
    """The rows set aside so far, counted by reason."""

    def __init__(self) -> None:
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self.first: dict[str, FirstRow] = {}
        self._parts: list[pa.Table] = []

    def add(self, file: str, rows: NDArray[np.int64], reasons: pa.Array) -> None:
        """Set rows aside.

        Args:
            file: the source's name.
            rows: their numbers in it [N].
            reasons: a list of reasons for each [N].
        """
        if not len(rows):
            return
        names = pa.array([file], pa.string()).take(pa.array(np.zeros(len(rows), np.int64)))
        self.count += len(rows)
        self._parts.append(pa.table([names, pa.array(rows), reasons], schema=QUARANTINE))
        counted = reasons.flatten().value_counts()
        found = counted.field("values").to_pylist()
        self.reasons.update(dict(zip(found, counted.field("counts").to_pylist(), strict=True)))
        places = reasons.value_parent_indices().to_numpy()
        for reason in set(found) - set(self.first):
            place = int(places[np.flatnonzero(reasons.flatten().to_numpy(zero_copy_only=False) == reason)[0]])
            self.first[reason] = FirstRow(file, int(rows[place]))

    def show_shapes(self, file: str, batch: SourceBatch, columns: Mapping[str, str]) -> None:
        """Note how the source value behind each reason is spelled that this batch was the first to give.

        Args:
            file: the source's name.
            batch: its records, as they were read.
            columns: the source column of each role.
        """
        for reason, first in self.first.items():
            role = reason.split(":")[0]
            if first.shape or first.file != file or role not in SHAPED_ROLES or role not in columns:
                continue
            place = np.flatnonzero(batch.row == first.row)
            if len(place):
                value = batch.table.column(columns[role])[int(place[0])].as_py()
                self.first[reason] = FirstRow(file, first.row, value_shape(value))

    def met(self, reason: str) -> str:
        """A reason in words, where it was met first, how the value was spelled there, and what may help."""
        first = self.first[reason]
        got = f", got text like {first.shape}" if first.shape else ""
        return f"{reason}{got} in row {first.row} of {first.file}{_hint(reason, first.shape)}"

    def table(self) -> pa.Table:
        """All rows set aside, in the order of file and row."""
        table = pa.concat_tables(self._parts) if self._parts else QUARANTINE.empty_table()
        return table.sort_by([("source_file", "ascending"), ("row", "ascending")])


def _hint(reason: str, shape: str) -> str:
    """What in the preset may read a value of this shape, or what is behind a reason."""
    spelled = shape.strip("'\"")
    found = (hint for begins, pattern, hint in HINTS if reason.startswith(begins) and re.search(pattern, spelled))
    return next((f"; {hint}" for hint in found), "")
