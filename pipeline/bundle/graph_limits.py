"""What a scoring graph may ask for: the operators that Harbor builds with, in a form whose cost its size bounds.

A graph is a program. Without loops and graphs inside, what is left to fear is width: a few nodes that double it again
and again, or that multiply rows with rows.
"""

from typing import Any

import onnx
from onnx import shape_inference

from pipeline.storage.errors import InputError

OPERATORS = frozenset(
    {
        *("Abs", "Add", "And", "Cast", "Clip", "Concat", "Div", "Equal", "Exp", "Flatten"),
        *("Gather", "Gemm", "Greater", "Identity", "IsNaN", "Less", "Log", "MatMul", "Max", "Min"),
        *("Mul", "Neg", "Not", "Or", "Pow", "Reciprocal", "ReduceSum", "Relu", "Round", "Sigmoid", "Sign"),
        *("Slice", "Softmax", "Softplus", "Split", "Sqrt", "Sub", "Sum", "Where"),
    }
)
ML_OPERATORS = frozenset({"LabelEncoder", "TreeEnsembleRegressor"})
MOST_NODES = 20_000
WIDEST = 1 << 20
"""Values of one row at any node; real graphs have some thousands."""


def check_graph_limits(model: onnx.ModelProto) -> None:
    """Refuse a graph of other operators, of too many, or of one that is not a row for a row.

    Raises:
        InputError: what it asks for beyond that.
    """
    graph = model.graph
    others = sorted({node.op_type[:40] for node in graph.node if not _is_known(node)})
    if others:
        raise InputError(f"model.onnx must be built of Harbor's operators, got {len(others)} others: {others[:5]}")
    if len(graph.node) > MOST_NODES or len(model.functions) or len(model.training_info):
        raise InputError(f"model.onnx must have at most {MOST_NODES:,} nodes, and no functions of its own")
    _check_rows(graph)
    _check_width(model)


def _check_rows(graph: Any) -> None:
    constants = {each.name for each in graph.initializer}
    mixing = sum(_mixes_rows(node, constants) for node in graph.node)
    if mixing:
        raise InputError(f"model.onnx must give a row for a row, but {mixing} nodes mix rows")


def _is_known(node: Any) -> bool:
    return node.op_type in (ML_OPERATORS if node.domain == "ai.onnx.ml" else OPERATORS)


def _mixes_rows(node: Any, constants: set[str]) -> bool:
    """Whether a node can make more of N rows than N rows: by multiplying them with one another or laying them flat."""
    given = {each.name: each.i for each in node.attribute}
    if node.op_type == "Flatten":
        return bool(given.get("axis", 1) != 1)
    if node.op_type == "Concat":
        return not given.get("axis", 0)
    if node.op_type in ("MatMul", "Gemm"):
        return node.input[1] not in constants or bool(given.get("transA", 0))
    return False


def _check_width(model: onnx.ModelProto) -> None:
    try:
        inferred = shape_inference.infer_shapes(model).graph
    except Exception as error:
        raise InputError("model.onnx must have shapes that follow from its inputs") from error
    for each in inferred.value_info:
        width = 1
        for dimension in each.type.tensor_type.shape.dim[1:]:
            width *= max(dimension.dim_value, 1)
        if width > WIDEST:
            raise InputError(f"model.onnx must have at most {WIDEST:,} values a row at any node, got {width:,}")
