"""The shared embedding and the head of one network as graph nodes: the formulas of `models.network`.

Legend: N row, F numeric column, M piecewise-linear input, D lookup width of all columns, E embedding.

Networks share their inputs because equal nodes are one node. Their weights stay apart: side by side, the lookups of one
would be multiplied with zeros for the others, a tenth of the time of the whole graph.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.network import SCALED_LIMIT, State, unfolded_lookup
from pipeline.stages.export.graph.nodes import DOUBLE, FLOAT, ML_DOMAIN, Nodes


@dataclass(frozen=True)
class NetworkOutput:
    """Names of what a network gives, float32: its embedding [N, E] and its margin [N, 1]."""

    embedding: str
    margin: str


def category_codes(nodes: Nodes, name: str, codes: Mapping[str, int]) -> str:
    """Codes int64 [N, 1] of a column of strings; what has no code is 0."""
    values = [int(code) for code in codes.values()]
    return nodes.add(
        "LabelEncoder", name, domain=ML_DOMAIN, keys_strings=list(codes), values_int64s=values, default_int64=0
    )


def one_hot_columns(nodes: Nodes, codes: str, *, size: int) -> str:
    """A 0/1 column a code, float32 [N, size], of codes int64 [N, 1] below `size`."""
    return nodes.add("Cast", nodes.add("Equal", codes, nodes.constant(np.arange(size)[None, :])), to=FLOAT)


def network_output(nodes: Nodes, numeric: str | None, codes: Sequence[str], state: State) -> NetworkOutput:
    """Embedding and margin of a network.

    The projection is a chain of products, each added to the one before, so that nothing has to be copied together.

    Args:
        nodes: where to add.
        numeric: raw values float32 [N, F], NaN where missing; None where there are no numeric columns.
        codes: int64 [N, 1] of each categorical column.
        state: its arrays.
    """
    weight, bins = state["projection_weight"], len(state["bin_column"])
    projected = nodes.constant(state["projection_bias"])
    if codes:
        projected = nodes.add(
            "Gemm", _lookups(nodes, codes, state), nodes.constant(state["projection_lookup"]), projected
        )
    if numeric is not None:
        inputs = scaled_inputs(nodes, numeric, center=state["center"], inverse_scale=state["inverse_scale"])
        projected = nodes.add("Gemm", inputs, nodes.constant(weight[bins:]), projected)
        if bins:
            above = _bin_shares(nodes, numeric, state, columns=len(weight) - bins - len(state["center"]))
            projected = nodes.add("Gemm", above, nodes.constant(weight[:bins]), projected)
    embedding = nodes.add("Relu", projected)
    return NetworkOutput(embedding, _margin(nodes, embedding, state))


def scaled_inputs(nodes: Nodes, numeric: str, *, center: np.ndarray, inverse_scale: np.ndarray) -> str:
    """clip((sign(x)·log1p|x| − center) · inverse_scale, ±8), 0 where x is missing, then 1 where x is missing.

    float32 [N, 2F], or [N, F] where `center` is empty: the indicators alone. ONNX has no log1p; in double,
    log(1 + |x|) rounds to the same float32.
    """
    missing = nodes.add("IsNaN", numeric)
    indicator = nodes.add("Cast", missing, to=FLOAT)
    if not len(center):
        return indicator
    one = nodes.number(1, like=np.float64)
    magnitude = nodes.add("Cast", nodes.add("Abs", numeric), to=DOUBLE)
    logged = nodes.add("Cast", nodes.add("Log", nodes.add("Add", magnitude, one)), to=FLOAT)
    centered = nodes.add("Sub", nodes.add("Mul", nodes.add("Sign", numeric), logged), nodes.constant(center))
    scaled = nodes.add("Mul", centered, nodes.constant(inverse_scale))
    limited = nodes.add("Clip", scaled, nodes.number(-SCALED_LIMIT), nodes.number(SCALED_LIMIT))
    return nodes.joined([nodes.add("Where", missing, nodes.number(0), limited), indicator])


def _bin_shares(nodes: Nodes, numeric: str, state: State, *, columns: int) -> str:
    """clip((x[bin_column] − bin_lower) · bin_inverse, 0, 1) [N, M], 0 where x is missing.

    A missing value becomes the lowest number there is, for which every bin is 0. Columns are spread over their bins by
    a product with a 0/1 matrix, which is exact (every sum has one term that is not 0), takes the subtraction along, and
    is six times faster than a Gather of single elements. An infinite value would turn the zeros into NaN, hence the
    clip to finite numbers.
    """
    spread = (state["bin_column"] == np.arange(columns)[:, None]).astype(np.float32)
    lowest, highest = (nodes.number(sign * float(np.finfo(np.float32).max)) for sign in (-1, 1))
    finite = nodes.add("Clip", numeric, lowest, highest)
    present = nodes.add("Where", nodes.add("IsNaN", numeric), lowest, finite)
    above = nodes.add("Gemm", present, nodes.constant(spread), nodes.constant(-state["bin_lower"]))
    share = nodes.add("Mul", above, nodes.constant(state["bin_inverse"]))
    return nodes.add("Clip", share, nodes.number(0), nodes.number(1))


def _lookups(nodes: Nodes, codes: Sequence[str], state: State) -> str:
    """What the codes look up, side by side [N, D]."""
    tables = [nodes.constant(unfolded_lookup(state, index)) for index in range(len(codes))]
    rows = [nodes.add("Gather", table, code, axis=0) for table, code in zip(tables, codes, strict=True)]
    return nodes.add("Flatten", nodes.joined(rows, axis=2), axis=1)


def _margin(nodes: Nodes, embedding: str, state: State) -> str:
    """The margin [N, 1]: the last layer is the difference of its two columns."""
    weight, bias = nodes.constant(state["hidden_weight"]), nodes.constant(state["hidden_bias"])
    hidden = nodes.add("Relu", nodes.add("Gemm", embedding, weight, bias))
    output = state["output_weight"][:, 1:] - state["output_weight"][:, :1]
    shift = state["output_bias"][1:] - state["output_bias"][:1]
    return nodes.add("Gemm", hidden, nodes.constant(output), nodes.constant(shift))
