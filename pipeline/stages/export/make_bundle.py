"""The bundle for serving, checked against the Python path on rows no fit has seen."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation.report.operating_points import EXPECTED_LOSS
from features.times import time_text
from features.windows.spec import FeatureSpec
from pipeline.bundle.golden import Parity
from pipeline.bundle.manifest import signing_key
from pipeline.bundle.twin import TWIN
from pipeline.stages.artifacts.candidates import Calibration, Models, calibrated_probabilities, raw_scores
from pipeline.stages.artifacts.evaluate_report import GateReport
from pipeline.stages.artifacts.model_files import load_calibration, load_models, load_saved_models
from pipeline.stages.artifacts.refit_report import RefitReport, read_refit
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.stages.export.build import BundleContents, ParityError, ReasonContents, TwinContents, build_bundle
from pipeline.stages.export.graph.scoring_graph import PROBABILITY, GraphParts
from pipeline.stages.export.graph_parts import graph_parts
from pipeline.stages.export.online_state import write_online_state
from pipeline.stages.export.reason_groups import reason_groups
from pipeline.stages.fingerprint import library_versions
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json


def make_bundle(context: StageContext) -> str:
    """Write the bundle folder, the state beside it, and report.json."""
    export = context.config.export
    told = read_refit(context.path("refit", "report.json").parent)
    problem, state = "", write_online_state(context) if export.state else None
    try:
        parity = _written_bundle(context, _bundle_contents(context, told))
    except ParityError as error:
        if not told.refitted:
            raise
        problem = f"the refit was held back: {error}"
        context.reporter.warn(problem)
        shutil.rmtree(context.out / "bundle")
        told = replace(told, ships="judged", reasons=(problem,), refit_seen_until=None)
        parity = _written_bundle(context, _bundle_contents(context, told))
    context.report(
        {
            "parity": parity.to_dict(),
            "candidate": export.candidate,
            "ships": told.ships,
            "problem": problem or None,
            "state": state,
        }
    )
    flipped = max(parity.flipped.values(), default=0)
    context.log.metrics({"parity_rows": parity.rows, "parity_flipped": flipped})
    context.log.artifact("export/bundle/manifest.json", folder="bundle")
    context.log.artifact("export/bundle/thresholds.json", folder="bundle")
    size = sum(path.stat().st_size for path in (context.out / "bundle").rglob("*") if path.is_file())
    return (
        f"bundle of {size / 1e6:.1f} MB; graph and Python path agree on {parity.rows:,} rows, "
        f"{flipped} with a flipped tree"
    )


def _written_bundle(context: StageContext, contents: BundleContents) -> Parity:
    export = context.config.export
    context.reporter.progress(2, 3, "graph")
    bundle = context.out / "bundle"
    bundle.mkdir()
    key = signing_key(export.sign_key_env)
    return build_bundle(bundle, contents, config=export, threads=context.threads, key=key)


@dataclass(frozen=True)
class _Model:
    """A model that can be shipped: its parts, the fraud rate it was fitted at, and its operating points."""

    models: Models
    calibration: Calibration
    prevalence: float
    thresholds: Mapping[str, Any]

    def parts(self, shipped: str) -> GraphParts:
        return graph_parts(self.models, self.calibration, shipped=shipped)

    def expected(self, table: pa.Table, *, threads: int) -> dict[str, np.ndarray]:
        """What the Python path says of rows [N], by candidate."""
        scores = raw_scores(self.models, self.models.encoder.apply(table), threads=threads)
        return calibrated_probabilities(self.calibration, scores.log_odds)


def _judged_model(context: StageContext) -> _Model:
    return _Model(
        load_models(context.run, posterior_floor=context.config.calibration.posterior_floor),
        load_calibration(context.run),
        TrainReport.read(context.path("train", "report.json")).prevalence,
        read_json(context.path("evaluate", "thresholds.json")),
    )


def _refitted_model(context: StageContext) -> _Model:
    folder = context.path("refit", "report.json").parent
    return _Model(
        load_saved_models(folder, posterior_floor=context.config.calibration.posterior_floor),
        Calibration.from_dict(read_json(folder / "calibrators.json")),
        float(read_json(folder / "fitted.json")["prevalence"]),
        read_json(folder / "thresholds.json"),
    )


def _bundle_contents(context: StageContext, told: RefitReport) -> BundleContents:
    """What goes into the bundle: the refit with its judged twin, or the judged model alone."""
    judged, shipped = _judged_model(context), context.config.export.candidate
    model = _refitted_model(context) if told.refitted else judged
    spec = FeatureSpec.from_json(context.path("features", "spec.json").read_text(encoding="utf-8"))
    table, train = context.features("test", labels=False), context.features("train")
    context.reporter.progress(1, 3, f"Python path on {table.num_rows:,} rows")
    twin = None
    if told.refitted:
        expected = judged.expected(table, threads=context.threads)[shipped]
        twin = TwinContents(judged.parts(shipped), judged.models.encoder.to_dict(), judged.thresholds, expected)
    return BundleContents(
        parts=model.parts(shipped),
        encoder=model.models.encoder.to_dict(),
        features=spec.to_json(),
        rows=table.select([*spec.numeric, *spec.categorical]),
        expected=model.expected(table, threads=context.threads),
        optional=_optional(train, spec),
        thresholds=model.thresholds,
        model_card=context.path("refit", "model_card.md").read_text(encoding="utf-8"),
        record=_record(context, model, told),
        twin=twin,
        reasons=ReasonContents(reason_groups(spec), train),
    )


def _optional(train: pa.Table, spec: FeatureSpec) -> frozenset[str]:
    """Columns that were missing in some row of train, so that a request may leave them out."""
    missing = set()
    for name in (*spec.numeric, *spec.categorical):
        column = train[name]
        nan = name in spec.numeric and bool(np.isnan(column.to_numpy().astype(np.float64)).any())
        if column.null_count or nan:
            missing.add(name)
    return frozenset(missing)


def _record(context: StageContext, model: _Model, told: RefitReport) -> dict[str, Any]:
    """What the manifest says of the run: data, versions, how the network was trained, folds and the verdict."""
    folds = context.features_report.folds
    gate = GateReport.read(context.path("evaluate", "report.json")).gate
    head = model.models.heads["mlp"]
    refit_seen = told.refit_seen_until if told.refitted else None
    seen_until = max(folds["calib"].end, refit_seen or 0)
    plugins = FeatureSpec.from_json(context.path("features", "spec.json").read_text(encoding="utf-8")).plugins
    return {
        **({"plugins": list(plugins)} if plugins else {}),
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
            "weights": list(head.loss.weights(model.prevalence)),
        },
        "threshold": model.thresholds["points"]["alert_budget"]["threshold"],
        "policy": _policy(model.thresholds),
        "folds": {
            name: {"from": time_text(folds[name].start), "to": time_text(folds[name].end)}
            for name in ("train", "valid", "calib")
        },
        "seen_until": time_text(seen_until),
        "seen_until_microseconds": seen_until,
        "judged": {"output": TWIN if told.refitted else PROBABILITY, **_seen(folds["calib"].end)},
        "refit": None if refit_seen is None else _seen(refit_seen),
        "refit_reasons": list(told.reasons),
        "gate": {"passed": gate.passed, "reasons": list(gate.reasons)},
    }


def _policy(thresholds: Mapping[str, Any]) -> dict[str, Any] | None:
    """The operating point that has a policy in place of a threshold, and its costs; None where a run has none."""
    point = thresholds["points"].get(EXPECTED_LOSS)
    return (
        None if point is None else {"point": EXPECTED_LOSS, **{name: point[name] for name in ("policy", "alert_cost")}}
    )


def _seen(until: int) -> dict[str, Any]:
    return {"seen_until": time_text(until), "seen_until_microseconds": until}
