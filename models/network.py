"""The shared 128-wide embedding and the 128 → 64 → 2 head, for S settings at once.

Legend: S setting, B batch row, F numeric column, M numeric input of the projection, D lookup width, E embedding,
H hidden, K class.

One network (a state: name → array) computes, for a row with numeric values x and codes c:

    bins      e_m = clip((x[bin_column_m] − bin_lower_m) · bin_inverse_m, 0, 1)               (0 where x is missing)
    scaled    v_f = clip((sign(x_f) · log1p|x_f| − center_f) · inverse_scale_f, −8, 8)        (0 where x is missing)
    missing   u_f = 1 where x_f is missing, else 0
    numeric   n = concat(e, v, u)                                                             [M]
    folded    k_j = 0 where c_j = 0, else 1 + (c_j − 1) mod (rows of lookup_j − 1)            c_j where it fits
    lookups   d = concat_j(lookup_j[k_j])                                                     [D], or absent
    embedding g = relu(n @ projection_weight + d @ projection_lookup + projection_bias)       [E]
    hidden    h = relu(g @ hidden_weight + hidden_bias)                                       [H]
    logits    l = h @ output_weight + output_bias                                             [2]
    margin    z = l_1 − l_0

Every step is a plain graph operator (Gather, Sub, Mul, Clip, IsNaN, Where, Concat, MatMul, Add, Relu).

Who changes a formula above changes it in every place that knows it:

    models/network.py                               the forward pass without dropout
    models/training/passes.py                       forward with dropout, and the gradients by hand
    models/training/warm_start.py                   weights rewritten for other knots, scales and codes
    pipeline/stages/export/graph/network_nodes.py   the same as nodes of the scoring graph
    tests/oracles/plain_network.py                  one network in plain torch, which all of them are compared with
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import torch

from models.errors import InputError
from models.options import NumericForm
from models.rows import Float32s, Float64s, Floats, Integers, Rows

State = Mapping[str, np.ndarray]
Tensors = dict[str, torch.Tensor]

CONSTANTS = ("bin_column", "bin_lower", "bin_inverse", "center", "inverse_scale", "cardinality")
"""The arrays of a state that no fit changes."""
SCALED_LIMIT = 8.0


class Scaling(Protocol):
    """What was fitted on train about the numeric columns."""

    @property
    def knots(self) -> Sequence[Sequence[float] | Floats]: ...
    @property
    def tails(self) -> Sequence[Sequence[float] | Floats]: ...
    @property
    def center(self) -> Sequence[float] | Floats: ...
    @property
    def scale(self) -> Sequence[float] | Floats: ...


@dataclass(frozen=True)
class Architecture:
    """Everything about a network but its weights.

    Attributes:
        knots: per numeric column, increasing borders of the piecewise-linear bins (fewer than two: no bins).
        center: per numeric column, centre of sign(x) · log1p|x|.
        scale: per numeric column, spread of the same, above zero.
        cardinalities: per categorical column, the number of codes with 0 for the unknown.
        lookup_rows: per categorical column, the rows of its lookup; larger vocabularies are folded into them.
        lookup_widths: per categorical column, the width of its lookup.
        numeric_form: "piecewise" bins, the "scaled" value, or "both"; the missing indicator is always there.
        embedding: width of the shared embedding.
        hidden: width of the head's hidden layer.
    """

    knots: tuple[tuple[float, ...], ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    cardinalities: tuple[int, ...] = ()
    lookup_rows: tuple[int, ...] = ()
    lookup_widths: tuple[int, ...] = ()
    numeric_form: NumericForm = "both"
    embedding: int = 128
    hidden: int = 64

    def __post_init__(self) -> None:
        if not len(self.knots) == len(self.center) == len(self.scale):
            raise ValueError(
                f"knots, center and scale must have one entry a numeric column, got {len(self.knots)}, "
                f"{len(self.center)} and {len(self.scale)}"
            )
        if not len(self.cardinalities) == len(self.lookup_rows) == len(self.lookup_widths):
            raise ValueError(
                f"cardinalities, lookup_rows and lookup_widths must have one entry a categorical column, got "
                f"{len(self.cardinalities)}, {len(self.lookup_rows)} and {len(self.lookup_widths)}"
            )
        if min(self.lookup_rows, default=2) < 2:
            raise InputError(f"a lookup needs two rows or more (0 is the unknown), got {min(self.lookup_rows)}")
        if not self.knots and not self.cardinalities:
            raise InputError("a network needs at least one numeric or categorical column, got none")

    def to_json(self) -> str:
        """One line of JSON; floats round-trip."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """The inverse of `to_json`."""
        values = json.loads(text)
        values["knots"] = tuple(tuple(each) for each in values["knots"])
        for name in ("center", "scale", "cardinalities", "lookup_rows", "lookup_widths"):
            values[name] = tuple(values[name])
        return cls(**values)


def network_architecture(
    scaling: Scaling,
    *,
    cardinalities: Sequence[int] = (),
    numeric_form: NumericForm = "both",
    max_bins: int | None = None,
    lookup_rows: Sequence[int] | None = None,
    embedding: int = 128,
    hidden: int = 64,
) -> Architecture:
    """The architecture for columns with this scaling and these vocabularies.

    Args:
        scaling: knots, center and scale per numeric column, fitted on train.
        cardinalities: number of codes per categorical column, the unknown included.
        numeric_form: what the numeric columns become.
        max_bins: take only this many bins a column (every so many knots), or all; the knots among its highest values,
            above which most rows are frauds, are taken in any case.
        lookup_rows: rows of each column's lookup, fewer than its codes to fold them; or a row a code.
        embedding: width of the shared embedding.
        hidden: width of the hidden layer.
    """
    sizes = [max(int(value), 2) for value in cardinalities]
    heights = [max(2, min(size, rows)) for size, rows in zip(sizes, lookup_rows or sizes, strict=True)]
    knots = [
        tuple(float(knot) for knot in np.union1d(_thinned(each, max_bins), np.asarray(tail, dtype=np.float32)))
        for each, tail in zip(scaling.knots, scaling.tails, strict=True)
    ]
    return Architecture(
        knots=tuple(knots),
        center=tuple(float(value) for value in scaling.center),
        scale=tuple(float(value) for value in scaling.scale),
        cardinalities=tuple(sizes),
        lookup_rows=tuple(heights),
        lookup_widths=tuple(_lookup_width(rows) for rows in heights),
        numeric_form=numeric_form,
        embedding=embedding,
        hidden=hidden,
    )


def _thinned(knots: Sequence[float] | Floats, max_bins: int | None) -> Floats:
    values = np.unique(np.asarray(knots, dtype=np.float32))
    if max_bins is None or len(values) <= max_bins + 1:
        return values
    chosen: Floats = values[np.unique(np.linspace(0, len(values) - 1, max_bins + 1).round().astype(int))]
    return chosen


def _lookup_width(rows: int) -> int:
    """About the square root of the vocabulary, between 2 and 16."""
    return int(min(16, max(2, round(rows**0.5))))


def constant_arrays(architecture: Architecture) -> dict[str, np.ndarray]:
    """The fixed part of a state: what turns raw numeric values into inputs."""
    column, lower, inverse = [], [], []
    if architecture.numeric_form != "scaled":
        for index, knots in enumerate(architecture.knots):
            column += [index] * max(len(knots) - 1, 0)
            lower += list(knots[:-1])
            inverse += list(1.0 / np.diff(knots))
    scaled = architecture.numeric_form != "piecewise"
    return {
        "bin_column": np.array(column, dtype=np.int64),
        "bin_lower": np.array(lower, dtype=np.float32),
        "bin_inverse": np.array(inverse, dtype=np.float32),
        "center": np.array(architecture.center if scaled else (), dtype=np.float32),
        "inverse_scale": 1 / np.array(architecture.scale if scaled else (), dtype=np.float32),
        "cardinality": np.array(architecture.cardinalities, dtype=np.int64),
    }


def initial_arrays(architecture: Architecture, *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Fresh weights of one network: uniform ±1/√fan-in as in `torch.nn.Linear`; lookups small and normal."""

    def linear(fan_in: int, rows: int, columns: int) -> np.ndarray:
        bound = max(fan_in, 1) ** -0.5
        return rng.uniform(-bound, bound, size=(rows, columns)).astype(np.float32)

    constants = constant_arrays(architecture)
    inputs = len(constants["bin_column"]) + len(constants["center"]) + len(architecture.knots)
    width, embedding, hidden = sum(architecture.lookup_widths), architecture.embedding, architecture.hidden
    arrays = {
        "projection_weight": linear(inputs + width, inputs, embedding),
        "projection_bias": linear(inputs + width, 1, embedding)[0],
        "hidden_weight": linear(embedding, embedding, hidden),
        "hidden_bias": linear(embedding, 1, hidden)[0],
        "output_weight": linear(hidden, hidden, 2),
        "output_bias": linear(hidden, 1, 2)[0],
    }
    if width:
        arrays["projection_lookup"] = linear(inputs + width, width, embedding)
    # an indicator that train never shows must say nothing when a value is missing at last
    arrays["projection_weight"][inputs - len(architecture.knots) :] = 0
    for index, (size, columns) in enumerate(zip(architecture.lookup_rows, architecture.lookup_widths, strict=True)):
        arrays[f"lookup_{index}"] = (0.1 * rng.standard_normal((size, columns))).astype(np.float32)
    return arrays


def numeric_inputs(
    numeric_BF: torch.Tensor, constants: Tensors, *, indicators: torch.Tensor | None = None
) -> torch.Tensor:
    """Raw numeric values, NaN where missing, as inputs of the projection [B, M]: the same for every setting.

    `indicators` are the columns whose missing indicator is among them, in order; None for all.
    """
    missing_BF = torch.isnan(numeric_BF)
    parts = []
    if constants["bin_column"].numel():
        bins = numeric_BF.index_select(1, constants["bin_column"])
        bins = bins.sub_(constants["bin_lower"]).mul_(constants["bin_inverse"]).clamp_(0, 1)
        parts.append(bins.nan_to_num_(nan=0.0))
    if constants["center"].numel():
        scaled = torch.sign(numeric_BF) * torch.log1p(numeric_BF.abs())
        scaled = ((scaled - constants["center"]) * constants["inverse_scale"]).clamp_(-SCALED_LIMIT, SCALED_LIMIT)
        parts.append(scaled.nan_to_num_(nan=0.0))
    shown_BF = missing_BF if indicators is None else missing_BF.index_select(1, indicators)
    return torch.cat([*parts, shown_BF.float()], dim=1)


def stacked_embedding(numeric_BM: torch.Tensor, lookups_SBD: torch.Tensor | None, weights: Tensors) -> torch.Tensor:
    """The shared embedding after its activation [S, B, E]."""
    settings = weights["projection_weight"].shape[0]
    shared_SBM = numeric_BM.expand(settings, *numeric_BM.shape)
    embedding_SBE = torch.baddbmm(weights["projection_bias"][:, None, :], shared_SBM, weights["projection_weight"])
    if lookups_SBD is not None:
        embedding_SBE = torch.baddbmm(embedding_SBE, lookups_SBD, weights["projection_lookup"])
    return embedding_SBE.relu_()


def stacked_logits(
    embedding_SBE: torch.Tensor, weights: Tensors, *, keep_BH: torch.Tensor | None = None
) -> torch.Tensor:
    """The head's logits [S, B, K]; `keep_BH` is a dropout mask that all settings share."""
    hidden_SBH = torch.baddbmm(weights["hidden_bias"][:, None, :], embedding_SBE, weights["hidden_weight"]).relu_()
    if keep_BH is not None:
        hidden_SBH = hidden_SBH * keep_BH
    return torch.baddbmm(weights["output_bias"][:, None, :], hidden_SBH, weights["output_weight"])


def looked_up(codes_BC: torch.Tensor, tables: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """Rows of the lookup tables [S, V, width] side by side [S, B, D]; None where there are no categories."""
    if not tables:
        return None
    return torch.cat([table[:, codes_BC[:, index]] for index, table in enumerate(tables)], dim=2)


def embeddings(state: State, rows: Rows, *, batch_size: int = 16384) -> Float32s:
    """The shared embedding of each row [N, E]."""
    return _forward(state, rows, batch_size=batch_size, head=False).astype(np.float32)


def margins(state: State, rows: Rows, *, batch_size: int = 16384) -> Float64s:
    """The head's margin z = logit_1 − logit_0 of each row [N]."""
    return _forward(state, rows, batch_size=batch_size, head=True).astype(np.float64)


@torch.inference_mode()
def _forward(state: State, rows: Rows, *, batch_size: int, head: bool) -> Floats:
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in state.items()}
    weights = {name: tensor[None] for name, tensor in tensors.items() if name not in CONSTANTS}
    parts = []
    for start in range(0, len(rows.numeric), batch_size):
        embedding_SBE = _embedded(rows, slice(start, start + batch_size), tensors=tensors, weights=weights)
        logits_SBK = stacked_logits(embedding_SBE, weights)
        parts.append((logits_SBK[0, :, 1] - logits_SBK[0, :, 0] if head else embedding_SBE[0]).numpy())
    return np.concatenate(parts) if parts else np.empty((0,) if head else (0, state["hidden_weight"].shape[0]))


def _embedded(rows: Rows, batch: slice, *, tensors: Tensors, weights: Tensors) -> torch.Tensor:
    """The shared embedding [1, B, E] of some rows, from the constants among `tensors` and weights [1, ...]."""
    lookups = rows.categorical.shape[1] if "lookup_0" in weights else 0
    tables = [weights[f"lookup_{index}"] for index in range(lookups)]
    numeric_BF = torch.from_numpy(np.ascontiguousarray(rows.numeric[batch], dtype=np.float32))
    heights = [table.shape[1] for table in tables]
    codes_BC = torch.from_numpy(folded_codes(rows.categorical[batch], tensors["cardinality"].numpy(), heights))
    return stacked_embedding(numeric_inputs(numeric_BF, tensors), looked_up(codes_BC, tables), weights)


def unfolded_lookup(state: State, index: int) -> Float32s:
    """A lookup with a row for every code [V, width]: what a runtime that knows nothing of folding gathers from."""
    table, size = state[f"lookup_{index}"], int(state["cardinality"][index])
    rows: Float32s = table[folded_codes(np.arange(size)[:, None], [size], [len(table)])[:, 0]]
    return rows


def folded_codes(codes: Integers, cardinalities: Sequence[int] | Integers, lookup_rows: Sequence[int]) -> np.ndarray:
    """Codes as rows of the lookups, int64 [N, C].

    Raises:
        ValueError: there are fewer columns than lookups, or a code lies outside its vocabulary.
    """
    if codes.shape[1] < len(lookup_rows):
        raise ValueError(f"{len(lookup_rows)} categorical columns are needed, got {codes.shape[1]}")
    chosen = np.asarray(codes[:, : len(lookup_rows)], dtype=np.int64)
    faults = [
        f"column {index}: {column.min()} to {column.max()}, outside [0, {size})"
        for index, (column, size) in enumerate(zip(chosen.T, cardinalities, strict=True))
        if len(column) and (column.min() < 0 or column.max() >= size)
    ]
    if faults:
        raise ValueError("codes must lie in the vocabulary of their column, got " + "; ".join(faults))
    return np.where(chosen > 0, 1 + (chosen - 1) % (np.array(lookup_rows, dtype=np.int64) - 1), 0)
