"""The bundle for serving, checked against the Python path on rows no fit has seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.times import time_text
from features.windows.spec import FeatureSpec
from pipeline.bundle.manifest import signing_key
from pipeline.stages.artifacts.candidates import Models, calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.evaluate_report import GateReport
from pipeline.stages.artifacts.model_files import load_calibration, load_models
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.stages.export.build import BundleContents, build_bundle
from pipeline.stages.export.graph_parts import graph_parts
from pipeline.stages.fingerprint import library_versions
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json


def make_bundle(context: StageContext) -> str:
    """Write the bundle folder and report.json."""
    export = context.config.export
    contents = _bundle_contents(context)
    context.reporter.progress(2, 3, "graph")
    bundle = context.out / "bundle"
    bundle.mkdir()
    parity = build_bundle(
        bundle, contents, config=export, threads=context.threads, key=signing_key(export.sign_key_env)
    )
    context.report({"parity": parity.to_dict(), "candidate": export.candidate})
    flipped = max(parity.flipped.values(), default=0)
    context.log.metrics({"parity_rows": parity.rows, "parity_flipped": flipped})
    context.log.artifact("export/bundle/manifest.json", folder="bundle")
    context.log.artifact("export/bundle/thresholds.json", folder="bundle")
    size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    return (
        f"bundle of {size / 1e6:.1f} MB; graph and Python path agree on {parity.rows:,} rows, "
        f"{flipped} with a flipped tree"
    )


def _bundle_contents(context: StageContext) -> BundleContents:
    models = load_models(context.run, posterior_floor=context.config.calibration.posterior_floor)
    calibration = load_calibration(context.run)
    spec = FeatureSpec.from_json(context.path("features", "spec.json").read_text(encoding="utf-8"))
    table = context.features("test", labels=False)
    context.reporter.progress(1, 3, f"Python path on {table.num_rows:,} rows")
    scores = raw_scores(models, models.encoder.apply(table), threads=context.threads)
    thresholds = read_json(context.path("evaluate", "thresholds.json"))
    return BundleContents(
        parts=graph_parts(models, calibration, shipped=context.config.export.candidate),
        encoder=models.encoder.to_dict(),
        features=spec.to_json(),
        rows=table.select([*spec.numeric, *spec.categorical]),
        expected=calibrated_probabilities(calibration, scores.log_odds),
        optional=_optional(context, spec),
        thresholds=thresholds,
        model_card=context.path("evaluate", "model_card.md").read_text(encoding="utf-8"),
        record=_record(context, models, thresholds),
    )


def _optional(context: StageContext, spec: FeatureSpec) -> frozenset[str]:
    """Columns that were missing in some row of train, so that a request may leave them out."""
    train = context.features("train", labels=False)
    missing = set()
    for name in (*spec.numeric, *spec.categorical):
        column = train[name]
        nan = name in spec.numeric and bool(np.isnan(column.to_numpy().astype(np.float64)).any())
        if column.null_count or nan:
            missing.add(name)
    return frozenset(missing)


def _record(context: StageContext, models: Models, thresholds: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of the run: data, versions, how the network was trained, folds and the verdict."""
    folds = context.features_report.folds
    gate = GateReport.read(context.path("evaluate", "report.json")).gate
    head = models.heads["mlp"]
    prevalence = TrainReport.read(context.path("train", "report.json")).prevalence
    return {
        "run": {"as_of": context.as_of, "data": context.ingest_report.digest},
        "versions": library_versions(),
        "smoothing": {
            "epsilon": head.loss.epsilon,
            "convention": head.loss.convention,
            "as_configured": head.loss.smoothing,
            "prior": head.loss.prior,
        },
        "class_weight": {
            "name": head.class_weight,
            "weighting": head.loss.weighting,
            "ratio": head.loss.ratio,
            "weights": list(head.loss.weights(prevalence)),
        },
        "threshold": thresholds["points"]["alert_budget"]["threshold"],
        "folds": {
            name: {"from": time_text(folds[name].start), "to": time_text(folds[name].end)}
            for name in ("train", "valid", "calib")
        },
        "seen_until": time_text(folds["calib"].end),
        "seen_until_microseconds": folds["calib"].end,
        "gate": {"passed": gate.passed, "reasons": list(gate.reasons)},
    }
