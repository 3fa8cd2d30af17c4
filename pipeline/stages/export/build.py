"""The bundle: everything a serving team needs of a run, in one folder of plain numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from safetensors.numpy import save

from pipeline.bundle.bundle_terms import FEWEST
from pipeline.bundle.golden import Parity, chosen_rows, golden_lines, parity
from pipeline.bundle.golden_reasons import GOLDEN_REASONS, golden_reason_lines
from pipeline.bundle.manifest import write_manifest
from pipeline.bundle.plain_rows import plain_rows
from pipeline.bundle.reason_file import FORMAT, references_digest
from pipeline.bundle.reasons import REASONS, reasons_from
from pipeline.bundle.scorer import Scorer, graph_session
from pipeline.bundle.signature import Signature
from pipeline.bundle.triton_form import write_triton_model
from pipeline.bundle.twin import TWIN
from pipeline.sections import ExportConfig
from pipeline.stages.export.graph.scoring_graph import PROBABILITY, BoosterPart, GraphParts, scoring_graph
from pipeline.stages.export.graph_files import write_graph
from pipeline.stages.export.reason_groups import COUNTERFACTUAL, LEAST_SHARE, TOP
from pipeline.stages.export.reference_rows import RULE, reference_rows
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.content import write_json
from pipeline.storage.errors import InputError

CLOSE = 1e-6
"""Golden rows agree at least this well between the graph and the Python path, so that no tree hangs by a hair there."""


class ParityError(ValueError):
    """Graph and Python path differ on more rows than a flipped tree explains."""


@dataclass(frozen=True)
class TwinContents:
    """The judged model beside a refit that ships.

    Attributes:
        parts: what its part of the graph computes with.
        encoder: its encoder, as JSON values.
        thresholds: its operating points, as JSON values.
        expected: what the Python path says by its shipped candidate of the contents' rows [N].
    """

    parts: GraphParts
    encoder: Mapping[str, Any]
    thresholds: Mapping[str, Any]
    expected: np.ndarray


@dataclass(frozen=True)
class ReasonContents:
    """What reasons are given from.

    Attributes:
        groups: of the columns, as JSON values.
        train: feature rows with their labels, some of which payments are compared with.
    """

    groups: Sequence[Mapping[str, Any]]
    train: pa.Table


@dataclass(frozen=True)
class BundleContents:
    """What goes into a bundle.

    Attributes:
        parts: what the graph computes with.
        encoder: the encoder, as JSON values.
        features: the window specification, as JSON text.
        rows: feature rows no fit has seen, for the comparison with the Python path and the golden rows.
        expected: what the Python path says of them [N], by candidate.
        optional: columns that were missing in some rows of train.
        thresholds: the operating points, as JSON values.
        model_card: Markdown.
        record: what the manifest says beside the files: run, versions, smoothing, class_weight, threshold, seen_until,
            gate, ...
        twin: the judged model, where another fit of its recipe ships.
        reasons: what reasons are given from; without it the bundle gives none.
    """

    parts: GraphParts
    encoder: Mapping[str, Any]
    features: str
    rows: pa.Table
    expected: Mapping[str, np.ndarray]
    optional: frozenset[str]
    thresholds: Mapping[str, Any]
    model_card: str
    record: Mapping[str, Any] = field(default_factory=dict)
    twin: TwinContents | None = None
    reasons: ReasonContents | None = None

    @property
    def said(self) -> Mapping[str, np.ndarray]:
        """What the Python path says of the rows [N], by output of the graph."""
        return self.expected if self.twin is None else {**self.expected, TWIN: self.twin.expected}


def build_bundle(
    folder: Path, contents: BundleContents, *, config: ExportConfig, threads: int = 1, key: bytes | None = None
) -> Parity:
    """Write a bundle into an empty folder; the same contents give the same bytes.

    Args:
        folder: where; the caller makes it appear whole.
        contents: what goes in.
        config: [export].
        threads: batches scored side by side in the comparison.
        key: signs the manifest.

    Returns:
        How the graph and the Python path compare on the contents' rows.

    Raises:
        InputError: rows are too few for the golden ones, or the bundle is too large.
        ParityError: graph and Python path differ.
    """
    parts, twin = contents.parts, contents.twin
    graph = scoring_graph(parts, None if twin is None else twin.parts)
    outputs = (PROBABILITY, *parts.candidates, *(() if twin is None else (TWIN,)))
    signature = Signature(parts.numeric, parts.categorical, outputs, contents.optional)
    scorer = Scorer(graph_session(graph), signature)
    found = scorer.probabilities(contents.rows, threads=threads)
    compared = parity(found, contents.said)
    _check_parity(compared, parts, share=config.flipped_rows)
    golden = _golden(contents, found, signature, rows=config.golden_rows)
    write_text(folder / "golden.jsonl", golden)
    reasons = _write_reasons(folder, contents.reasons, scorer, golden)
    _write_numbers(folder, parts, contents.encoder)
    if twin is not None:
        _write_numbers(folder / TWIN, twin.parts, twin.encoder)
        write_json(folder / TWIN / "thresholds.json", twin.thresholds)
    _write_descriptions(folder, contents)
    _write_served_forms(folder, graph, signature, triton=config.triton)
    record = {"candidate": parts.shipped, "outputs": list(signature.outputs), **contents.record, **reasons}
    write_manifest(folder, content=record | {"parity": compared.to_dict()}, max_bytes=config.max_bytes, key=key)
    return compared


def _check_parity(compared: Parity, parts: GraphParts, *, share: float) -> None:
    """Only what a booster has a part in may differ, and only in few rows; three are always granted, for small folds."""
    with_trees = {
        TWIN,
        *parts.boosters,
        *(name for name, each in parts.hybrids.items() if {*each.members} & {*parts.boosters}),
    }
    allowed = max(3, int(share * compared.rows))
    wrong = {name: count for name, count in compared.flipped.items() if count > (allowed if name in with_trees else 0)}
    if wrong:
        detail = ", ".join(f"'{name}' in {count:,}" for name, count in wrong.items())
        raise ParityError(f"graph and Python path must agree on {compared.rows:,} rows, but they differ: {detail}")


def _golden(contents: BundleContents, found: Mapping[str, np.ndarray], signature: Signature, *, rows: int) -> str:
    close = np.ones(contents.rows.num_rows, dtype=bool)
    for name, expected in contents.said.items():
        close &= np.abs(found[name] - expected) <= CLOSE
    places = np.flatnonzero(close)
    if len(places) < FEWEST:
        raise InputError(f"golden rows need at least {FEWEST} feature rows, got {len(places)}")
    chosen = places[chosen_rows(found[PROBABILITY][places], rows=rows)]
    return golden_lines(contents.rows.take(pa.array(chosen)), found[PROBABILITY][chosen], signature)


def _write_reasons(folder: Path, contents: ReasonContents | None, scorer: Scorer, golden: str) -> dict[str, Any]:
    """Write reasons.json and the golden reasons; what the manifest says of them."""
    if contents is None:
        return {}
    references = reference_rows(contents.train, scorer.signature, [group["columns"] for group in contents.groups])
    values = {
        "format": FORMAT,
        "top": TOP,
        "least_share": LEAST_SHARE,
        "counterfactual": COUNTERFACTUAL,
        "groups": list(contents.groups),
        "rule": RULE,
        "references": list(plain_rows(references, scorer.signature)),
    }
    reasons = reasons_from(values, scorer.signature)
    write_json(folder / REASONS, values)
    write_text(folder / GOLDEN_REASONS, golden_reason_lines(reasons, scorer, golden.encode()))
    return {"reasons": {"groups": len(reasons.groups), "references": references_digest(values["references"])}}


def _write_numbers(folder: Path, parts: GraphParts, encoder: Mapping[str, Any]) -> None:
    """The numbers the graph was made of, for whoever wants them without ONNX."""
    booster = next(iter(parts.boosters.values()))
    states = {name: each.state for name, each in parts.networks.items()}
    if booster.encoder is not None:
        states["booster_encoder"] = booster.encoder
    owners = {
        name: next(other for other in states if _equal_states(states[other], state)) for name, state in states.items()
    }
    tensors = {
        f"{name}.{key}": states[name][key] for name in sorted(set(owners.values())) for key in sorted(states[name])
    }
    write_bytes(folder / "booster.ubj", booster.model)
    write_bytes(
        folder / "network.safetensors", save({name: np.ascontiguousarray(each) for name, each in tensors.items()})
    )
    write_json(folder / "encoder.json", encoder)
    write_json(folder / "calibrator.json", {"tensors": owners, **_calibration_values(parts)})


def _equal_states(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one is other or (one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one))


def _calibration_values(parts: GraphParts) -> dict[str, Any]:
    return {
        "posterior_floor": parts.posterior_floor,
        "losses": {name: each.loss.to_dict() for name, each in parts.networks.items()},
        "booster_inputs": {name: each.form for name, each in parts.boosters.items()},
        "booster_one_hot": {name: _one_hot_names(each) for name, each in parts.boosters.items()},
        "baselines": {name: each.to_dict() for name, each in parts.baselines.items()},
        "calibrators": {name: each.to_dict() for name, each in parts.calibrators.items()},
        "hybrids": {name: each.to_dict() for name, each in parts.hybrids.items()},
    }


def _one_hot_names(booster: BoosterPart) -> list[str]:
    """The 0/1 columns that follow the numeric ones, in order; those of the encoder come last."""
    return [name for each in booster.one_hot for name in each.names]


def _write_descriptions(folder: Path, contents: BundleContents) -> None:
    write_json(folder / "thresholds.json", contents.thresholds)
    write_text(folder / "features.json", contents.features)
    write_text(folder / "model_card.md", contents.model_card)


def _write_served_forms(folder: Path, graph: bytes, signature: Signature, *, triton: bool) -> None:
    """The graph by itself, as an MLflow model and, where it is asked for, as a Triton repository."""
    write_graph(folder, graph, signature)
    if triton:
        write_triton_model(folder / "triton", graph, signature)
