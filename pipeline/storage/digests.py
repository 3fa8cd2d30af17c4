"""SHA-256 of files, JSON values and tables."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class TableDigest:
    """SHA-256 over a table's columns, fed part by part.

    Parquet bytes change with the writer's version, and MLflow's own digest reads the first 10,000 rows only; this one
    covers every value and changes with nothing else.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[hashlib._Hash, ...]] = {}

    def update(self, table: pa.Table) -> None:
        """Add further rows; all parts have the same columns."""
        for name in table.column_names:
            column = table.column(name).combine_chunks()
            if name not in self._columns:
                start = f"{name} {column.type}".encode()
                self._columns[name] = (hashlib.sha256(start), hashlib.sha256(), hashlib.sha256())
            for sink, part in zip(self._columns[name], _parts(column), strict=True):
                sink.update(part)

    def hexdigest(self) -> str:
        """The checksum of all rows so far."""
        whole = hashlib.sha256()
        for sinks in self._columns.values():
            for sink in sinks:
                whole.update(sink.digest())
        return whole.hexdigest()


def _parts(column: pa.Array) -> tuple[bytes, bytes, bytes]:
    """Which values are there, how long each is (texts, lists of whole numbers or times), and the values themselves."""
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).tobytes()
        fields = [pc.cast(field, pa.int64()).to_numpy() for field in pc.list_flatten(column).flatten()]
        return valid, lengths, np.column_stack(fields).tobytes()
    if pa.types.is_string(column.type):
        filled = pc.fill_null(column, "")
        text = pa.array(filled) if filled.offset == 0 else pa.concat_arrays([filled])
        lengths = pc.binary_length(text).to_numpy(zero_copy_only=False).astype("<i4").tobytes()
        offsets = np.frombuffer(text.buffers()[1], np.int32)[: len(text) + 1]
        content = text.buffers()[2]
        return valid, lengths, content.to_pybytes()[offsets[0] : offsets[-1]] if content is not None else b""
    plain = pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column
    values = pc.fill_null(plain, 0).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type):
        values = np.where(np.isnan(values), np.nan, values)  # NaN has many bit patterns
    return valid, b"", values.tobytes()


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content as hexadecimal digits, read in pieces of one MiB."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_json(value: object) -> str:
    """The SHA-256 of a value's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
