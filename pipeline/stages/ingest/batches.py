"""Records of a source file as a stream of batches, so that memory does not grow with the file."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.stages.ingest.sources import GZIP_MAGIC, SourceFile
from pipeline.storage.errors import InputError

BATCH_ROWS = 131_072
CSV_BLOCK_BYTES = 16 << 20
HEADER_BYTES = 1 << 20
UNREADABLE = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError)


@dataclass(frozen=True)
class SourceBatch:
    """Consecutive records of one file.

    Attributes:
        table: the records that could be split into columns.
        row: their number in the file, from 1, the header apart [N].
        broken: number and reason of the records that could not.
        spare_lines: lines of the file so far that began no record: blank ones, and line breaks inside quoted values.
    """

    table: pa.Table
    row: NDArray[np.int64]
    broken: tuple[tuple[int, str], ...] = ()
    spare_lines: int = 0


def header(file: SourceFile, *, delimiter: str) -> pa.Schema:
    """Column names of a file, with types where it has them (CSV: all bytes).

    Raises:
        InputError: the file cannot be read, or a name stands in it twice.
    """
    try:
        schema = pq.read_schema(file.path) if file.parquet else _csv_schema(file, delimiter)
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read, {_first_line(error)}") from error
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise InputError(f"{file.place}: column names must differ, got twice: {', '.join(map(repr, twice))}")
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
            yield from _csv_batches(file, columns, delimiter)
    except UNREADABLE as error:
        raise InputError(f"{file.place}: cannot be read to its end, {_first_line(error)}") from error


def table_batches(table: pa.Table, *, columns: Sequence[str]) -> Iterator[SourceBatch]:
    """A table in memory in the same form."""
    for start in range(0, table.num_rows, BATCH_ROWS):
        part = table.select(columns).slice(start, BATCH_ROWS)
        yield SourceBatch(part, np.arange(start + 1, start + part.num_rows + 1))


def _csv_schema(file: SourceFile, delimiter: str) -> pa.Schema:
    with _tail(file) as tail, _csv_reader(tail, delimiter, lambda _: "skip", None, HEADER_BYTES) as reader:
        return pa.schema([(name, pa.binary()) for name in reader.schema.names])


def _parquet_batches(file: SourceFile, columns: Sequence[str]) -> Iterator[SourceBatch]:
    start = 1
    with pq.ParquetFile(file.path, page_checksum_verification=True, pre_buffer=False, buffer_size=1 << 20) as source:
        for batch in source.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield SourceBatch(pa.Table.from_batches([batch]), np.arange(start, start + batch.num_rows))
            start += batch.num_rows


class _Tail(io.RawIOBase):
    """A byte stream that knows how many line ends went by and how it ended."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner, self.lines, self.last = inner, 0, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self._inner.read(size)
        self.lines += block.count(b"\n")
        self.last = (self.last + block[-2:])[-2:]
        return block

    def close(self) -> None:
        self._inner.close()
        super().close()


def _csv_batches(file: SourceFile, columns: Sequence[str], delimiter: str) -> Iterator[SourceBatch]:
    """Batches one behind the parser, for the last record is judged by how the file ends."""
    broken: list[tuple[int, str]] = []
    open_quotes: set[int] = set()

    def broken_record(record: pacsv.InvalidRow) -> str:
        broken.append((record.number - 1, f"record: must have {record.expected_columns} fields"))
        if record.text.count('"') % 2:
            open_quotes.add(record.number - 1)
        return "skip"

    last_column = header(file, delimiter=delimiter).names[-1]
    needed = list(dict.fromkeys([*columns, last_column]))
    nothing = pa.table({name: pa.array([], pa.binary()) for name in needed})
    start, told, held = 1, 0, SourceBatch(nothing, np.zeros(0, np.int64))
    with _tail(file) as tail, _csv_reader(tail, delimiter, broken_record, needed, CSV_BLOCK_BYTES) as reader:
        for records in reader:
            if len(held.row) or held.broken:
                yield _only(held, columns)
            row = _row_numbers(records.num_rows, start, broken)
            start = int(row[-1]) + 1 if len(row) else start
            held = SourceBatch(pa.Table.from_batches([records]), row, tuple(broken[told:]), 0)
            told = len(broken)
        start = max([start - 1, *(number for number, _ in broken)])
        held = replace(held, broken=(*held.broken, *broken[told:]), spare_lines=max(0, tail.lines - start - 1))
        _check_quotes(file, held, tail.last, last_column, last_is_open=start in open_quotes)
        if not tail.last.endswith((b"\n", b"\r")):
            held = _without_cut_record(held, start)
        yield _only(held, columns)


def _tail(file: SourceFile) -> _Tail:
    with file.path.open("rb") as probe:
        zipped = probe.read(2) == GZIP_MAGIC
    return _Tail(cast(BinaryIO, gzip.open(file.path)) if zipped else file.path.open("rb"))


def _csv_reader(
    stream: _Tail,
    delimiter: str,
    broken_record: Callable[[pacsv.InvalidRow], str],
    columns: Sequence[str] | None,
    block_size: int,
) -> pacsv.CSVStreamingReader:
    """Everything as bytes: a CSV reader that guesses turns 0001 into 1.0 and NA into a missing value."""
    kinds = {name: pa.binary() for name in columns or ()}
    return pacsv.open_csv(
        pa.PythonFile(stream, mode="r"),
        read_options=pacsv.ReadOptions(use_threads=False, block_size=block_size),  # threads lose the row numbers
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=broken_record
        ),
        convert_options=pacsv.ConvertOptions(column_types=kinds, include_columns=columns, check_utf8=False),
    )


def _row_numbers(records: int, start: int, broken: Sequence[tuple[int, str]]) -> NDArray[np.int64]:
    """Numbers of the next good records: those from `start` on that no broken record has."""
    taken = np.array([number for number, _ in broken if number >= start], np.int64)
    numbers = np.arange(start, start + records + len(taken))
    return numbers[~np.isin(numbers, taken)][:records]


def _check_quotes(file: SourceFile, batch: SourceBatch, ending: bytes, column: str, *, last_is_open: bool) -> None:
    """A quote that never closes swallows the rest of the file into one value."""
    value = batch.table.column(column)[-1].as_py() if batch.table.num_rows else b""
    swallowed = b"\n" in (value or b"") and not ending.rstrip(b"\r\n").endswith(b'"')
    if last_is_open or swallowed:
        raise InputError(f"{file.place}: every quoted value must be closed, the file ends inside one")


def _without_cut_record(batch: SourceBatch, last: int) -> SourceBatch:
    """The last line has no end: a file that was cut inside a number looks just like this."""
    if not len(batch.row) or batch.row[-1] != last:
        return batch
    cut = (last, "record: must end in a line break, the file may have been cut here")
    return replace(
        batch, table=batch.table.slice(0, len(batch.row) - 1), row=batch.row[:-1], broken=(*batch.broken, cut)
    )


def _only(batch: SourceBatch, columns: Sequence[str]) -> SourceBatch:
    return replace(batch, table=batch.table.select(list(columns)))


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
