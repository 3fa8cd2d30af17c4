"""JSON and Parquet, in and out.

A flipped bit in a Parquet page reads back as wrong data without a word, so every table carries page checksums, which
are verified on reading.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.storage.atomic import write_text
from pipeline.storage.errors import InputError

ROW_GROUP = 1 << 18


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON; numbers that are not finite become null, so that any reader can parse it."""
    write_text(path, json.dumps(json_ready(value), indent=2, sort_keys=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        InputError: the file is not JSON, or not to be read; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} must be JSON, but it cannot be read as such: {error}") from error


def json_ready(value: object) -> Any:
    """A value with numpy scalars and arrays, paths, tuples and non-finite numbers turned into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return json_ready(value.tolist())
    if isinstance(value, np.generic):
        return json_ready(value.item())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_ready(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def write_table(path: Path, table: pa.Table) -> None:
    """Write Parquet with page checksums; the same table gives the same bytes."""
    pq.write_table(table, path, row_group_size=ROW_GROUP, **parquet_options(table.schema))


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How every Parquet file is written.

    Only text gets a dictionary: for measured numbers it is built, found useless and given up, at twice the time.
    """
    text = [each.name for each in schema if pa.types.is_string(each.type) or pa.types.is_dictionary(each.type)]
    return {"compression": "zstd", "write_page_checksum": True, "use_dictionary": text}


def read_table(path: Path, *, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
    """Read Parquet and verify its page checksums.

    Raises:
        InputError: the file is missing, cut short or changed since it was written.
    """
    try:
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} must be a whole Parquet file, but it cannot be read: {error}") from error
