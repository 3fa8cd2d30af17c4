"""The shared embedding and the heads as graph nodes: the formulas of `models.network`, for several networks at once.

Legend: N row, F numeric column, M piecewise-linear input, D lookup width of all columns, S network, E embedding.

The networks share their inputs, so their weights stand side by side and a batch is multiplied once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.network import CONSTANTS, SCALED_LIMIT
from pipeline.graph_nodes import DOUBLE, FLOAT, ML_DOMAIN, Nodes

State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class NetworkOutputs:
    """Names of what networks give, float32: embeddings [N, S·E], E being the width, and margins [N, S]."""

    embeddings: str
    margins: str
    width: int


def category_codes(nodes: Nodes, name: str, codes: Mapping[str, int]) -> str:
    """Codes int64 [N, 1] of a column of strings; what has no code is 0."""
    values = [int(code) for code in codes.values()]
    return nodes.add(
        "LabelEncoder", name, domain=ML_DOMAIN, keys_strings=list(codes), values_int64s=values, default_int64=0
    )


def network_outputs(nodes: Nodes, numeric: str | None, codes: Sequence[str], states: Sequence[State]) -> NetworkOutputs:
    """Embeddings and margins of networks of one architecture.

    Args:
        nodes: where to add.
        numeric: raw values float32 [N, F], NaN where missing; None where there are no numeric columns.
        codes: int64 [N, 1] of each categorical column.
        states: one a network.

    Raises:
        ValueError: the networks differ in architecture.
    """
    _check_alike(states)
    first = states[0]
    bins, rest = 0, []
    if numeric is not None:
        bins = len(first["bin_column"])
        rest.append(scaled_inputs(nodes, numeric, center=first["center"], inverse_scale=first["inverse_scale"]))
    weight = np.concatenate([state["projection_weight"] for state in states], axis=1)
    bias = nodes.constant(np.concatenate([state["projection_bias"] for state in states]))
    small = [weight[bins:]]
    if codes:
        rest.append(_lookups(nodes, codes, states))
        small.append(_lookup_projection(states))
    projected = nodes.add("Gemm", nodes.joined(rest), nodes.constant(np.concatenate(small)), bias)
    if numeric is not None and bins:
        above = _bins(nodes, numeric, first, columns=len(weight) - bins - len(first["center"]))
        projected = nodes.add("Gemm", above, nodes.constant(weight[:bins]), projected)
    embeddings = nodes.add("Relu", projected)
    return NetworkOutputs(embeddings, _heads(nodes, embeddings, states), first["projection_weight"].shape[1])


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


def _check_alike(states: Sequence[State]) -> None:
    first = states[0]
    shapes = {name: array.shape for name, array in first.items()}
    for other in states[1:]:
        alike = shapes == {name: array.shape for name, array in other.items()}
        if not alike or any(not np.array_equal(first[name], other[name]) for name in CONSTANTS):
            raise ValueError("networks of one graph must have one architecture: arrays of equal shape, equal constants")


def _bins(nodes: Nodes, numeric: str, state: State, *, columns: int) -> str:
    """clip((x[bin_column] − bin_lower) · bin_inverse, 0, 1) [N, M], 0 where x is missing.

    A missing value becomes the column's lowest border, where every bin is 0. Columns are spread over their bins by a
    product with a 0/1 matrix, which is exact (every sum has one term that is not 0), takes the subtraction along, and
    is six times faster than a Gather of single elements. An infinite value would turn the zeros into NaN, hence the
    clip to finite numbers.
    """
    column, lower = state["bin_column"], state["bin_lower"]
    lowest = np.full(columns, np.inf, dtype=np.float32)
    np.minimum.at(lowest, column, lower)
    lowest[np.isinf(lowest)] = 0
    spread = (column == np.arange(columns)[:, None]).astype(np.float32)
    largest = float(np.finfo(np.float32).max)
    finite = nodes.add("Clip", numeric, nodes.number(-largest), nodes.number(largest))
    present = nodes.add("Where", nodes.add("IsNaN", numeric), nodes.constant(lowest), finite)
    above = nodes.add("Gemm", present, nodes.constant(spread), nodes.constant(-lower))
    share = nodes.add("Mul", above, nodes.constant(state["bin_inverse"]))
    return nodes.add("Clip", share, nodes.number(0), nodes.number(1))


def _lookups(nodes: Nodes, codes: Sequence[str], states: Sequence[State]) -> str:
    """What each code looks up, column by column and within it network by network [N, D·S]."""
    tables = [np.concatenate([state[f"lookup_{index}"] for state in states], axis=1) for index in range(len(codes))]
    rows = [nodes.add("Gather", nodes.constant(table), code, axis=0) for table, code in zip(tables, codes, strict=True)]
    return nodes.add("Flatten", nodes.joined(rows, axis=2), axis=1)


def _lookup_projection(states: Sequence[State]) -> np.ndarray:
    """What multiplies `_lookups`, each network's rows in its own columns alone [D·S, S·E]."""
    blocks: list[np.ndarray] = []
    start = 0
    while (table := states[0].get(f"lookup_{len(blocks)}")) is not None:
        used = slice(start, start + table.shape[1])
        blocks.append(_block_diagonal([state["projection_lookup"][used] for state in states]))
        start = used.stop
    return np.concatenate(blocks)


def _heads(nodes: Nodes, embeddings: str, states: Sequence[State]) -> str:
    """Margins [N, S]; the last layer is the difference of its two columns."""
    own = [embeddings]
    if len(states) > 1:
        own = list(nodes.split(embeddings, [f"embedding_of_{place}" for place in range(len(states))]))
    hidden = [
        nodes.add(
            "Relu",
            nodes.add("Gemm", each, nodes.constant(state["hidden_weight"]), nodes.constant(state["hidden_bias"])),
        )
        for each, state in zip(own, states, strict=True)
    ]
    output = [state["output_weight"][:, 1:] - state["output_weight"][:, :1] for state in states]
    bias = np.array([state["output_bias"][1] - state["output_bias"][0] for state in states], dtype=np.float32)
    return nodes.add("Gemm", nodes.joined(hidden), nodes.constant(_block_diagonal(output)), nodes.constant(bias))


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    rows, columns = blocks[0].shape
    whole = np.zeros((len(blocks), rows, len(blocks), columns), dtype=np.float32)
    for index, block in enumerate(blocks):
        whole[index, :, index] = block
    return whole.reshape(len(blocks) * rows, len(blocks) * columns)
