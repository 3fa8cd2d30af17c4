"""One ONNX graph from numbers: named feature columns in, every candidate's calibrated probability out.

    numbers ─ Concat ─┬──────────────────────────────────┬─ trees ────────────────────────┐
                      ├─ bins, scaled, missing ──┐       │ (and what the encoder adds)    │
    strings ─ LabelEncoder ─ Gather ─────────────┴─ networks ─ margins ─ posterior ───────┼─ calibrators ─ hybrid
                      └─ scaled, missing ──────────── logistic ───────────────────────────┘

Values are float32 up to the margins, as in training, and double from there on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from models.baseline import LogisticBaseline
from models.calibration import Calibrator
from models.hybrid import Hybrid
from models.losses import LossSettings
from models.shared_encoder import GRID
from pipeline.graph_network import State, category_codes, lookup_offsets, network_outputs, scaled_inputs
from pipeline.graph_nodes import DOUBLE, Nodes
from pipeline.graph_probability import bounded_probability, calibrated_log_odds, combined_log_odds, posterior_log_odds
from pipeline.graph_trees import tree_margins

PROBABILITY = "probability"
GRAPH_NAME = "harbor"


class Vocabulary(Protocol):
    """Codes of the values of one categorical column; 0 for all others."""

    @property
    def codes(self) -> Mapping[str, int]: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True)
class NetworkPart:
    """A head whose posterior is a candidate: its arrays and the loss they minimised."""

    state: State
    loss: LossSettings


@dataclass(frozen=True)
class BoosterPart:
    """A booster and what an encoder adds to its numeric columns.

    Attributes:
        model: UBJ bytes.
        form: "none", the encoder's "logit" (its margin) or its "embedding": rounded, after the numeric columns.
        encoder: the network that gives it; None for "none".
    """

    model: bytes
    form: Literal["none", "logit", "embedding"] = "none"
    encoder: State | None = None


@dataclass(frozen=True)
class GraphParts:
    """Everything a scoring graph computes with.

    Attributes:
        numeric: names of the numeric columns in the order the models know.
        categorical: names of the categorical columns, likewise.
        vocabularies: one a categorical column.
        networks: heads by the name of their candidate.
        boosters: boosters by the name of their candidate.
        baselines: logistic regressions by the name of their candidate.
        calibrators: one a candidate, hybrid excepted or not.
        hybrids: combinations by the name of their candidate; their members are the candidates above.
        posterior_floor: where the inverse of smoothing goes on as a tail.
        shipped: the candidate that `probability` is.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    vocabularies: tuple[Vocabulary, ...]
    networks: Mapping[str, NetworkPart]
    boosters: Mapping[str, BoosterPart]
    baselines: Mapping[str, LogisticBaseline]
    calibrators: Mapping[str, Calibrator]
    hybrids: Mapping[str, Hybrid]
    posterior_floor: float
    shipped: str
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Names of all candidates."""
        return (*self.baselines, *self.networks, *self.boosters, *self.hybrids)

    def __post_init__(self) -> None:
        faults = []
        if len(set(self.candidates)) < len(self.candidates):
            faults.append(f"every candidate needs a name of its own, got {list(self.candidates)}")
        if self.shipped not in self.candidates:
            faults.append(f"the shipped candidate must be one of {list(self.candidates)}, got {self.shipped!r}")
        if taken := sorted({*self.numeric, *self.categorical} & {*self.candidates, PROBABILITY}):
            faults.append(f"feature columns must not be called like an output, got {taken}")
        if len(self.vocabularies) != len(self.categorical):
            faults.append(
                f"{len(self.categorical)} categorical columns need as many vocabularies, got {len(self.vocabularies)}"
            )
        if faults:
            raise ValueError("; ".join(faults))


def scoring_graph(parts: GraphParts) -> bytes:
    """The serialized ONNX model.

    Inputs are one a feature column, float [N, 1] with NaN for missing or string [N, 1] with "" for missing; outputs are
    double [N, 1], `probability` and each candidate under its name.

    Raises:
        ValueError: the parts do not fit one another.
    """
    nodes = Nodes()
    numeric = nodes.joined(parts.numeric) if parts.numeric else None
    codes = _codes(nodes, parts)
    log_odds = _raw_log_odds(nodes, numeric, codes, parts)
    log_odds = {
        name: calibrated_log_odds(nodes, raw, parts.calibrators[name]) if name in parts.calibrators else raw
        for name, raw in log_odds.items()
    }
    for name, hybrid in parts.hybrids.items():
        combined = combined_log_odds(nodes, log_odds, hybrid)
        known = name in parts.calibrators
        log_odds[name] = calibrated_log_odds(nodes, combined, parts.calibrators[name]) if known else combined
    shipped_first = [log_odds[parts.shipped], *(log_odds[name] for name in parts.candidates)]
    nodes.split(bounded_probability(nodes, nodes.joined(shipped_first)), (PROBABILITY, *parts.candidates))
    return nodes.model(
        GRAPH_NAME,
        inputs={**dict.fromkeys(parts.numeric, "float"), **dict.fromkeys(parts.categorical, "string")},
        outputs=dict.fromkeys((PROBABILITY, *parts.candidates), "double"),
        properties=dict(parts.properties),
    )


def same_state(one: State, other: State) -> bool:
    """Whether two networks hold the same arrays."""
    return one is other or (one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one))


def _codes(nodes: Nodes, parts: GraphParts) -> str | None:
    """Codes [N, C] of all categorical columns, each offset by the sizes of those before it."""
    if not parts.categorical:
        return None
    offsets = lookup_offsets([vocabulary.size for vocabulary in parts.vocabularies])
    columns = zip(parts.categorical, parts.vocabularies, offsets, strict=True)
    return nodes.joined([category_codes(nodes, name, each.codes, offset=offset) for name, each, offset in columns])


def _raw_log_odds(nodes: Nodes, numeric: str | None, codes: str | None, parts: GraphParts) -> dict[str, str]:
    """Log odds of each candidate before calibration, double [N, 1]."""
    states = _distinct_states(parts)
    outputs = network_outputs(nodes, numeric, codes, states) if states else None
    found = {}
    for name, baseline in parts.baselines.items():
        found[name] = nodes.add("Cast", _baseline_margin(nodes, numeric, codes, baseline, parts), to=DOUBLE)
    for name, network in parts.networks.items():
        assert outputs is not None  # noqa: S101
        margin = _columns(nodes, outputs.margins, _place(states, network.state), width=1, of=len(states))
        raw = nodes.add("Cast", margin, to=DOUBLE)
        found[name] = posterior_log_odds(nodes, raw, network.loss, floor=parts.posterior_floor)
    for name, booster in parts.boosters.items():
        matrix = [numeric] if numeric is not None else []
        if booster.encoder is not None and outputs is not None:
            place, embedding = _place(states, booster.encoder), booster.encoder["projection_weight"].shape[1]
            wide, width = (outputs.margins, 1) if booster.form == "logit" else (outputs.embeddings, embedding)
            matrix.append(_on_grid(nodes, _columns(nodes, wide, place, width=width, of=len(states))))
        found[name] = nodes.add("Cast", tree_margins(nodes, nodes.joined(matrix), booster.model), to=DOUBLE)
    return found


def _distinct_states(parts: GraphParts) -> list[State]:
    """Every network of the graph once: a head and the booster's encoder may be the same."""
    found: list[State] = []
    wanted = [network.state for network in parts.networks.values()]
    wanted += [booster.encoder for booster in parts.boosters.values() if booster.encoder is not None]
    for state in wanted:
        if not any(same_state(state, other) for other in found):
            found.append(state)
    return found


def _place(states: list[State], state: State) -> int:
    return next(place for place, other in enumerate(states) if same_state(state, other))


def _columns(nodes: Nodes, wide: str, place: int, *, width: int, of: int) -> str:
    """One network's columns of what stands side by side for all."""
    if of == 1:
        return wide
    starts, ends = (nodes.constant(np.array([at * width], dtype=np.int64)) for at in (place, place + 1))
    return nodes.add("Slice", wide, starts, ends, nodes.constant(np.array([1], dtype=np.int64)))


def _on_grid(nodes: Nodes, values: str) -> str:
    """Values rounded as `models.shared_encoder` rounds them, so that the last bit of a sum decides no split."""
    rounded = nodes.add("Round", nodes.add("Mul", values, nodes.number(GRID)))
    return nodes.add("Mul", rounded, nodes.number(1 / GRID))


def _baseline_margin(
    nodes: Nodes, numeric: str | None, codes: str | None, baseline: LogisticBaseline, parts: GraphParts
) -> str:
    """Margin v · weight + u · missing_weight + Σ_j category_weight_j[c_j] + shift, float32 [N, 1]."""
    shift, terms = nodes.constant(np.array([baseline.shift], dtype=np.float32)), []
    if numeric is not None:
        inverse = 1 / np.array(baseline.scale, dtype=np.float32)
        inputs = scaled_inputs(
            nodes, numeric, center=np.array(baseline.center, dtype=np.float32), inverse_scale=inverse
        )
        weight = np.array([*baseline.weight, *baseline.missing_weight], dtype=np.float32)[:, None]
        terms.append(nodes.add("Gemm", inputs, nodes.constant(weight), shift))
    if codes is not None and (numeric is None or any(baseline.category_weight)):
        sizes = [vocabulary.size for vocabulary in parts.vocabularies]
        table = [weights or (0.0,) * size for weights, size in zip(baseline.category_weight, sizes, strict=True)]
        weights = nodes.constant(np.concatenate(table).astype(np.float32))
        axes = nodes.constant(np.array([1], dtype=np.int64))
        terms.append(nodes.add("ReduceSum", nodes.add("Gather", weights, codes, axis=0), axes, keepdims=1))
    if numeric is None:
        terms.append(shift)
    return terms[0] if len(terms) == 1 else nodes.add("Add", *terms)
