"""One ONNX graph from numbers: named feature columns in, every candidate's calibrated probability out.

    numbers ─ Concat ─┬──────────────────────────────────┬─ trees ────────────────────────┐
                      ├─ bins, scaled, missing ──┐       │ (and what the encoder adds)    │
    strings ─ LabelEncoder ─ Gather ─────────────┴─ networks ─ margins ─ posterior ───────┼─ calibrators ─ hybrid
                      └─ scaled, missing ──────────── logistic ───────────────────────────┘

Values are float32 up to the margins, as in training, and double from there on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from models.baseline import LogisticBaseline
from models.booster_inputs import OneHot
from models.boosting import NATIVE
from models.calibration import Calibrator
from models.hybrid import Hybrid
from models.losses import LossSettings
from models.network import State
from models.pca import CENTER, DIRECTIONS
from models.shared_encoder import GRID
from pipeline.bundle.twin import TWIN
from pipeline.stages.export.graph.network_nodes import (
    NetworkOutput,
    category_codes,
    network_output,
    one_hot_columns,
    scaled_inputs,
)
from pipeline.stages.export.graph.nodes import DOUBLE, FLOAT, Nodes
from pipeline.stages.export.graph.probability_nodes import (
    calibrated_log_odds,
    posterior_log_odds,
    probability_of_log_odds,
)
from pipeline.stages.export.graph.tree_nodes import tree_margins
from pipeline.storage.errors import InputError

PROBABILITY = "probability"
GRAPH_NAME = "harbor"
BoosterForm = Literal["none", "logit", "embedding", "reduced", "logit_reduced"]
"""What of an encoder a booster's columns end with: its margin, its embedding, components of it, or margin and these."""


class CategoryCodes(Protocol):
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
    """A booster and what stands beside its numeric columns.

    Attributes:
        model: UBJ bytes.
        form: what the encoder adds after all other columns, rounded.
        encoder: the network that gives it; None for "none".
        loss: what the trees minimised, which is undone as a head's is.
        one_hot: categorical columns that follow the numeric ones, a 0/1 column a code.
    """

    model: bytes
    form: BoosterForm = "none"
    encoder: State | None = None
    loss: LossSettings = NATIVE
    one_hot: tuple[OneHot, ...] = ()


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
        calibrators: one a candidate, the hybrids excepted.
        hybrids: combinations by the name of their candidate; their members are the candidates above.
        posterior_floor: where the inverse of smoothing goes on as a tail.
        shipped: the candidate that `probability` is.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    vocabularies: tuple[CategoryCodes, ...]
    networks: Mapping[str, NetworkPart]
    boosters: Mapping[str, BoosterPart]
    baselines: Mapping[str, LogisticBaseline]
    calibrators: Mapping[str, Calibrator]
    hybrids: Mapping[str, Hybrid]
    posterior_floor: float
    shipped: str

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
        if set(self.calibrators) != set(self.candidates) - set(self.hybrids):
            faults.append(f"every candidate but the hybrids needs a calibrator, got {sorted(self.calibrators)}")
        if taken := sorted({*self.numeric, *self.categorical} & {*self.candidates, PROBABILITY, TWIN}):
            faults.append(f"feature columns must not be called like an output, got {taken}")
        if len(self.vocabularies) != len(self.categorical):
            faults.append(
                f"{len(self.categorical)} categorical columns need as many vocabularies, got {len(self.vocabularies)}"
            )
        if faults:
            raise InputError("; ".join(faults))


def scoring_graph(parts: GraphParts, twin: GraphParts | None = None) -> bytes:
    """The serialized ONNX model.

    Inputs are one a feature column, float [N, 1] with NaN for missing or string [N, 1] with "" for missing; outputs are
    double [N, 1], `probability` and each candidate under its name, and `judged` where there is a twin.

    Args:
        parts: of the candidates.
        twin: of the model that was judged, where another fit of its recipe ships; only its shipped candidate is shown.

    Raises:
        InputError: the parts do not fit one another.
    """
    if twin is not None and (twin.numeric, twin.categorical) != (parts.numeric, parts.categorical):
        raise InputError("a model and its judged twin must have the same columns in the same order")
    nodes = Nodes({*parts.numeric, *parts.categorical, PROBABILITY, TWIN, *parts.candidates})
    numeric = nodes.joined(parts.numeric) if parts.numeric else None
    outputs = (PROBABILITY, *parts.candidates)
    log_odds = _log_odds(nodes, numeric, parts, (parts.shipped, *parts.candidates))
    if twin is not None:
        outputs = (*outputs, TWIN)
        log_odds = nodes.joined([log_odds, _log_odds(nodes, numeric, twin, (twin.shipped,))])
    nodes.split(probability_of_log_odds(nodes, log_odds), outputs)
    return nodes.model(
        GRAPH_NAME,
        inputs={**dict.fromkeys(parts.numeric, "float"), **dict.fromkeys(parts.categorical, "string")},
        outputs=dict.fromkeys(outputs, "double"),
    )


def _log_odds(nodes: Nodes, numeric: str | None, parts: GraphParts, outputs: tuple[str, ...]) -> str:
    """Calibrated log odds of some candidates, double [N, C]."""
    columns = zip(parts.categorical, parts.vocabularies, strict=True)
    codes = [category_codes(nodes, name, vocabulary.codes) for name, vocabulary in columns]
    raw, names = _raw_log_odds(nodes, numeric, codes, parts)
    return calibrated_log_odds(nodes, raw, names, calibrators=parts.calibrators, hybrids=parts.hybrids, outputs=outputs)


def _raw_log_odds(
    nodes: Nodes, numeric: str | None, codes: Sequence[str], parts: GraphParts
) -> tuple[str, tuple[str, ...]]:
    """Log odds before calibration, double [N, C], and the candidates they are of: native ones, then those inverted."""
    native = {name: _baseline_margin(nodes, numeric, codes, each) for name, each in parts.baselines.items()}
    inverted: dict[str, str] = {}
    losses: list[LossSettings] = []
    for name, booster in parts.boosters.items():
        margin = tree_margins(nodes, _booster_columns(nodes, numeric, codes, booster), booster.model)
        if booster.loss == NATIVE:
            native[name] = margin
        else:
            inverted[name] = margin
            losses.append(booster.loss)
    for name, network in parts.networks.items():
        inverted[name] = network_output(nodes, numeric, codes, network.state).margin
        losses.append(network.loss)
    found = [nodes.add("Cast", nodes.joined(list(native.values())), to=DOUBLE)] if native else []
    if inverted:
        margins = nodes.add("Cast", nodes.joined(list(inverted.values())), to=DOUBLE)
        found.append(posterior_log_odds(nodes, margins, losses, floor=parts.posterior_floor))
    return nodes.joined(found), (*native, *inverted)


def _booster_columns(nodes: Nodes, numeric: str | None, codes: Sequence[str], booster: BoosterPart) -> str:
    """The columns [N, P] of a booster: what its encoder adds is rounded as `models.shared_encoder` does.

    So the last bit of a sum decides no split.
    """
    columns = [numeric] if numeric is not None else []
    columns += [one_hot_columns(nodes, codes[each.place], size=each.size) for each in booster.one_hot]
    if booster.encoder is not None:
        output = network_output(nodes, numeric, codes, booster.encoder)
        values = _encoder_values(nodes, output, booster.form, booster.encoder)
        rounded = nodes.add("Round", nodes.add("Mul", values, nodes.number(GRID)))
        columns.append(nodes.add("Mul", rounded, nodes.number(1 / GRID)))
    return nodes.joined(columns)


def _encoder_values(nodes: Nodes, output: NetworkOutput, form: BoosterForm, state: State) -> str:
    """What an encoder adds before it is rounded [N, E]: a margin comes first."""
    if form == "logit":
        return output.margin
    if form == "embedding":
        return output.embedding
    centered = nodes.add("Sub", output.embedding, nodes.constant(state[CENTER]))
    components = nodes.add("MatMul", centered, nodes.constant(state[DIRECTIONS]))
    return components if form == "reduced" else nodes.joined([output.margin, components])


def _baseline_margin(nodes: Nodes, numeric: str | None, codes: Sequence[str], baseline: LogisticBaseline) -> str:
    """Margin v · weight + u · missing_weight + Σ_j category_weight_j[c_j] + shift, float32 [N, 1]."""
    shift = nodes.constant(np.array([baseline.shift], dtype=np.float32))
    terms = [
        nodes.add("Gather", nodes.constant(np.array(weights, dtype=np.float32)), column, axis=0)
        for column, weights in zip(codes, baseline.category_weight, strict=True)
        if weights
    ]
    if numeric is not None:
        inverse = 1 / np.array(baseline.scale, dtype=np.float32)
        center = np.array(baseline.center, dtype=np.float32)
        inputs = scaled_inputs(nodes, numeric, center=center, inverse_scale=inverse)
        weight = np.array([*baseline.weight, *baseline.missing_weight], dtype=np.float32)[:, None]
        terms.append(nodes.add("Gemm", inputs, nodes.constant(weight), shift))
    else:
        # a constant alone would not know how many rows there are
        rows = nodes.add("Mul", nodes.add("Cast", codes[0], to=FLOAT), nodes.number(0))
        terms.append(nodes.add("Add", rows, shift))
    return terms[0] if len(terms) == 1 else nodes.add("Sum", *terms)
