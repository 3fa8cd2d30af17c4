"""Calibrators, the hybrid and the temperature comparison, all fitted on the calib fold alone."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from evaluation.selection import sweep_statistics, time_blocks
from features.encode import Matrix
from models.calibration import cross_fitted, fit_calibrator
from models.options import CalibrationConfig
from pipeline.stages.artifacts.calibrate_report import CalibrateReport
from pipeline.stages.artifacts.candidates import (
    Calibration,
    Models,
    RawScores,
    calibrated_probabilities,
    comparison_logits,
    cross_fitted_probabilities,
    fit_calibration,
    raw_scores,
)
from pipeline.stages.artifacts.model_files import load_models
from pipeline.stages.artifacts.tails import tails
from pipeline.stages.stage import StageContext, label_weight
from pipeline.storage.content import write_json, write_table

Arms = dict[tuple[float, str], np.ndarray]


def make_calibration(context: StageContext) -> str:
    """Write calibrators.json, comparison.parquet, crossfitted.parquet, served.parquet and report.json."""
    config = context.config.calibration
    models = load_models(context.run, posterior_floor=config.posterior_floor)
    every = context.features("calib")
    table = every.filter(every["label"].is_valid())
    rows = models.encoder.apply(table)
    context.reporter.progress(1, 3, f"{table.num_rows:,} labelled rows of calib")
    scores = raw_scores(models, rows, threads=context.threads)
    weight = rows.weight.astype(np.float64)
    calibration = fit_calibration(rows.label, scores.log_odds, config=config, weights=weight)
    context.reporter.progress(2, 3, "cross-fitting")
    blocks = time_blocks(rows.time, folds=config.cross_fit_folds)
    candidates = cross_fitted_probabilities(rows.label, scores.log_odds, blocks=blocks, config=config, weights=weight)
    arms = {
        (epsilon, name): cross_fitted(rows.label, logits, method=method, folds=blocks, config=config, weights=weight)
        for epsilon, name, method, logits in comparison_logits(models, scores)
    }
    maps = _comparison_maps(models, scores, rows, config)
    write_json(context.out / "calibrators.json", {**calibration.to_dict(), "comparison": maps})
    write_table(context.out / "comparison.parquet", _comparison(rows, arms, bins=context.config.evaluation.bins))
    write_table(context.out / "crossfitted.parquet", cross_fitted_rows(table, candidates, arms))
    rest = models.encoder.apply(every.filter(every["label"].is_null()))
    unlabelled = raw_scores(models, rest, threads=context.threads)
    write_table(context.out / "served.parquet", served_rows(every, calibration, scores, unlabelled))
    report = calibration_report(calibration, rows, scores)
    context.report(report.to_dict())
    _log(context, calibration, report)
    hybrid = calibration.hybrid
    weights = " + ".join(f"{weight:.2f} {name}" for name, weight in zip(hybrid.members, hybrid.weights, strict=True))
    return f"{config.method} maps on {table.num_rows:,} rows, {int(rows.label.sum()):,} frauds; hybrid {weights}"


def cross_fitted_rows(table: pa.Table, candidates: Mapping[str, np.ndarray], arms: Arms) -> pa.Table:
    """The table of crossfitted.parquet: calib's labelled rows, their weight, and what others' maps say of each.

    Args:
        table: feature rows [M].
        candidates: name to cross-fitted P(fraud) [M].
        arms: smoothing and calibrator to cross-fitted P(fraud) [M].
    """
    columns = {name: table[name] for name in ("transaction_id", "event_time", "label")}
    columns["weight"] = label_weight(table)
    columns |= {name: pa.array(p) for name, p in candidates.items()}
    return pa.table(columns | {f"{epsilon:g}|{name}": pa.array(p) for (epsilon, name), p in arms.items()})


def served_rows(table: pa.Table, calibration: Calibration, labelled: RawScores, unlabelled: RawScores) -> pa.Table:
    """The table of served.parquet: what the maps that serve say of every row of calib, of known label or not.

    Args:
        table: feature rows [N].
        calibration: the maps.
        labelled: of the rows of known label, in their order.
        unlabelled: of the others.
    """
    known = table["label"].is_valid().to_numpy(zero_copy_only=False)
    parts = [(known, labelled), (~known, unlabelled)]
    columns = {name: np.empty(len(table)) for name in (*labelled.log_odds, "hybrid")}
    for mask, scores in parts:
        for name, p in calibrated_probabilities(calibration, scores.log_odds).items():
            columns[name][mask] = p
    return pa.table({"transaction_id": table["transaction_id"]} | {name: pa.array(p) for name, p in columns.items()})


def calibration_report(calibration: Calibration, labelled: Matrix, scores: RawScores) -> CalibrateReport:
    """What report.json says of calib's labelled rows, their maps and their tails [M]."""
    maps = {**calibration.calibrators, "hybrid": calibration.hybrid}
    return CalibrateReport(
        fold="calib",
        rows=len(labelled.label),
        frauds=int(labelled.label.sum()),
        calibrators={name: fitted.to_dict() for name, fitted in maps.items()},
        tail_share=dict(scores.tail_share),
        tails=tails(scores.posteriors, labelled.label, weight=labelled.weight),
        notes=tuple(f"{name}: {fitted.note}" for name, fitted in maps.items() if fitted.note),
    )


def _comparison_maps(
    models: Models, scores: RawScores, rows: Matrix, config: CalibrationConfig
) -> list[dict[str, object]]:
    return [
        {
            "smoothing": epsilon,
            "calibrator": name,
            "map": fit_calibrator(rows.label, logits, method=method, config=config, weights=rows.weight).to_dict(),
        }
        for epsilon, name, method, logits in comparison_logits(models, scores)
    ]


def _comparison(rows: Matrix, arms: Arms, *, bins: int) -> pa.Table:
    """One row an arm: its statistics on calib, cross-fitted."""
    records = [
        {"smoothing": epsilon, "calibrator": name, **sweep_statistics(rows.label, p, bins=bins, weight=rows.weight)}
        for (epsilon, name), p in arms.items()
    ]
    return pa.Table.from_pylist(records)


def _log(context: StageContext, calibration: Calibration, report: CalibrateReport) -> None:
    for note in report.notes:
        context.reporter.warn(note)
    for name, weight in zip(calibration.hybrid.members, calibration.hybrid.weights, strict=True):
        context.log.metrics({f"hybrid_weight_{name}": weight})
    context.log.params({"calibration.method": context.config.calibration.method})
    context.log.artifact("calibrate/calibrators.json")
    context.log.artifact("calibrate/report.json")
