"""The first pass of ingest: every source row ends in the spool, in the quarantine, or after as-of."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.batch import CanonicalBatch, canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.duplicates import id_keys
from features.schema.silent_months import MonthlyLabels
from pipeline.reading.source_batch import SourceBatch
from pipeline.stages.ingest.inputs import Input
from pipeline.stages.ingest.quarantined_rows import QuarantinedRows
from pipeline.stages.ingest.spool import Spool
from pipeline.storage.errors import InputError


class FirstPass:
    """What the first pass has seen so far; sums, and per accepted row its time, label and id."""

    def __init__(self, reading: Reading, spool: Spool) -> None:
        self.rows_in = self.after_as_of = self.spare_lines = self.frauds_replaced = 0
        self.rows_of: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.months = MonthlyLabels()
        self.quarantine = QuarantinedRows()
        self._reading, self._spool = reading, spool
        self._offset = 0
        self._schema: pa.Schema | None = None
        self._schema_file = ""
        self._times: list[NDArray[np.int64]] = []
        self._keys: list[NDArray[np.int64]] = []
        self._ranks: list[NDArray[np.int64]] = []
        # Where the rows of each accepted batch stood in their file: the first number where they follow one another,
        # which is nearly always and saves eight bytes a row, else all numbers.
        self._origins: list[tuple[str, NDArray[np.int64] | int]] = []

    def read(self, source: Input, progress: Callable[[int], None]) -> None:
        """Take in all records of one source."""
        self._reading, last = replace(self._reading, plan=source.plan), 0
        for batch in source.batches():
            self._take(source.name, batch)
            last = max([last, *batch.row[-1:].tolist(), *(number for number, _ in batch.broken)])
            progress(self._offset + last)
        self._offset += last
        self.rows_of[source.name] = last

    def times(self) -> NDArray[np.int64]:
        """Event times of the accepted rows in source order, microseconds since 1970."""
        return np.concatenate([np.zeros(0, np.int64), *self._times])

    def ranks(self) -> NDArray[np.int64]:
        """Place of their kind in the order of `repeats`, 0 where the preset has none."""
        return (
            np.concatenate([np.zeros(0, np.int64), *self._ranks])
            if self._ranks
            else np.zeros(len(self.times()), np.int64)
        )

    def taken_keys(self) -> NDArray[np.int64]:
        """64 bits of their transaction ids, equal where the ids are; given away once, for they take much memory."""
        keys, self._keys = np.concatenate([np.zeros(0, np.int64), *self._keys]), []
        return keys

    def reject(self, places: NDArray[np.int64], reasons: Sequence[str]) -> None:
        """Quarantine rows that were accepted at first, by their places among the accepted, in order."""
        ends = np.cumsum([len(times) for times in self._times])
        home = np.searchsorted(ends, places, side="right")
        for batch in np.unique(home).tolist():
            mine = np.flatnonzero(home == batch)
            local = places[mine] - (ends[batch] - len(self._times[batch]))
            file, rows = self._origins[batch]
            numbers = rows + local if isinstance(rows, int) else rows[local]
            self.quarantine.add(file, numbers, _single_reasons([reasons[row] for row in mine.tolist()]))

    def _take(self, file: str, batch: SourceBatch) -> None:
        # An id is the row's place among all records, good or bad: it stays when a bad row before it is repaired.
        result = canonical_batch(batch.table, reading=self._reading, row_ids=self._offset + batch.row - 1)
        self.rows_in += batch.table.num_rows - result.after_as_of + len(batch.broken)
        self.after_as_of += result.after_as_of
        self.spare_lines += batch.spare_lines
        self.counts.update(result.counts)
        self._accept(file, batch, result)
        self.quarantine.add(file, batch.row[result.rejected], result.reasons)
        broken = np.array([number for number, _ in batch.broken], np.int64)
        self.quarantine.add(file, broken, _single_reasons([reason for _, reason in batch.broken]))
        self.quarantine.show_values(file, batch, self._reading.plan.columns)

    def _accept(self, file: str, batch: SourceBatch, result: CanonicalBatch) -> None:
        accepted = result.accepted
        if not accepted.num_rows:
            return
        accepted = self._conformed(file, accepted)
        self._spool.append(accepted)
        self._times.append(accepted["event_time"].cast(pa.int64()).to_numpy().copy())
        self.months.add(self._times[-1], pc.fill_null(accepted["label"], -1).to_numpy())
        self._keys.append(id_keys(accepted["transaction_id"]).copy())
        if result.ranks is not None:
            self._ranks.append(result.ranks)
        rows = batch.row[result.kept]
        self._origins.append((file, int(rows[0]) if rows[-1] - rows[0] + 1 == len(rows) else rows))

    def _conformed(self, file: str, accepted: pa.Table) -> pa.Table:
        """The batch in the types of the first; only ids can differ, and a column of nulls has no type of its own."""
        if self._schema is None:
            self._schema, self._schema_file = accepted.schema, file
        faults = []
        for place, (field, wanted) in enumerate(zip(accepted.schema, self._schema, strict=True)):
            if field.type != wanted.type and accepted[field.name].null_count == accepted.num_rows:
                accepted = accepted.set_column(place, wanted, pa.nulls(accepted.num_rows, wanted.type))
            elif field.type != wanted.type:
                faults.append(f"  {field.name!r}: {field.type} in {file}, {wanted.type} in {self._schema_file}")
        if faults:
            count = f"{len(faults)} column{'s' * (len(faults) > 1)}"
            raise InputError("\n".join([f"{count} must have one type in all files", *faults]))
        return accepted


def _single_reasons(reasons: Sequence[str]) -> pa.Array:
    return pa.array([[reason] for reason in reasons], pa.list_(pa.string()))
