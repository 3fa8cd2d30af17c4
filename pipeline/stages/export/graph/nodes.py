"""The nodes and constants of an ONNX graph under construction.

A graph is written by hand from numbers, so that what is served is what the files say: no tracer decides, and no library
beyond `onnx` has to be trusted. Equal inputs give equal bytes.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
ML_OPSET = 3
IR_VERSION = 9
PRODUCER = "harbor"
ML_DOMAIN = "ai.onnx.ml"
FLOAT, DOUBLE = int(TensorProto.FLOAT), int(TensorProto.DOUBLE)

ELEMENT_TYPES = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "string": TensorProto.STRING}


class Nodes:
    """Nodes and constants in the order in which they are added, equal ones once.

    Whoever needs a value asks for it anew: the same operator on the same inputs is the same node, so that parts of a
    graph share their work without knowing of one another.
    """

    def __init__(self, taken: Collection[str] = ()) -> None:
        """An empty graph; `taken` are names of inputs and outputs, which no value inside may have."""
        self._taken = frozenset(taken)
        self._nodes: list[Any] = []
        self._known: dict[tuple[object, ...], str] = {}
        self._constants: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def constant(self, array: np.ndarray) -> str:
        """The name of a constant; equal arrays share one."""
        array = np.ascontiguousarray(array)
        key = f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"
        if key not in self._names:
            self._names[key] = self._free(f"constant_{len(self._names)}")
            self._constants[self._names[key]] = numpy_helper.from_array(array, self._names[key])
        return self._names[key]

    def number(self, value: float, *, like: type[np.floating[Any]] = np.float32) -> str:
        """The name of a scalar constant."""
        return self.constant(np.array(value, dtype=like))

    def add(self, operator: str, *inputs: str, name: str | None = None, domain: str = "", **attributes: Any) -> str:
        """The name of a node's one output."""
        key = (operator, inputs, name, domain, repr(sorted(attributes.items())))
        if key not in self._known:
            output = self._known[key] = name or self._free(f"{operator}_{len(self._nodes)}")
            node = helper.make_node(operator, list(inputs), [output], name=output, domain=domain, **attributes)
            self._nodes.append(node)
        return self._known[key]

    def _free(self, name: str) -> str:
        """The name, or one like it that is not taken."""
        return self._free(f"{name}_") if name in self._taken else name

    def split(self, wide: str, names: Sequence[str]) -> Sequence[str]:
        """Cut what is [N, k · len(names)] into [N, k] each under these names; returns them."""
        node = helper.make_node(
            "Split", [wide], list(names), name=f"Split_{len(self._nodes)}", axis=1, num_outputs=len(names)
        )
        self._nodes.append(node)
        return names

    def column(self, wide: str, place: int, *, of: int, width: int = 1) -> str:
        """The columns [N, width] at a place of what is [N, of · width]."""
        if of == 1:
            return wide
        starts, ends = (self.constant(np.array([at * width], dtype=np.int64)) for at in (place, place + 1))
        return self.add("Slice", wide, starts, ends, self.constant(np.array([1], dtype=np.int64)))

    def joined(self, parts: Sequence[str], *, axis: int = 1) -> str:
        """Parts side by side along an axis; one part is itself."""
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=axis)

    def model(self, name: str, *, inputs: dict[str, str], outputs: dict[str, str]) -> bytes:
        """The serialized model.

        Args:
            name: of the graph.
            inputs: element type ("float", "double" or "string") of each [N, 1] input.
            outputs: element type of each [N, 1] output; the node outputs must exist under these names.

        Raises:
            ValueError: the nodes do not make a valid graph, which is a bug of the caller.
        """
        graph = helper.make_graph(
            self._nodes,
            name,
            [_declared(each, kind) for each, kind in inputs.items()],
            [_declared(each, kind) for each, kind in outputs.items()],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML_DOMAIN, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ValueError(f"the scoring graph must be a valid ONNX model: {error}") from error
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _declared(name: str, kind: str) -> Any:
    """What a graph says of an input or an output."""
    return helper.make_tensor_value_info(name, ELEMENT_TYPES[kind], ["rows", 1])
