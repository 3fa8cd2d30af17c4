"""The shared embedding and the heads as graph nodes: the formulas of `models.network`, for several networks at once.

Legend: N row, F numeric column, M piecewise-linear input, C categorical column, V code, W lookup width, S network,
E embedding, H hidden.

The networks share their inputs, so their weights stand side by side and every row of the batch is multiplied once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.network import CONSTANTS, SCALED_LIMIT
from pipeline.graph_nodes import DOUBLE, FLOAT, ML_DOMAIN, Nodes

State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class NetworkOutputs:
    """Names of what networks give: embeddings [N, S·E] and margins [N, S], both float32."""

    embeddings: str
    margins: str


def category_codes(nodes: Nodes, name: str, codes: Mapping[str, int], *, offset: int) -> str:
    """Codes int64 [N, 1] of a column of strings, plus an offset; what has no code is 0 plus the offset."""
    return nodes.add(
        "LabelEncoder",
        name,
        domain=ML_DOMAIN,
        keys_strings=list(codes),
        values_int64s=[int(code) + offset for code in codes.values()],
        default_int64=offset,
    )


def lookup_offsets(sizes: Sequence[int]) -> list[int]:
    """Where each column's codes begin once all lookups stand in one table."""
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(int).tolist() if sizes else []


def network_outputs(nodes: Nodes, numeric: str | None, codes: str | None, states: Sequence[State]) -> NetworkOutputs:
    """Embeddings and margins of networks of one architecture.

    Args:
        nodes: where to add.
        numeric: raw values float32 [N, F], NaN where missing; None where there are no numeric columns.
        codes: int64 [N, C], offset as in `lookup_offsets`; None where there are no categories.
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
    if codes is not None:
        table, projection = _stacked_lookups(states)
        rest.append(nodes.add("Flatten", nodes.add("Gather", nodes.constant(table), codes, axis=0), axis=1))
        small.append(projection)
    projected = nodes.add("Gemm", nodes.joined(rest), nodes.constant(np.concatenate(small)), bias)
    if numeric is not None and bins:
        above = _bins(nodes, numeric, first, columns=len(weight) - bins - len(first["center"]))
        projected = nodes.add("Gemm", above, nodes.constant(weight[:bins]), projected)
    embeddings = nodes.add("Relu", projected)
    return NetworkOutputs(embeddings, _heads(nodes, embeddings, states))


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


def _stacked_lookups(states: Sequence[State]) -> tuple[np.ndarray, np.ndarray]:
    """All lookups as one table [ΣV, S·W], padded to the widest, and what multiplies its rows: [C·S·W, S·E]."""
    tables = [[state[f"lookup_{index}"] for index in range(_categories(state))] for state in states]
    heights, widths = [len(each) for each in tables[0]], [each.shape[1] for each in tables[0]]
    starts, embedding = lookup_offsets(heights), states[0]["projection_weight"].shape[1]
    settings, width, places = len(states), max(widths), np.concatenate([[0], np.cumsum(widths)])
    table = np.zeros((sum(heights), settings, width), dtype=np.float32)
    projection = np.zeros((len(widths), settings, width, settings, embedding), dtype=np.float32)
    for setting, state in enumerate(states):
        for column, (start, used) in enumerate(zip(starts, widths, strict=True)):
            table[start : start + heights[column], setting, :used] = tables[setting][column]
            rows = state["projection_lookup"][places[column] : places[column] + used]
            projection[column, setting, :used, setting] = rows
    return table.reshape(len(table), -1), projection.reshape(-1, settings * embedding)


def _categories(state: State) -> int:
    return sum(name.startswith("lookup_") for name in state)


def _heads(nodes: Nodes, embeddings: str, states: Sequence[State]) -> str:
    """Margins [N, S]: block-diagonal layers; the last one is the difference of its two columns."""
    hidden = nodes.add(
        "Gemm",
        embeddings,
        nodes.constant(_block_diagonal([state["hidden_weight"] for state in states])),
        nodes.constant(np.concatenate([state["hidden_bias"] for state in states])),
    )
    output = [state["output_weight"][:, 1:] - state["output_weight"][:, :1] for state in states]
    bias = np.array([state["output_bias"][1] - state["output_bias"][0] for state in states], dtype=np.float32)
    return nodes.add("Gemm", nodes.add("Relu", hidden), nodes.constant(_block_diagonal(output)), nodes.constant(bias))


def _block_diagonal(blocks: Sequence[np.ndarray]) -> np.ndarray:
    rows, columns = blocks[0].shape
    whole = np.zeros((len(blocks), rows, len(blocks), columns), dtype=np.float32)
    for index, block in enumerate(blocks):
        whole[index, :, index] = block
    return whole.reshape(len(blocks) * rows, len(blocks) * columns)
