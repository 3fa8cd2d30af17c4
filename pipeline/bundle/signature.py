"""What a graph takes and gives, and a table as its inputs."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.storage.errors import InputError

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
            inputs = [(str(each["name"]), each["kind"], each["optional"] is True) for each in values["inputs"]]
            outputs = tuple(str(each["name"]) for each in values["outputs"])
        except (TypeError, KeyError):
            raise InputError("signature.json must list inputs (name, kind, optional) and outputs (name)") from None
        if any(kind not in SPELLED for _, kind, _ in inputs) or "probability" not in outputs:
            raise InputError(f"signature.json must have {' or '.join(SPELLED)} inputs and the output 'probability'")
        return cls(
            numeric=tuple(name for name, kind, _ in inputs if kind == NUMERIC),
            categorical=tuple(name for name, kind, _ in inputs if kind == CATEGORICAL),
            outputs=outputs,
            optional=frozenset(name for name, _, optional in inputs if optional),
        )


def feature_arrays(table: pa.Table, signature: Signature) -> dict[str, np.ndarray]:
    """A table's columns as the graph takes them: float32 [N, 1], NaN where null, and str [N, 1], "" where null.

    Raises:
        InputError: a column is missing, of the wrong type or holds infinite values: every fault, by name.
    """
    missing = [f"'{name}': missing" for name in signature.inputs if name not in table.column_names]
    faults, arrays = missing, {}
    for name in signature.inputs:
        if name in table.column_names:
            column = table[name]
            fault = _type_fault(column, numeric=name in signature.numeric)
            if fault is not None:
                faults.append(f"'{name}': {fault}")
            elif name in signature.numeric:
                arrays[name] = _numbers(column)
                infinite = int(np.isinf(arrays[name]).sum())
                faults += [f"'{name}': must be finite, got {infinite} values that are not"] if infinite else []
            else:
                arrays[name] = _strings(column)
    if faults:
        raise InputError(
            "\n  ".join([f"{len(faults)} faults in the columns of {table.num_rows:,} feature rows", *faults])
        )
    return arrays


def _type_fault(column: pa.ChunkedArray, *, numeric: bool) -> str | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind):
        return None
    if numeric:
        fits = pa.types.is_floating(kind) or pa.types.is_integer(kind)
        return None if fits else f"must be numbers, got {kind}"
    fits = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return None if fits else f"must be strings, got {kind}"


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_float32(column.type) and column.null_count == 0:
        floats: np.ndarray = column.to_numpy()
        return floats[:, None]
    values: np.ndarray = pc.fill_null(pc.cast(column, pa.float64(), safe=False), math.nan).to_numpy()
    with np.errstate(over="ignore"):
        return values.astype(np.float32)[:, None]


def _strings(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = pc.fill_null(pc.cast(column, pa.string()), "").to_numpy().astype(object)
    return values[:, None]
