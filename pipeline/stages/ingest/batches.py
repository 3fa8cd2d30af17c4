"""Records of a source file as a stream of batches, so that memory does not grow with the file."""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.bundle.reading_faults import reading_fault
from pipeline.stages.ingest.csv_batches import csv_batches, csv_names
from pipeline.stages.ingest.header_names import no_header, quoted_names
from pipeline.stages.ingest.source_batch import SourceBatch
from pipeline.stages.ingest.sources import SourceFile
from pipeline.storage.errors import InputError

BATCH_ROWS = 131_072
UNREADABLE = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError)


def header(file: SourceFile, *, delimiter: str) -> pa.Schema:
    """Column names of a file, with types where it has them (CSV: all bytes).

    Raises:
        InputError: the file cannot be read, or a name stands in it twice.
    """
    try:
        schema = pq.read_schema(file.path) if file.parquet else _byte_columns(csv_names(file, delimiter))
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read, {reading_fault(error)}") from error
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice and no_header(twice):
        raise InputError(f"{file.place}: column names must differ; is there a header? The first line holds values")
    if twice:
        raise InputError(f"{file.place}: column names must differ, got twice: {quoted_names(twice)}")
    return schema


def source_batches(file: SourceFile, *, columns: Sequence[str], delimiter: str) -> Iterator[SourceBatch]:
    """All records of a file, only the columns asked for.

    Raises:
        InputError: the file is damaged (a Parquet page fails its checksum, a gzip stream ends early, a quote is open).
    """
    try:
        if file.parquet:
            yield from _parquet_batches(file, columns)
        else:
            yield from csv_batches(file, columns, delimiter)
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read to its end, {reading_fault(error)}") from error


def table_batches(table: pa.Table, *, columns: Sequence[str]) -> Iterator[SourceBatch]:
    """A table in memory in the same form."""
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.select(columns).slice(start, BATCH_ROWS)
        yield SourceBatch(part, np.arange(start + 1, start + part.num_rows + 1))


def _byte_columns(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.binary()) for name in names])


def _parquet_batches(file: SourceFile, columns: Sequence[str]) -> Iterator[SourceBatch]:
    start = 1
    with pq.ParquetFile(file.path, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20) as source:
        for batch in source.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield SourceBatch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
            start += batch.num_rows
