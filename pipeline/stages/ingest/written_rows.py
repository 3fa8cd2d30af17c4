"""Counts over the accepted rows as they are written."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.odd_values import ValueSample
from features.schema.preset import CANONICAL
from features.schema.silent_months import MonthlyLabels
from features.times import DAY, HOUR
from pipeline.storage.digests import TableDigest

SAMPLED_ROWS = 4_096
"""Rows of each chunk whose values are counted."""
FEW_HOURS = 2
"""Hours of the day that midnight falls into where a clock changes."""


class WrittenRows:
    """What was written so far.

    Attributes:
        rows: how many.
        masked: labels made unknown, by reason; whoever masks them counts them.
        nulls: empty or NaN values in each column.
        types: Arrow type of each column.
        digest: of all values.
        labels: rows by label, -1 where it is unknown.
        months: rows and frauds of each month.
        actions: rows by action, "" where it is not known; none where the source does not say.
        sources: labels by source ("" where nobody is named), column ("label" or "opinion") and value.
        first: event_time of the first row, microseconds since 1970.
        last: that of the last one.
        values: how often values stand in a sample, by id column and text column.
        hours: hours of the day (UTC) that an event was in; no longer added to once there are many.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.masked: Counter[str] = Counter()
        self.nulls: Counter[str] = Counter()
        self.types: dict[str, str] = {}
        self.digest = TableDigest()
        self.labels: Counter[int] = Counter()
        self.months = MonthlyLabels()
        self.actions: Counter[str] = Counter()
        self.sources: Counter[tuple[str, str, int]] = Counter()
        self.first = self.last = 0
        self.values: dict[str, ValueSample] = {}
        self.hours: set[int] = set()

    def add(self, chunk: pa.Table) -> None:
        """Take in the next rows, in their final order."""
        times, labels = chunk["event_time"].cast(pa.int64()).to_numpy(), pc.fill_null(chunk["label"], -1).to_numpy()
        self.first, self.last = self.first if self.rows else int(times[0]), int(times[-1])
        self.rows += chunk.num_rows
        self.labels.update({value: int((labels == value).sum()) for value in (-1, 0, 1)})
        self.months.add(times, labels)
        self.types = {field.name: str(field.type) for field in chunk.schema}
        self.nulls.update({name: _missing(chunk[name]) for name in chunk.column_names})
        self.digest.update(chunk)
        self._add_policy(chunk)
        self._add_sample(chunk)
        if len(self.hours) <= FEW_HOURS:
            self.hours.update(np.unique(times % DAY // HOUR).tolist())

    def _add_sample(self, chunk: pa.Table) -> None:
        places = pa.array(np.arange(0, chunk.num_rows, max(1, chunk.num_rows // SAMPLED_ROWS)))
        for name in chunk.column_names:
            text = pa.types.is_string(chunk.schema.field(name).type)
            if name not in CANONICAL and (text or name.endswith("_id")):
                self.values.setdefault(name, ValueSample()).add(chunk[name].take(places))

    def _add_policy(self, chunk: pa.Table) -> None:
        if "action" in chunk.column_names:
            self.actions.update(dict(_counted(pc.fill_null(chunk["action"], ""))))
        if "label_source" not in chunk.column_names:
            return
        for column in ("label", "opinion"):
            known = chunk.filter(chunk[column].is_valid())
            for value in (0, 1):
                of_value = known.filter(pc.equal(known[column], value))
                for source, count in _counted(pc.fill_null(of_value["label_source"], "")):
                    self.sources[source, column, value] += count


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return [(each["values"], each["counts"]) for each in pc.value_counts(column).to_pylist()]


def _missing(column: pa.ChunkedArray) -> int:
    nan = pc.sum(pc.is_nan(column)).as_py() or 0 if pa.types.is_floating(column.type) else 0
    return int(column.null_count + nan)
