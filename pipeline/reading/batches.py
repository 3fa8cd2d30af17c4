"""Records of a source file as a stream of batches, so that memory does not grow with the file."""

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.reading.byte_stream import ByteStream
from pipeline.reading.csv_batches import csv_batches, csv_names
from pipeline.reading.json_batches import json_batches, json_names
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

BATCH_ROWS = 131_072
HEAD_BYTES = 4096
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
ENCODING_HINT = "; where it is no UTF-8, the preset's encoding must say what it is"
UNREADABLE = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError)


def header(file: SourceFile, *, delimiter: str, encoding: str = "utf-8") -> pa.Schema:
    """Column names of a file, with types where it has them (CSV and JSON lines: all bytes).

    Raises:
        InputError: the file cannot be read, or a name stands in it twice.
    """
    _check_text(file, encoding)
    try:
        schema = pq.read_schema(file.path) if file.parquet else _byte_columns(_names(file, delimiter, encoding))
    except UNREADABLE as error:
        hint = "" if file.parquet or encoding != "utf-8" else ENCODING_HINT
        raise InputError(f"{file.place}: cannot be read, {_first_line(error)}{hint}") from error
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise InputError(f"{file.place}: column names must differ, got twice: {', '.join(map(repr, twice))}")
    return schema


def source_batches(
    file: SourceFile, *, columns: Sequence[str], delimiter: str, encoding: str = "utf-8"
) -> Iterator[SourceBatch]:
    """All records of a file, only the columns asked for.

    Raises:
        InputError: the file is damaged (a Parquet page fails its checksum, a gzip stream ends early, a quote is open).
    """
    try:
        if file.parquet:
            yield from _parquet_batches(file, columns)
        elif file.json:
            yield from json_batches(file, columns, encoding, rows=BATCH_ROWS)
        else:
            yield from csv_batches(file, columns, delimiter, encoding)
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read to its end, {_first_line(error)}") from error


def table_batches(table: pa.Table, *, columns: Sequence[str]) -> Iterator[SourceBatch]:
    """A table in memory in the same form."""
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.select(columns).slice(start, BATCH_ROWS)
        yield SourceBatch(part, np.arange(start + 1, start + part.num_rows + 1))


def _byte_columns(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.binary()) for name in names])


def _names(file: SourceFile, delimiter: str, encoding: str) -> list[str]:
    return json_names(file, encoding) if file.json else csv_names(file, delimiter, encoding)


def _check_text(file: SourceFile, encoding: str) -> None:
    """Stop on what looks like text of this kind and is none: another encoding, a spreadsheet, one list of objects."""
    if file.parquet or encoding.startswith(("utf-16", "utf-32")):
        return
    with ByteStream(file.path) as stream:
        try:
            head = stream.read(HEAD_BYTES)
        except UNREADABLE as error:
            raise InputError(f"{file.place}: cannot be read, {_first_line(error)}") from error
    if head[:2] in UTF16_MARKS:
        raise InputError(
            f"{file.place}: must be {encoding.upper()}, but begins with a UTF-16 mark: "
            'say encoding = "utf-16" in the preset'
        )
    if b"\0" in head:
        raise InputError(f"{file.place}: must be CSV, JSON lines or Parquet, but holds binary data")
    if re.match(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\[]", head):
        raise InputError(f"{file.place}: must be JSON lines, one object on each, but holds one list of them")


def _parquet_batches(file: SourceFile, columns: Sequence[str]) -> Iterator[SourceBatch]:
    start = 1
    options = {"page_checksum_verification": True, "pre_buffer": False, "buffer_size": 1 << 20}
    # Spark writes times of 12 bytes: in nanoseconds the year 9999 would be one of the past.
    with pq.ParquetFile(file.path, coerce_int96_timestamp_unit="us", **options) as source:
        for batch in source.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield SourceBatch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
            start += batch.num_rows


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
