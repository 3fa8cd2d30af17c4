"""The same graph with its numbers as one matrix: what a caller in Python feeds instead of a column at a time.

The exported file takes a named column each, so that anybody can call it. Its first step joins the numbers, and most of
the time that one row takes goes into handing them over one by one. Loaded here, that step is taken out and what it
would have made is an input: nothing else changes, so neither does a bit.
"""

from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper


def matrix_form(model: bytes, numeric: Sequence[str]) -> tuple[bytes, str] | None:
    """The graph with one input [N, F] in place of its numeric ones [N, 1], and that input's name.

    Args:
        model: a serialized graph.
        numeric: names of its numeric inputs.

    Returns:
        None where the graph does not join exactly these inputs, in this order and nowhere else: it must be fed by name.
    """
    loaded = onnx.load_model_from_string(model)
    graph = loaded.graph
    joins = [node for node in graph.node if set(node.input) & set(numeric)]
    if len(joins) != 1 or not _joins_columns(joins[0], numeric) or not _are_columns(graph, numeric):
        return None
    name = joins[0].output[0]
    if name in {output.name for output in graph.output}:
        return None
    kept = [each for each in graph.input if each.name not in numeric]
    matrix = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", len(numeric)])
    graph.node.remove(joins[0])
    del graph.input[:]
    graph.input.extend([matrix, *kept])
    return loaded.SerializeToString(), name


def _joins_columns(node: onnx.NodeProto, numeric: Sequence[str]) -> bool:
    axes = [attribute.i for attribute in node.attribute if attribute.name == "axis"]
    return node.op_type == "Concat" and axes in ([1], [-1]) and list(node.input) == list(numeric)


def _are_columns(graph: onnx.GraphProto, numeric: Sequence[str]) -> bool:
    """Whether all of them are inputs [N, 1] in single precision."""
    tensors = {each.name: each.type.tensor_type for each in graph.input}
    found = [tensors[name] for name in numeric if name in tensors]
    return len(found) == len(numeric) and all(
        tensor.elem_type == TensorProto.FLOAT and [dim.dim_value for dim in tensor.shape.dim[1:]] == [1]
        for tensor in found
    )
