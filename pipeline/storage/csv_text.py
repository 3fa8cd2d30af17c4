"""CSV for people: a spreadsheet must show a text of others and not compute it.

Cells that a spreadsheet would take for a formula get an apostrophe in front (OWASP, CSV injection); since a text that
has one there already gets another, taking one away gives what was meant. Parquet holds everything as it came.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipeline.storage.visible_text import visible

BEGINS_FORMULA = "['=+\\-@|%\uff1d\uff0b\uff0d\uff20]"
"""Full-width signs among them, which spreadsheets read like the others."""
FORMULA = re.compile(rf"\s*'*{BEGINS_FORMULA}")
NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")
SUSPECT = r"(?s)^[\s']*['=+\-@|%\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]|[\x00-\x1f\x7f-\x{9f}]|[^\x00-\x{ac}]"
"""What RE2 finds cheaply: every text that may change, and some that do not."""


def csv_text(text: str) -> str:
    r"""A text as a cell: on one line, to be seen, and no formula.

    >>> csv_text("=1+1"), csv_text("-1.5"), csv_text("a\nb")
    ("'=1+1", '-1.5', 'a\\nb')
    """
    shown = visible(text)
    return f"'{shown}" if FORMULA.match(shown) and not NUMBER.fullmatch(shown) else shown


def csv_rows(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, texts made safe and numbers as they are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([csv_text(each) if isinstance(each, str) else each for each in row] for row in rows)
    return text.getvalue()


def csv_bytes(table: pa.Table) -> bytes:
    """A table as CSV, its texts and the names of its columns made safe."""
    columns = [_safe_column(column) for column in table.columns]
    buffer = pa.BufferOutputStream()
    pacsv.write_csv(pa.table(columns, names=[csv_text(name) for name in table.column_names]), buffer)
    return bytes(buffer.getvalue().to_pybytes())


def _safe_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with the few texts changed that must be."""
    if not _is_text(column.type):
        return column
    text = pc.cast(column, pa.large_string())
    suspect = pc.fill_null(pc.match_substring_regex(text, SUSPECT), fill_value=False)
    if not pc.any(suspect).as_py():
        return column
    safe = pa.array([csv_text(each) for each in text.filter(suspect).to_pylist()], pa.large_string())
    return pc.replace_with_mask(text.combine_chunks(), suspect.combine_chunks(), safe)


def _is_text(kind: pa.DataType) -> bool:
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))
