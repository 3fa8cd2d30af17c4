"""The bundle of a refit turned into that of its judged twin: `probability` is the twin's, and `refit` what it was."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import pyarrow as pa

from evaluation.render.foreign_text import markdown_text
from pipeline.bundle.golden import golden_lines
from pipeline.bundle.golden_reasons import GOLDEN_REASONS, golden_reason_lines
from pipeline.bundle.manifest import MANIFEST, TWIN_FILES, CheckedBundle, write_manifest
from pipeline.bundle.reasons import REASONS, loaded_reasons
from pipeline.bundle.scorer import Scorer, graph_session
from pipeline.bundle.signature import Signature
from pipeline.bundle.twin import TWIN, twin_of
from pipeline.stages.export.graph_files import write_graph
from pipeline.storage.atomic import write_bytes, write_text
from pipeline.storage.errors import InputError

REFIT = "refit"
"""The output that is the P(fraud) of a refit which was rolled back."""
SERVED = {"probability": REFIT, TWIN: "probability"}


def write_twin_bundle(bundle: CheckedBundle, folder: Path, *, reason: str, max_bytes: int, key: bytes | None) -> None:
    """Write the bundle of the judged twin into an empty folder; the same bundle and reason give the same bytes.

    Args:
        bundle: of the refit.
        folder: where.
        reason: why it is rolled back, for the manifest and the model card.
        max_bytes: largest size.
        key: signs the manifest.

    Raises:
        InputError: the bundle has no judged twin.
    """
    twin = twin_of(bundle.manifest)
    if twin is None:
        raise InputError(f"{bundle.folder} must hold a refit with its judged twin, but it does not")
    before = Signature.from_dict(bundle.read_json("signature.json"))
    outputs = ("probability", REFIT)
    signature = Signature(before.numeric, before.categorical, outputs, before.optional)
    graph = _turned_graph(bundle.read("model.onnx"), outputs)
    for name in TWIN_FILES:
        write_bytes(folder / name, bundle.read(f"{TWIN}/{name}"))
    write_bytes(folder / "features.json", bundle.read("features.json"))
    card = bundle.read("model_card.md").decode()
    words = f"{markdown_text(reason)} `probability` is the judged model's."
    write_text(folder / "model_card.md", f"{card}\n## Rolled back\n\n{words}\n")
    write_graph(folder, graph, signature)
    golden = _golden(bundle, graph, signature)
    write_text(folder / "golden.jsonl", golden)
    _write_reasons(bundle, folder, Scorer(graph_session(graph), signature), golden)
    write_manifest(folder, content=_record(bundle, folder, reason), max_bytes=max_bytes, key=key)


def _turned_graph(model: bytes, outputs: tuple[str, ...]) -> bytes:
    """The graph under other names of its outputs; those that nobody asks for any more stay inside it."""
    found = onnx.load_model_from_string(model)
    for node in found.graph.node:
        for place, name in enumerate(node.output):
            node.output[place] = SERVED.get(name, name)
    for output in found.graph.output:
        output.name = SERVED.get(output.name, output.name)
    kept = [output for output in found.graph.output if output.name in outputs]
    del found.graph.output[:]
    found.graph.output.extend(sorted(kept, key=lambda each: outputs.index(each.name)))
    turned: bytes = found.SerializeToString(deterministic=True)
    return turned


def _golden(bundle: CheckedBundle, graph: bytes, signature: Signature) -> str:
    """The golden rows of before with the probabilities of now."""
    rows = [json.loads(line)["inputs"] for line in bundle.read("golden.jsonl").splitlines()]
    kinds = {**dict.fromkeys(signature.numeric, pa.float64()), **dict.fromkeys(signature.categorical, pa.string())}
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()})
    found = Scorer(graph_session(graph), signature).probabilities(table)["probability"]
    return golden_lines(table, found, signature)


def _write_reasons(bundle: CheckedBundle, folder: Path, scorer: Scorer, golden: str) -> None:
    """Groups, sentences and references stay; the golden reasons are those of the graph that serves now."""
    reasons = loaded_reasons(bundle, scorer.signature)
    if reasons is not None:
        write_bytes(folder / REASONS, bundle.read(REASONS))
        write_text(folder / GOLDEN_REASONS, golden_reason_lines(reasons, scorer, golden.encode()))


def _record(bundle: CheckedBundle, folder: Path, reason: str) -> dict[str, Any]:
    before: dict[str, Any] = {name: each for name, each in bundle.manifest.items() if name not in ("files", "format")}
    judged: Mapping[str, Any] = before["judged"]
    seen = {name: judged[name] for name in ("seen_until", "seen_until_microseconds")}
    points = json.loads((folder / "thresholds.json").read_text(encoding="utf-8"))["points"]
    return {
        **before,
        **seen,
        "outputs": ["probability", REFIT],
        "threshold": points["alert_budget"]["threshold"],
        "judged": {"output": "probability", **seen},
        "refit": None,
        "refit_reasons": [reason],
        "rolled_back_from": hashlib.sha256((bundle.folder / MANIFEST).read_bytes()).hexdigest(),
    }
