"""A bundle that answers: checked, its golden rows replayed, warm, and all that an answer says of it made beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from features.windows.spec import FeatureSpec
from pipeline.bundle.decision_rules import DecisionRule, decision_rule
from pipeline.bundle.golden import TOLERANCE, replayed_difference
from pipeline.bundle.manifest import MANIFEST, CheckedBundle, checked_bundle
from pipeline.bundle.reasons import loaded_reasons
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.serve.quick_reasons import QuickReasons
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError

PROBABILITY = "probability"
WARM_CALLS = 8
OLDER_POINT = "cost_optimal"
"""The point of bundles that do not say by which one they decide."""


@dataclass(frozen=True)
class OperatingPoint:
    """A named rule of thresholds.json, and what an answer says of it."""

    rule: DecisionRule
    told: Any


@dataclass(frozen=True)
class Deployment:
    """What answers.

    Attributes:
        scorer: the loaded graph.
        points: of thresholds.json, by name.
        ships: which of them the bundle was made to decide by.
        reasons: what explains an answer; None where the bundle has no reasons.
        manifest: SHA-256 of the bundle's manifest.
        candidate: which of the models it is.
        version: of the registry, "" where the bundle is a folder.
        model: what answers say of it, as JSON.
        known: texts that training knew, by categorical column.
        golden: probabilities of the golden rows, in rising order: what is expected of live ones.
    """

    scorer: Scorer
    points: Mapping[str, OperatingPoint]
    ships: str
    reasons: QuickReasons | None
    manifest: str
    candidate: str
    version: str
    model: Any
    known: Mapping[str, frozenset[str]]
    golden: tuple[float, ...]

    def unknown(self, texts: Mapping[str, np.ndarray]) -> list[str]:
        """Categorical columns of a row whose text training did not know; one that is missing is none of them."""
        return [name for name, known in self.known.items() if texts[name][0, 0] and texts[name][0, 0] not in known]

    def probability(self, numbers: np.ndarray, texts: Mapping[str, np.ndarray]) -> float:
        """P(fraud) of one feature row."""
        return float(self.scorer.matrix_outputs(numbers, texts, (PROBABILITY,))[0][0, 0])


def deployed(
    folder: Path, *, spec: FeatureSpec, features_sha256: str, key: bytes | None, version: str = ""
) -> Deployment:
    """A bundle made ready to answer.

    Args:
        folder: of the bundle; it is not needed afterwards.
        spec: what the state answers.
        features_sha256: of the state's features.json, which must be the bundle's.
        key: what the manifest must be signed with; None asks for no signature.
        version: of the registry.

    Raises:
        InputError: a file is not as listed, the bundle is of other features, or a golden row has another probability.
    """
    checked = checked_bundle(folder, key=key)
    _check_features(checked, features_sha256)
    scorer = loaded_scorer(checked)
    _check_order(scorer, spec)
    golden = checked.read("golden.jsonl")
    _, difference = replayed_difference(scorer, golden)
    if not difference <= TOLERANCE:
        raise InputError(
            f"golden rows of {folder} must keep their probability to {TOLERANCE:.0e}, got one {difference:.1e} away"
        )
    found = loaded_reasons(checked, scorer.signature)
    reasons = None if found is None else QuickReasons(found)
    _warm(scorer, reasons)
    manifest = sha256_file(folder / MANIFEST)
    told = {"name": "harbor", "version": version, "candidate": checked.manifest["candidate"], "manifest": manifest}
    probabilities = sorted(float(orjson.loads(line)["probability"]) for line in golden.splitlines())
    return Deployment(
        scorer=scorer,
        points=_points(checked.read_json("thresholds.json")),
        ships=checked.manifest.get("point", OLDER_POINT),
        reasons=reasons,
        manifest=manifest,
        candidate=checked.manifest["candidate"],
        version=version,
        model=orjson.Fragment(orjson.dumps(told)),
        known=_known(checked.read_json("encoder.json"), scorer),
        golden=tuple(probabilities),
    )


def _check_features(checked: CheckedBundle, features_sha256: str) -> None:
    if checked.manifest["files"]["features.json"]["sha256"] != features_sha256:
        raise InputError(
            f"the bundle {checked.folder} must have the columns that the state answers, but their features.json "
            "differ: take the state that was exported beside it, or one built for it with harbor state build"
        )


def _check_order(scorer: Scorer, spec: FeatureSpec) -> None:
    numeric = tuple(column.name for column in spec.columns if column.kind == "numeric")
    if scorer.signature.numeric != numeric:
        raise InputError(
            f"the graph must take the {len(numeric)} numeric columns of features.json in their order, but it takes "
            f" {len(scorer.signature.numeric)}, or in another order"
        )


def _points(thresholds: Any) -> dict[str, OperatingPoint]:
    found = {}
    for name, point in thresholds["points"].items():
        rule = decision_rule(thresholds, name)
        if rule.alert_cost is None:
            told = {"name": name, "value": rule.threshold}
        else:
            told = {"name": name, "policy": point["policy"], "alert_cost": rule.alert_cost}
        found[name] = OperatingPoint(rule, orjson.Fragment(orjson.dumps(told)))
    return found


def _known(encoder: Any, scorer: Scorer) -> dict[str, frozenset[str]]:
    try:
        pairs = dict(zip(encoder["categorical"], encoder["vocabularies"], strict=True))
        return {name: frozenset(pairs[name]["codes"]) for name in scorer.signature.categorical if name in pairs}
    except (TypeError, KeyError, ValueError):
        raise InputError("encoder.json must list its categorical columns and the vocabulary of each") from None


def _warm(scorer: Scorer, reasons: QuickReasons | None) -> None:
    """The first calls of a graph make its buffers."""
    numbers = np.zeros((1, len(scorer.signature.numeric)), np.float32)
    texts = {name: np.array([[""]], object) for name in scorer.signature.categorical}
    for _ in range(WARM_CALLS):
        scorer.matrix_outputs(numbers, texts, (PROBABILITY,))
        if reasons is not None:
            reasons.of(numbers, texts, scorer, PROBABILITY)
