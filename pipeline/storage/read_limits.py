"""How large a file of others may be inside, whatever its size on disk: columns, texts, rows, and what it expands to.

The limits are far beyond any file of transactions. What passes one is no data but a mistake or a bomb, and is refused
before it fills memory or disk.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.storage.errors import InputError

MOST_COLUMNS = 10_000
LONGEST_TEXT = 1 << 16
"""Bytes of one value; ids and categories have some dozens."""
LARGEST_BATCH = 1 << 30
"""Bytes of one column's texts in the rows that are read at once."""
MOST_ROWS_A_BYTE = 8
"""Rows in a byte of a Parquet file; the times and amounts of real ones take several bytes a row."""
MOST_EXPANSION = 200
"""Bytes in a byte of a compressed text file; real ones hold five to twenty."""
SMALL = 64 << 20
"""Bytes, or a hundredth as many rows, up to which no ratio is asked for."""


def check_column_count(names: Sequence[str], *, place: str) -> None:
    """Stop on a file with too many columns.

    Raises:
        InputError: their number.
    """
    if len(names) > MOST_COLUMNS:
        raise InputError(f"{place}: must have at most {MOST_COLUMNS:,} columns, got {len(names):,}")


def check_row_count(rows: int, *, size: int, place: str) -> None:
    """Stop on a Parquet file of `size` bytes with more rows than so few bytes can tell apart.

    Raises:
        InputError: both numbers.
    """
    if rows > max(SMALL // 100, size * MOST_ROWS_A_BYTE):
        raise InputError(
            f"{place}: must have at most {MOST_ROWS_A_BYTE} rows a byte, got {rows:,} rows in {size:,} bytes: "
            "they repeat themselves"
        )


def check_expansion(expanded: int, *, size: int, place: str) -> None:
    """Stop on a compressed file of `size` bytes that has grown to so many.

    Raises:
        InputError: both numbers.
    """
    if expanded > max(SMALL, size * MOST_EXPANSION):
        raise InputError(
            f"{place}: must expand to at most {MOST_EXPANSION} times its size, {size:,} bytes hold more than "
            f"{expanded:,}"
        )


def check_texts(table: pa.Table, *, place: str) -> None:
    """Stop on values that are too long, and on texts that would be too large once each row has its own.

    Raises:
        InputError: the first such column, and how long its longest value is.
    """
    for name in table.column_names:
        longest, whole = _text_bytes(table.column(name))
        if longest > LONGEST_TEXT:
            raise InputError(f"{place}: {name!r} must have values of at most {LONGEST_TEXT:,} bytes, got {longest:,}")
        if whole > LARGEST_BATCH:
            raise InputError(
                f"{place}: {name!r} must have at most {LARGEST_BATCH:,} bytes in {table.num_rows:,} rows, got {whole:,}"
            )


def _text_bytes(column: pa.ChunkedArray) -> tuple[int, int]:
    """Bytes of the longest value and of all together, each value of a dictionary as often as it is referred to."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_binary(kind) or _is_large(kind)):
        return 0, 0
    longest = whole = 0
    for chunk in column.chunks:
        values = chunk.dictionary if pa.types.is_dictionary(column.type) else chunk
        lengths = pc.fill_null(pc.binary_length(values), 0)
        longest = max(longest, pc.max(lengths).as_py() or 0)
        taken = lengths.take(chunk.indices.drop_null()) if values is not chunk else lengths
        whole += int(np.sum(taken.to_numpy(), dtype=np.int64))
    return longest, whole


def _is_large(kind: pa.DataType) -> bool:
    views = (pa.types.is_string_view(kind), pa.types.is_binary_view(kind))
    return any((*views, pa.types.is_large_string(kind), pa.types.is_large_binary(kind)))
