"""The second pass of ingest: the accepted rows in the order of their time, with labels of silent months masked."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.earlier_labels import EARLIER_LABELS, earlier_labels
from features.schema.silent_months import months_of
from pipeline.stages.ingest.written_rows import WrittenRows
from pipeline.storage.content import parquet_options


def time_order(times: NDArray[np.int64], *, without: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of the rows by time, ties in source order.

    Args:
        times: event times in source order [N].
        without: places of rows that are left out.
    """
    order: NDArray[np.int64] = np.argsort(times, kind="stable")
    if not len(without):
        return order
    stays = np.ones(len(order), bool)
    stays[without] = False
    return order[stays[order]]


def write_transactions(
    chunks: Iterator[pa.Table], path: Path, *, masks: Mapping[str, NDArray[np.datetime64]]
) -> WrittenRows:
    """Write rows that come in their final order as Parquet; what was written, counted.

    Args:
        chunks: tables of one schema.
        path: the file.
        masks: months in which nobody knows a label, by reason.
    """
    written = WrittenRows()
    writer: pq.ParquetWriter | None = None
    try:
        for chunk in chunks:
            for reason, months in masks.items():
                chunk, count = _labels_masked(chunk, months)
                written.masked[reason] += count
            if writer is None:
                writer = pq.ParquetWriter(path, chunk.schema, **parquet_options(chunk.schema))
            writer.write_table(chunk)
            written.add(chunk)
    finally:
        if writer is not None:
            writer.close()
    return written


def _labels_masked(chunk: pa.Table, months: NDArray[np.datetime64]) -> tuple[pa.Table, int]:
    """The rows without the labels of these months, and how many labels that were."""
    inside = np.isin(months_of(chunk["event_time"].cast(pa.int64()).to_numpy()), months)
    count = int((inside & chunk["label"].is_valid().to_numpy()).sum())
    if not inside.any():
        return chunk, count
    for name in ("label", "label_available_at"):
        chunk = chunk.set_column(chunk.column_names.index(name), name, pc.if_else(pa.array(inside), None, chunk[name]))
    if EARLIER_LABELS in chunk.column_names:
        chunk = chunk.set_column(chunk.column_names.index(EARLIER_LABELS), EARLIER_LABELS, _without(chunk, inside))
    return chunk, count


def _without(chunk: pa.Table, inside: NDArray[np.bool_]) -> pa.Array:
    """The earlier labels of a chunk's rows, less those of some of them."""
    earlier = earlier_labels(chunk)
    column = chunk[EARLIER_LABELS]
    return column if earlier is None else earlier.taken(~inside[earlier.row]).column(chunk.num_rows)
