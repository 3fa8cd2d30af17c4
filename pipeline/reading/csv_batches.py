"""Records of a CSV file as a stream of batches: every value as bytes, every record under its own number."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from pipeline.reading.byte_stream import ByteStream
from pipeline.reading.source_batch import SourceBatch
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

CSV_BLOCK_BYTES = 16 << 20
HEADER_BYTES = 1 << 20


def csv_names(file: SourceFile, delimiter: str, encoding: str = "utf-8") -> list[str]:
    """Column names in the order of the file, as often as they stand there."""
    with (
        ByteStream(file.path, encoding) as stream,
        _csv_reader(stream, delimiter, lambda _: "skip", None, HEADER_BYTES) as reader,
    ):
        return list(reader.schema.names)


def csv_batches(
    file: SourceFile, columns: Sequence[str], delimiter: str, encoding: str = "utf-8"
) -> Iterator[SourceBatch]:
    """All records of a file, only the columns asked for; one batch behind the parser.

    The last record is judged by how the file ends, which nobody knows before the parser has seen the end: so a batch
    is given away when the next one is there.

    Raises:
        InputError: the file ends inside a quoted value.
    """
    # Quotes are checked in the last column of the file: an open one swallows whatever follows it into that value.
    last_column = csv_names(file, delimiter, encoding)[-1]
    needed = list(dict.fromkeys([*columns, last_column]))
    records = _NumberedRecords()
    held = SourceBatch(pa.table({name: pa.array([], pa.binary()) for name in needed}), np.zeros(0, np.int64))
    with (
        ByteStream(file.path, encoding) as stream,
        _csv_reader(stream, delimiter, records.set_aside, needed, CSV_BLOCK_BYTES) as reader,
    ):
        for parsed in reader:
            if len(held.row) or held.broken:
                yield _only(held, columns)
            held = records.batch(parsed)
        last = records.last()
        held = replace(held, broken=(*held.broken, *records.new_broken()), spare_lines=max(0, stream.lines - last - 1))
        _check_quotes(file, held, stream.ending, last_column, last_is_open=last in records.open_quotes)
        if not stream.ending.endswith((b"\n", b"\r")):
            held = _without_unended_record(held, last)
        yield _only(held, columns)


class _NumberedRecords:
    """Numbers for the records of one file: the parser hands out good ones in blocks and calls back for each broken one.

    It is called back while it reads ahead, so a broken record may come before the good ones around it are handed out;
    their numbers are what the broken ones leave free.
    """

    def __init__(self) -> None:
        self.open_quotes: set[int] = set()
        self._broken: list[tuple[int, str]] = []
        self._given = 0
        self._next_row = 1

    def set_aside(self, record: pacsv.InvalidRow) -> str:
        """Note a record with too many or too few fields; the parser goes on with the next."""
        number = record.number - 1  # the parser counts the header
        self._broken.append((number, f"record: must have {record.expected_columns} fields"))
        if record.text.count('"') % 2:
            self.open_quotes.add(number)
        return "skip"

    def batch(self, records: pa.RecordBatch) -> SourceBatch:
        """The next good records under their numbers, with the broken ones met since the last batch."""
        row = self._numbers(records.num_rows)
        self._next_row = int(row[-1]) + 1 if len(row) else self._next_row
        return SourceBatch(pa.Table.from_batches([records]), row, self.new_broken())

    def new_broken(self) -> tuple[tuple[int, str], ...]:
        """Broken records that no batch has taken yet; each is given away once."""
        new = tuple(self._broken[self._given :])
        self._given = len(self._broken)
        return new

    def last(self) -> int:
        """Number of the last record met, good or broken."""
        return max([self._next_row - 1, *(number for number, _ in self._broken)])

    def _numbers(self, records: int) -> NDArray[np.int64]:
        taken = np.array([number for number, _ in self._broken if number >= self._next_row], np.int64)
        numbers = np.arange(self._next_row, self._next_row + records + len(taken))
        return numbers[~np.isin(numbers, taken)][:records]


def _csv_reader(
    stream: ByteStream,
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


def _check_quotes(file: SourceFile, batch: SourceBatch, ending: bytes, column: str, *, last_is_open: bool) -> None:
    """A quote that never closes swallows the rest of the file into one value."""
    value = batch.table.column(column)[-1].as_py() if batch.table.num_rows else b""
    swallowed = b"\n" in (value or b"") and not ending.rstrip(b"\r\n").endswith(b'"')
    if last_is_open or swallowed:
        raise InputError(f"{file.place}: every quoted value must be closed, the file ends inside one")


def _without_unended_record(batch: SourceBatch, last: int) -> SourceBatch:
    """The last line has no end: a file that was cut inside a number looks just like this."""
    if not len(batch.row) or batch.row[-1] != last:
        return batch
    unended = (last, "record: must end in a line break, the file may have been cut here")
    return replace(
        batch, table=batch.table.slice(0, len(batch.row) - 1), row=batch.row[:-1], broken=(*batch.broken, unended)
    )


def _only(batch: SourceBatch, columns: Sequence[str]) -> SourceBatch:
    return replace(batch, table=batch.table.select(list(columns)))
