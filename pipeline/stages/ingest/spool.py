"""Accepted batches put aside on disk and given back in any order, so that sorting needs memory for keys only."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

OUTPUT_ROWS = 262_144


class Spool:
    """Tables written one after another, then read row by row in any order through a memory map.

    Nothing survives it: the file has no name from the moment it can be read, so a killed job leaves none behind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._sizes: list[int] = []
        self._reader: pa.ipc.RecordBatchFileReader | None = None

    def append(self, table: pa.Table) -> None:
        """Put rows at the end; all tables have one schema."""
        if self._writer is None:
            self._writer = pa.ipc.new_file(str(self._path), table.schema)
        for batch in table.combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._sizes.append(batch.num_rows)

    def rows(self, order: NDArray[np.int64], *, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows at these places, in this order; all of their columns or some."""
        reader = self._open()
        names = list(columns or reader.schema.names)
        ends = np.cumsum(self._sizes)
        home = np.searchsorted(ends, order, side="right")
        pieces, places = [], []
        for number in np.unique(home):
            mine = np.flatnonzero(home == number)
            local = order[mine] - (ends[number] - self._sizes[number])
            batch = reader.get_batch(int(number)).select(names)
            contiguous = len(local) and local[-1] - local[0] + 1 == len(local) and bool(np.all(np.diff(local) == 1))
            pieces.append(batch.slice(int(local[0]), len(local)) if contiguous else batch.take(pa.array(local)))
            places.append(mine)
        table = pa.Table.from_batches(pieces, pa.schema([reader.schema.field(name) for name in names]))
        place = np.concatenate(places) if places else np.zeros(0, np.int64)
        if np.all(np.diff(place) == 1):
            return table
        return table.combine_chunks().take(pa.array(np.argsort(place, kind="stable")))

    def chunks(self, order: NDArray[np.int64]) -> Iterator[pa.Table]:
        """The same, a bounded number of rows at a time."""
        for start in range(0, len(order), OUTPUT_ROWS):
            yield self.rows(order[start : start + OUTPUT_ROWS])

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)

    def _open(self) -> pa.ipc.RecordBatchFileReader:
        if self._reader is None:
            if self._writer is None:
                raise ValueError("a spool must hold rows before it can give any back")
            self._writer.close()
            self._reader = pa.ipc.open_file(pa.memory_map(str(self._path)))
            self._path.unlink()
        return self._reader
