"""What only the pipeline knows about a run, for the report and the model card."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.times import DAY, duration_text, time_text
from pipeline.stages.artifacts.calibrate_report import CalibrateReport
from pipeline.stages.artifacts.candidates import Calibration, Models
from pipeline.stages.artifacts.features_report import FeaturesReport, FoldReport
from pipeline.stages.artifacts.ingest_report import IngestReport
from pipeline.stages.artifacts.train_report import TrainReport
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_json


def run_description(context: StageContext, models: Models) -> dict[str, Any]:
    """What the report tells of the run itself: what was trained on, when, and how it is put together."""
    features = context.features_report
    newest = features.newest_training_row
    selected = models.heads["mlp"]
    prevalence = TrainReport.read(context.path("train", "report.json")).prevalence
    return {
        "name": Path(context.config.data.preset).stem,
        "harbor_version": version("harbor-fraud"),
        "data_digest": context.ingest_report.digest[:16],
        "as_of": None if context.as_of is None else time_text(context.as_of),
        "newest_training_row": time_text(newest),
        "training_row_age": _age(features.folds["test"].end - newest),
        "train_prevalence": prevalence,
        "class_weights": list(selected.loss.weights(prevalence)),
        "smoothing": {
            "convention": selected.loss.convention,
            "configured": selected.loss.smoothing,
            "torch": selected.loss.epsilon,
            "anchor": selected.loss.anchor,
        },
        "columns": {
            "numeric": len(features.columns.numeric),
            "categorical": len(features.columns.categorical),
        },
        "booster": {"trees": models.booster.best_round, "columns": len(models.booster.columns)},
        "training_labels": context.config.labels.model_dump(mode="json", include={"delay"}),
    }


def run_notes(context: StageContext) -> Iterator[tuple[str, str]]:
    """Remarks for the reader as (topic, sentence)."""
    features = context.features_report
    yield from _data_notes(context.ingest_report)
    yield "data", _folds_note(context.ingest_report.accepted, features.folds)
    yield from _label_notes(features.folds)
    yield from _maturity_notes(context.as_of, features)
    for warning in features.warnings:
        yield "features", f"{warning[:1].upper()}{warning[1:]}."
    if features.entities_absent:
        yield "data", f"No columns for {', '.join(features.entities_absent)}, so no windows over them."
    for note in TrainReport.read(context.path("train", "report.json")).notes:
        yield "training", f"{note[:1].upper()}{note[1:]}."
    for note in CalibrateReport.read(context.path("calibrate", "report.json")).notes:
        yield "calibration", f"{note}."
    yield "calibration", _hybrid_note(context)


def _data_notes(ingest: IngestReport) -> Iterator[tuple[str, str]]:
    yield (
        "data",
        f"{ingest.rows_in:,} rows in, {ingest.accepted:,} accepted, {ingest.quarantined:,} quarantined.",
    )
    for name, table in ingest.tables.items():
        yield "data", f"{name} is {table}."
    columns = ingest.columns
    dropped = [*columns.dropped_leaks, *columns.dropped_personal]
    if dropped:
        yield "leak", f"Dropped on reading: {', '.join(dropped)}."
    if columns.ignored:
        yield "data", f"Source columns that nobody named and nothing used: {', '.join(columns.ignored)}."
    for warning in ingest.warnings:
        yield "data", f"{warning[:1].upper()}{warning[1:]}."


def _folds_note(accepted: int, folds: Mapping[str, FoldReport]) -> str:
    """How many rows are judged or learned from, and what the others are for."""
    inside = sum(fold.rows for fold in folds.values())
    if inside == accepted:
        return f"All {accepted:,} accepted rows are in folds."
    return (
        f"{inside:,} of {accepted:,} accepted rows are in folds. The other {accepted - inside:,} are not lost: windows "
        "look back on those before train and in the gaps, in which labels were still coming; those after test are "
        "scored for the shadow table, and a refit learns from all of them whose labels are known."
    )


def _hybrid_note(context: StageContext) -> str:
    """Of what the hybrid is made."""
    hybrid = Calibration.from_dict(read_json(context.path("calibrate", "calibrators.json"))).hybrid
    parts = [f"{weight:.2f} × {name}" for name, weight in zip(hybrid.members, hybrid.weights, strict=True)]
    return f"The hybrid's log odds are {' + '.join(parts)} of the members' calibrated log odds, fitted on calib."


def _label_notes(folds: Mapping[str, FoldReport]) -> Iterator[tuple[str, str]]:
    for name, fold in folds.items():
        share = fold.immature_share
        if fold.deadline is not None and (share.fraud or share.legitimate):
            yield (
                "labels",
                f"In {name}, {share.fraud or 0:.1%} of the frauds and {share.legitimate or 0:.1%} of the legitimate "
                f"rows were left out because their labels came after {time_text(fold.deadline)}.",
            )
        yield from _weight_notes(name, fold)
        if fold.unknown:
            yield "labels", f"In {name}, {fold.unknown:,} of {fold.rows:,} rows have no known label."


def _weight_notes(name: str, fold: FoldReport) -> Iterator[tuple[str, str]]:
    """What rows of known label were left out beside the late ones, and what the weights of the others cost."""
    if sum(fold.cold):
        yield (
            "features",
            f"In {name}, {sum(fold.cold):,} rows ({fold.cold[1]:,} frauds) were not fitted on because their windows "
            "were not yet full.",
        )
    if sum(fold.unripe):
        yield (
            "labels",
            f"In {name}, {sum(fold.unripe):,} rows ({fold.unripe[1]:,} frauds) were left out because fewer than a "
            "fifth of the labels of their age were known in time.",
        )
    rows, frauds = fold.usable[1], fold.effective[1]
    if frauds and frauds < rows - 0.5:
        yield (
            "labels",
            f"In {name}, each row stands for those of its class and age whose labels came too late, as if lateness did "
            f"not depend on the features; its {rows:,} frauds say as much as {frauds:,.0f} of equal weight.",
        )


def _maturity_notes(as_of: int | None, features: FeaturesReport) -> Iterator[tuple[str, str]]:
    """How much of test's fraud is thought to be in a file that names no moment up to which it knows.

    Where that is too little, a warning of the features stage says it.
    """
    if as_of is not None:
        return
    maturity = features.maturity
    if maturity is None:
        yield (
            "labels",
            "Too few frauds have report dates of their own and no as-of moment was given, so nothing can be said of "
            "whether all frauds of test have been reported.",
        )
    elif maturity.reported is not None and maturity.complete:
        yield (
            "labels",
            f"{maturity.reported:.0%} of the frauds of test are thought to be reported, as the file's own dates up to "
            f"{time_text(maturity.moment)} go.",
        )


def _age(microseconds: int) -> str:
    days = microseconds / DAY
    return f"{days:.1f} days before the end of test" if days >= 1 else duration_text(microseconds)
