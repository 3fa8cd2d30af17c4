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

PRINTABLE_ROLES = {"amount", "event_time", "label", "label_available_at"}
"""Columns whose values may stand in a message; anything else could be a card number."""


@dataclass(frozen=True)
class FirstRow:
    """Where a reason was met first, and the value that stood there where it may be shown."""

    file: str
    row: int
    value: str = ""


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

    def show_values(self, file: str, batch: SourceBatch, columns: Mapping[str, str]) -> None:
        """Note the source value behind each reason that this batch was the first to give.

        Args:
            file: the source's name.
            batch: its records, as they were read.
            columns: the source column of each role.
        """
        for reason, first in self.first.items():
            role = reason.split(":")[0]
            if first.value or first.file != file or role not in PRINTABLE_ROLES or role not in columns:
                continue
            place = np.flatnonzero(batch.row == first.row)
            if len(place):
                value = batch.table.column(columns[role])[int(place[0])].as_py()
                self.first[reason] = FirstRow(file, first.row, printable(value))

    def table(self) -> pa.Table:
        """All rows set aside, in the order of file and row."""
        table = pa.concat_tables(self._parts) if self._parts else QUARANTINE.empty_table()
        return table.sort_by([("source_file", "ascending"), ("row", "ascending")])


def printable(value: object) -> str:
    """A value as it may stand in a message: short, and without any run of digits that could be a card number."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return repr(re.sub(r"\d{12,}", "…", text)[:40])
