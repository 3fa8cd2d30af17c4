"""Scoring with an exported bundle: onnxruntime and the bundle's own files, nothing of the models that made it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa
from onnx import AttributeProto, TensorProto

from pipeline.bundle.graph_limits import check_graph_limits
from pipeline.bundle.manifest import CheckedBundle
from pipeline.bundle.matrix_graph import matrix_form
from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.storage.errors import InputError

BATCH = 512
"""Rows scored at once: few enough that what lies between two nodes of the graph stays in the cache."""
ALLOWED_DOMAINS = frozenset({"", "ai.onnx.ml"})
NESTED = (AttributeProto.GRAPH, AttributeProto.GRAPHS, AttributeProto.SPARSE_TENSOR, AttributeProto.TENSORS)


@dataclass(frozen=True)
class Scorer:
    """A loaded graph; it may be asked from several threads.

    Attributes:
        session: of the graph, or of its matrix form.
        signature: what the exported graph takes and gives.
        matrix: the input that takes all numeric columns in their order; None where each is an input of its own.
    """

    session: Any
    signature: Signature
    matrix: str | None = None

    def probabilities(self, table: pa.Table, *, threads: int = 1, batch: int = BATCH) -> dict[str, np.ndarray]:
        """Every output [N] for feature rows.

        Raises:
            InputError: the table does not have the graph's columns, or not of their type, or the graph fails.
        """
        return self.outputs(feature_arrays(table, self.signature), rows=table.num_rows, threads=threads, batch=batch)

    def outputs(
        self, inputs: Mapping[str, np.ndarray], *, rows: int, threads: int = 1, batch: int = BATCH
    ) -> dict[str, np.ndarray]:
        """Every output [N] for inputs [N, 1] as `feature_arrays` gives them, N = `rows`.

        Batches run side by side, each on one thread: no batch waits for another, as it would where one is cut up.

        Raises:
            InputError: the graph fails, or gives another number of rows.
        """
        batches = [
            {name: array[start : start + batch] for name, array in inputs.items()} for start in range(0, rows, batch)
        ]
        if not batches:
            return {name: np.empty(0) for name in self.signature.outputs}
        with ThreadPoolExecutor(threads) as pool:
            found = np.concatenate(list(pool.map(self._batch_outputs, batches)))
        if len(found) != rows:
            raise InputError(f"the graph must give one row a feature row, got {len(found)} for {rows}")
        return dict(zip(self.signature.outputs, np.ascontiguousarray(found.T), strict=True))

    def matrix_outputs(self, numbers: np.ndarray, texts: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
        """Some outputs [N, 1] for a few rows at once, for callers that have their numbers side by side.

        Args:
            numbers: the numeric columns in the signature's order, float32 [N, F], NaN where missing.
            texts: the categorical ones, str [N, 1], "" where missing.
            names: of the outputs.

        Raises:
            InputError: the graph fails.
        """
        if self.matrix is None:
            columns = {name: numbers[:, place, None] for place, name in enumerate(self.signature.numeric)}
            return self._run({**columns, **texts}, names)
        return self._run({self.matrix: numbers, **texts}, names)

    def _batch_outputs(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        if self.matrix is None:
            return np.concatenate(self._run(inputs, self.signature.outputs), axis=1)
        numbers = np.concatenate([inputs[name] for name in self.signature.numeric], axis=1)
        texts = {name: inputs[name] for name in self.signature.categorical}
        return np.concatenate(self.matrix_outputs(numbers, texts, self.signature.outputs), axis=1)

    def _run(self, inputs: Mapping[str, np.ndarray], names: Sequence[str]) -> list[Any]:
        try:
            found: list[Any] = self.session.run(list(names), inputs)
        except Exception as error:
            raise InputError(f"the graph must score its feature rows, but it ends in {type(error).__name__}") from error
        return found


def loaded_scorer(bundle: CheckedBundle) -> Scorer:
    """The scorer of a bundle that has been checked.

    Raises:
        InputError: its graph or signature cannot be loaded, or they contradict one another.
    """
    signature = Signature.from_dict(bundle.read_json("signature.json"))
    model = bundle.read("model.onnx")
    session = graph_session(model)
    inputs = dict.fromkeys(signature.numeric, "tensor(float)") | dict.fromkeys(signature.categorical, "tensor(string)")
    outputs = dict.fromkeys(signature.outputs, "tensor(double)")
    for found, wanted in ((session.get_inputs(), inputs), (session.get_outputs(), outputs)):
        known = {each.name: each.type for each in found if each.shape[1:] == [1]}
        if known != wanted:
            raise InputError(
                f"model.onnx must have the {len(wanted)} columns of signature.json, each of its type and [rows, 1], "
                f"but {len(wanted.items() - known.items())} of them are not so and {len(found)} are there"
            )
    form = matrix_form(model, signature.numeric)
    return Scorer(session, signature) if form is None else Scorer(graph_session(form[0]), signature, form[1])


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
        loaded = onnx.load_model_from_string(model)
    except Exception as error:
        raise InputError("model.onnx must be an ONNX model, but it cannot be parsed as one") from error
    graph = loaded.graph
    outside, foreign, nested = _tensors_outside(graph), _foreign_operators(graph), _nested_graphs(graph)
    if outside or foreign or nested:
        raise InputError(
            f"model.onnx must hold all of its data in one flat graph of standard operators, got {outside} tensors kept "
            f"in other files, {foreign} other operators and {nested} nested graphs"
        )
    check_graph_limits(loaded)


def _tensors_outside(graph: Any) -> int:
    tensors = [*graph.initializer, *(attribute.t for node in graph.node for attribute in node.attribute)]
    return sum(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors)


def _foreign_operators(graph: Any) -> int:
    return sum(node.domain not in ALLOWED_DOMAINS for node in graph.node)


def _nested_graphs(graph: Any) -> int:
    nested = sum(attribute.type in NESTED for node in graph.node for attribute in node.attribute)
    return nested + len(graph.sparse_initializer)
