"""Records of a source file as a stream of batches, so that memory does not grow with the file."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.reading.byte_stream import ByteStream
from pipeline.reading.csv_batches import csv_batches, csv_names
from pipeline.reading.encodings import WIDE, encoding_fault
from pipeline.reading.file_kinds import DAMAGED, HEAD_BYTES, foreign_kind
from pipeline.reading.header_names import no_header, quoted_names
from pipeline.reading.json_batches import json_batches, json_names
from pipeline.reading.reading_faults import reading_fault
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.child_reading import batches_from_child, schema_from_child
from pipeline.storage.errors import InputError
from pipeline.storage.read_limits import check_column_count, check_row_count, check_texts

BATCH_ROWS = 131_072
ENCODING_HINT = "; where it is no UTF-8, the preset's encoding must say what it is"
UNREADABLE = (pa.ArrowException, UnicodeError, *DAMAGED)


def header(file: SourceFile, *, delimiter: str, encoding: str = "utf-8") -> pa.Schema:
    """Column names of a file, with types where it has them (CSV and JSON lines: all bytes).

    Raises:
        InputError: the file cannot be read or has too many columns, or a name stands in it twice.
    """
    _check_text(file, encoding)
    try:
        schema = _parquet_schema(file) if file.parquet else _byte_columns(_names(file, delimiter, encoding))
    except UNREADABLE as error:
        hint = "" if file.parquet or encoding != "utf-8" else ENCODING_HINT
        raise InputError(f"{file.place}: cannot be read, {reading_fault(error)}{hint}") from error
    check_column_count(schema.names, place=file.place)
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice and no_header(twice):
        raise InputError(f"{file.place}: column names must differ; is there a header? The first line holds values")
    if twice:
        raise InputError(f"{file.place}: column names must differ, got twice: {quoted_names(twice)}")
    return schema


def source_batches(
    file: SourceFile, *, columns: Sequence[str], delimiter: str, encoding: str = "utf-8"
) -> Iterator[SourceBatch]:
    """All records of a file, only the columns asked for.

    Raises:
        InputError: the file is damaged (a Parquet page fails its checksum, a compressed stream ends early, a quote is
            open), or larger inside than any file of transactions.
    """
    try:
        for batch in _batches(file, columns, delimiter, encoding):
            check_texts(batch.table, place=file.place)
            yield batch
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read to its end, {reading_fault(error)}") from error


def table_batches(table: pa.Table, *, columns: Sequence[str]) -> Iterator[SourceBatch]:
    """A table in memory in the same form."""
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.select(columns).slice(start, BATCH_ROWS)
        yield SourceBatch(part, np.arange(start + 1, start + part.num_rows + 1))


def _batches(file: SourceFile, columns: Sequence[str], delimiter: str, encoding: str) -> Iterator[SourceBatch]:
    if file.parquet:
        return _parquet_batches(file, columns)
    if file.json:
        return json_batches(file, columns, encoding, rows=BATCH_ROWS)
    return csv_batches(file, columns, delimiter, encoding)


def _byte_columns(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.binary()) for name in names])


def _names(file: SourceFile, delimiter: str, encoding: str) -> list[str]:
    if not file.json:
        return csv_names(file, delimiter, encoding)
    names = json_names(file, encoding)
    if not names:
        raise InputError(f"{file.place}: must be JSON lines, one whole object on each, but no line of it is one")
    return names


def _check_text(file: SourceFile, encoding: str) -> None:
    """Stop on what looks like text of this kind and is none: another encoding, a spreadsheet, one list of objects."""
    if file.parquet:
        return
    with ByteStream(file.path) as stream:
        try:
            head = stream.read(HEAD_BYTES)
        except UNREADABLE as error:
            raise InputError(f"{file.place}: cannot be read, {reading_fault(error)}") from error
    if kind := foreign_kind(head):
        raise InputError(f"{file.place}: must be CSV, JSON lines or Parquet, but is {kind}")
    if fault := encoding_fault(head, encoding):
        raise InputError(f"{file.place}: {fault}")
    if b"\0" in head and not encoding.startswith(WIDE):
        raise InputError(f"{file.place}: must be CSV, JSON lines or Parquet, but holds binary data")
    if re.match(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\[]", head):
        raise InputError(f"{file.place}: must be JSON lines, one object on each, but holds one list of them")


def _parquet_schema(file: SourceFile) -> pa.Schema:
    return schema_from_child(lambda: pq.read_schema(file.path), refusal=f"{file.place}: cannot be read")


def _parquet_batches(file: SourceFile, columns: Sequence[str]) -> Iterator[SourceBatch]:
    start, size = 1, file.path.stat().st_size
    refusal = f"{file.place}: cannot be read to its end"
    for batch in batches_from_child(lambda: _read_parquet(file.path, columns), refusal=refusal):
        check_row_count(start + batch.num_rows - 1, size=size, place=file.place)
        yield SourceBatch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
        start += batch.num_rows


def _read_parquet(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    options = {"page_checksum_verification": True, "pre_buffer": False, "buffer_size": 1 << 20}
    # Spark writes times of 12 bytes: in nanoseconds the year 9999 would be one of the past.
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="us", **options) as source:
        yield from source.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)
