"""What is wrong with a file that a library cannot read: the kind of fault, the column and the row, and no value.

Libraries quote the value or the whole row in their messages, and rows hold card numbers.
"""

import contextlib
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from pipeline.storage.masking import MARK, masked

QUOTED = re.compile(r"(invalid value|columns, got \d+|Invalid value\.).*")
FIELDS = re.compile(r"Row #(?P<row>\d+): Expected (?P<wanted>\d+) columns, got (?P<got>\d+)")
CONVERSION = re.compile(
    r"In CSV column #(?P<column>\d+): Row #(?P<row>\d+): CSV conversion error to (?P<type>[\w\[\]]+)"
)
TYPES = {"double": "a number", "float": "a number", "int64": "a whole number", "bool": "true or false"}


def reading_fault(error: Exception) -> str:
    """What a reader says of a file in its first line, without the values or the row that it quotes."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return masked(re.sub(r"'[^']*'|\"[^\"]*\"", MARK, QUOTED.sub(r"\1", line)))


def csv_fault(path: Path, options: pacsv.ConvertOptions | None, error: Exception) -> str:
    """The same of a CSV file, with the row, counted from 1 and the header apart, and the column by its name.

    The parser knows row numbers only where it reads with one thread, so the file is read once more.
    """
    with contextlib.suppress(pa.ArrowException, OSError, UnicodeDecodeError):
        single = pacsv.ReadOptions(use_threads=False)
        with pacsv.open_csv(path, read_options=single) as reader:
            names = reader.schema.names
        try:
            pacsv.read_csv(path, read_options=single, convert_options=options)
        except pa.ArrowInvalid as again:
            error = again
        return _located(str(error), names) or reading_fault(error)
    found = FIELDS.search(_one_thread_error(path))
    return _fields(found) if found else reading_fault(error)


def _located(text: str, names: list[str]) -> str:
    if found := FIELDS.search(text):
        return _fields(found)
    if found := CONVERSION.search(text):
        place = int(found["column"])
        name = f"'{masked(names[place])}'" if place < len(names) else f"column {place + 1}"
        return f"{name} must be {TYPES.get(found['type'], found['type'])} in row {int(found['row']) - 1}"
    return ""


def _fields(found: re.Match[str]) -> str:
    return f"row {int(found['row']) - 1} must have {found['wanted']} fields, got {found['got']}"


def _one_thread_error(path: Path) -> str:
    try:
        pacsv.read_csv(path, read_options=pacsv.ReadOptions(use_threads=False))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return str(error)
    return ""
