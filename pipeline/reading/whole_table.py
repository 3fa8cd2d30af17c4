"""A whole file of rows in memory, for those who work on all of it at once."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline.reading.batches import header, source_batches
from pipeline.reading.sources import SourceFile
from pipeline.storage.errors import InputError

OTHER_DELIMITERS = (";", "\t", "|")
SUFFIXES = (".parquet", ".csv", ".jsonl")


def row_file(path: Path, what: str) -> SourceFile:
    """A .parquet, .csv or .jsonl file, whose kind its name says.

    Args:
        path: of the file.
        what: its rows are, for the message.

    Raises:
        InputError: there is no such file, or it is of another kind.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{what} must be in a .parquet, .csv or .jsonl file, got {path.name!r}")
    if not path.is_file():
        raise InputError(f"{what} must be in a file, but {path} is none")
    return SourceFile(path, path.name, path.suffix == ".parquet", str(path), json=path.suffix == ".jsonl")


def file_columns(file: SourceFile) -> list[str]:
    """The names of all columns of a file; of JSON lines, those that any line has.

    Raises:
        InputError: it cannot be read, a name stands in it twice, or its columns are not separated by commas.
    """
    names = list(header(file, delimiter=",").names)
    other = [mark for mark in OTHER_DELIMITERS if len(names) == 1 and mark in names[0]]
    if other:
        raise InputError(
            f"{file.place}: must be separated by commas, but all of its header is one name with {other[0]!r} in it"
        )
    return names


def whole_table(file: SourceFile, columns: Sequence[str]) -> pa.Table:
    """Columns of a file, typed where the file types them, else as the text that stands there.

    Raises:
        InputError: it is damaged, or a row of it is no row.
    """
    batches = list(source_batches(file, columns=columns, delimiter=","))
    broken = [fault for batch in batches for fault in batch.broken]
    if broken:
        number, reason = broken[0]
        like = f" ({len(broken):,} rows are broken)" if len(broken) > 1 else ""
        raise InputError(f"{file.place}: every row must be whole, row {number} is not: {reason}{like}")
    if batches:
        return pa.concat_tables([batch.table for batch in batches])
    schema = header(file, delimiter=",")
    return pa.schema([schema.field(name) for name in columns]).empty_table()
