"""Scoring with an exported bundle: onnxruntime and the bundle's own files, nothing of the models that made it."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
import pyarrow.compute as pc
from onnx import AttributeProto, TensorProto

from pipeline.manifest import CheckedBundle
from pipeline.storage.errors import InputError

BATCH = 512
"""Rows scored at once: few enough that what lies between two nodes of the graph stays in the cache."""
ALLOWED_DOMAINS = frozenset({"", "ai.onnx.ml"})
NESTED = (AttributeProto.GRAPH, AttributeProto.GRAPHS, AttributeProto.SPARSE_TENSOR, AttributeProto.TENSORS)
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


@dataclass(frozen=True)
class Scorer:
    """A loaded graph; `probabilities` may be called from several threads."""

    session: Any
    signature: Signature

    def probabilities(self, table: pa.Table, *, threads: int = 1, batch: int = BATCH) -> dict[str, np.ndarray]:
        """Every output [N] for feature rows.

        Batches run side by side, each on one thread: no batch waits for another, as it would where one is cut up.

        Raises:
            InputError: the table does not have the graph's columns, or not of their type, or the graph fails.
        """
        feeds = feature_arrays(table, self.signature)
        starts = range(0, table.num_rows, batch)
        if not len(starts):
            return {name: np.empty(0) for name in self.signature.outputs}

        def scored(start: int) -> np.ndarray:
            part = {name: array[start : start + batch] for name, array in feeds.items()}
            try:
                outputs = self.session.run(list(self.signature.outputs), part)
            except Exception as error:
                raise InputError(
                    f"the graph must score its feature rows, but it ends in {type(error).__name__}"
                ) from error
            return np.concatenate(outputs, axis=1)

        with ThreadPoolExecutor(threads) as pool:
            rows = np.concatenate(list(pool.map(scored, starts)))
        if len(rows) != table.num_rows:
            raise InputError(f"the graph must give one row a feature row, got {len(rows)} for {table.num_rows}")
        return dict(zip(self.signature.outputs, np.ascontiguousarray(rows.T), strict=True))


def loaded_scorer(bundle: CheckedBundle) -> Scorer:
    """The scorer of a bundle that has been checked.

    Raises:
        InputError: its graph or signature cannot be loaded, or they contradict one another.
    """
    signature = Signature.from_dict(bundle.read_json("signature.json"))
    session = graph_session(bundle.read("model.onnx"))
    inputs = dict.fromkeys(signature.numeric, "tensor(float)") | dict.fromkeys(signature.categorical, "tensor(string)")
    outputs = dict.fromkeys(signature.outputs, "tensor(double)")
    for found, wanted in ((session.get_inputs(), inputs), (session.get_outputs(), outputs)):
        known = {each.name: each.type for each in found if each.shape[1:] == [1]}
        if known != wanted:
            raise InputError(
                f"model.onnx must have the {len(wanted)} columns of signature.json, each of its type and [rows, 1], "
                f"but {len(wanted.items() - known.items())} of them are not so and {len(found)} are there"
            )
    return Scorer(session, signature)


def graph_session(model: bytes, *, threads: int = 1) -> Any:
    """An onnxruntime session of a serialized graph.

    Raises:
        InputError: it is not ONNX, or it asks for files or operators beyond itself.
    """
    _check_graph(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises classes of its own for each status, all of them direct heirs of Exception
        raise InputError(f"model.onnx must be a graph that onnxruntime can load: {type(error).__name__}") from error


def _check_graph(model: bytes) -> None:
    try:
        graph = onnx.load_model_from_string(model).graph
    except Exception as error:
        raise InputError("model.onnx must be an ONNX model, but it cannot be parsed as one") from error
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    tensors = [*graph.initializer, *(attribute.t for attribute in attributes)]
    outside = sum(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors)
    foreign = sum(node.domain not in ALLOWED_DOMAINS for node in graph.node)
    nested = sum(attribute.type in NESTED for attribute in attributes) + len(graph.sparse_initializer)
    if outside or foreign or nested:
        raise InputError(
            f"model.onnx must hold all of its data in one flat graph of standard operators, got {outside} tensors kept "
            f"in other files, {foreign} other operators and {nested} nested graphs"
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
