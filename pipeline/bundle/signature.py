"""What a graph takes and gives, and a table as its inputs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.column_text import decoded, text_values
from features.schema.column_types import unfit
from features.schema.faults import marked_rows
from features.schema.number_text import NumberFormat, read_numbers
from pipeline.storage.errors import InputError, faults_text

MISSING_NUMBERS = ("na", "nan", "null", "none")
"""Texts that mean a missing number, in lower case, as they do in a preset that says nothing else."""
NUMERIC, CATEGORICAL = "numeric", "categorical"
SPELLED = {NUMERIC: {"type": "float", "missing": "NaN"}, CATEGORICAL: {"type": "string", "missing": ""}}
"""How each kind of column is typed in the graph, and what stands for a value that is missing."""


@dataclass(frozen=True)
class Signature:
    """What a graph takes and gives.

    Attributes:
        numeric: names of columns of numbers.
        categorical: names of columns of strings.
        outputs: names of the probabilities.
        optional: columns that were missing in some rows of train, so that a request may leave them out.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    outputs: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All columns."""
        return (*self.numeric, *self.categorical)

    def to_dict(self) -> dict[str, Any]:
        """What stands in signature.json."""
        kinds = [*((name, NUMERIC) for name in self.numeric), *((name, CATEGORICAL) for name in self.categorical)]
        inputs = [
            {"name": name, "kind": kind, **SPELLED[kind], "optional": name in self.optional} for name, kind in kinds
        ]
        outputs = [{"name": name, "type": "double"} for name in self.outputs]
        return {"shape": ["rows", 1], "inputs": inputs, "outputs": outputs}

    @classmethod
    def from_dict(cls, values: Any) -> "Signature":
        """The inverse of `to_dict`.

        Raises:
            InputError: the values are not a signature.
        """
        try:
            columns = [_column(each) for each in values["inputs"]]
            outputs = tuple(str(each["name"]) for each in values["outputs"])
        except (TypeError, KeyError):
            raise InputError("signature.json must list inputs (name, kind, optional) and outputs (name)") from None
        if not {each.kind for each in columns} <= SPELLED.keys() or "probability" not in outputs:
            raise InputError(f"signature.json must have {' or '.join(SPELLED)} inputs and the output 'probability'")
        optional = frozenset(each.name for each in columns if each.optional)
        return cls(_names(columns, NUMERIC), _names(columns, CATEGORICAL), outputs, optional)


def feature_arrays(table: pa.Table, signature: Signature) -> dict[str, np.ndarray]:
    """A table's columns as the graph takes them: float32 [N, 1], NaN where null, and str [N, 1], "" where null.

    Raises:
        InputError: a column is missing, of the wrong type or holds infinite values: every fault, by name.
    """
    faults: list[str] = [f"'{name}': missing" for name in signature.inputs if name not in table.column_names]
    arrays = {}
    for name in (name for name in signature.inputs if name in table.column_names):
        try:
            arrays[name] = _numbers(table[name]) if name in signature.numeric else _strings(table[name])
        except InputError as fault:
            faults.append(f"'{name}': {fault}")
    if faults:
        raise InputError(faults_text(faults, f"the columns of {table.num_rows:,} feature rows"))
    return arrays


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    optional: bool


def _column(values: Mapping[str, Any]) -> _Column:
    return _Column(str(values["name"]), str(values["kind"]), values["optional"] is True)


def _names(columns: Sequence[_Column], kind: str) -> tuple[str, ...]:
    return tuple(each.name for each in columns if each.kind == kind)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """Single precision [N, 1], read as ingest reads numbers; raises InputError where they are none or not finite."""
    kind = _value_type(column)
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        values = _single_precision(column)
    else:
        values = _read_numbers(column, kind)
    if infinite := int(np.isinf(values).sum()):
        raise InputError(f"must be finite, got {infinite} value{'s' * (infinite > 1)} that are not")
    return values[:, None]


def _read_numbers(column: pa.ChunkedArray, kind: pa.DataType) -> np.ndarray:
    if unfit("amount", kind) and not pa.types.is_boolean(kind):
        raise InputError(f"must be numbers, got {kind}")
    plain, bad = decoded(column)
    read = read_numbers(plain, NumberFormat(), missing_text=MISSING_NUMBERS)
    unread = np.flatnonzero(marked_rows(read.unread, len(plain)) | bad)
    if len(unread):
        raise InputError(
            f"must be numbers, got {kind} that is none in {len(unread):,} rows, first in row {unread[0] + 1}"
        )
    with np.errstate(over="ignore"):
        return read.values.astype(np.float32)


def _single_precision(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_float32(column.type) and column.null_count == 0:
        floats: np.ndarray = column.to_numpy()
        return floats
    doubles: np.ndarray = pc.fill_null(pc.cast(column, pa.float64(), safe=False), math.nan).to_numpy()
    with np.errstate(over="ignore"):
        return doubles.astype(np.float32)


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    """Texts [N, 1], read as ingest reads categories; raises InputError where they are none."""
    kind = _value_type(column)
    if unfit("", kind):
        raise InputError(f"must be strings, got {kind}")
    plain, bad = decoded(column)
    if bad.any():
        raise InputError(f"must be UTF-8 text, got {int(bad.sum()):,} rows that are not")
    text = pa.nulls(len(plain), pa.string()) if pa.types.is_null(kind) else text_values(plain)
    values: np.ndarray = pc.fill_null(text, "").to_numpy(zero_copy_only=False).astype(object)
    return values[:, None]


def _value_type(column: pa.ChunkedArray) -> pa.DataType:
    """The type of a column's values, whether or not a dictionary holds them."""
    return column.type.value_type if pa.types.is_dictionary(column.type) else column.type
