"""Transactions to point-in-time features, time folds, and the encoder fitted on train."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.encode import fit_encoder
from features.split import Fold, Folds, time_folds
from features.times import time_text
from features.windows.spec import FeatureSpec, feature_spec
from features.windows.window_table import window_features
from pipeline.stages.artifacts.features_report import ClassShares, FeaturesReport, FoldReport, ModelColumns
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import write_text
from pipeline.storage.content import read_table, write_json, write_table


def make_features(context: StageContext) -> str:
    """Write features.parquet, spec.json, encoder.json and report.json.

    The label column holds what may be used: null where a label is unknown or was not known in time for its fold.
    """
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    folds = _folds(transactions, context)
    spec = specification(context, transactions)
    context.reporter.progress(1, 3, f"{len(spec.columns)} columns of {transactions.num_rows:,} rows")
    windows = window_features(transactions, spec=spec, threads=context.threads)
    return write_features(context, transactions, windows, folds, spec)


def make_features_from_windows(context: StageContext, windows: pa.Table) -> str:
    """The same files from windows that were computed before, on these transactions and perhaps on later ones too.

    A window never sees a row later than its own, nor a label that was not available by then, so the windows of the
    rows up to a moment do not depend on the rows after it; folds and encoder do, and are made anew.
    """
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    folds = _folds(transactions, context)
    return write_features(context, transactions, windows, folds, specification(context, transactions))


def specification(context: StageContext, transactions: pa.Table) -> FeatureSpec:
    """The columns to produce from these transactions."""
    ingested = context.ingest_report
    return feature_spec(
        context.config.features,
        columns=transactions.column_names,
        categorical=ingested.categorical,
        numeric=ingested.numeric,
        amount_scale=ingested.amount_scale,
    )


def write_features(
    context: StageContext, transactions: pa.Table, windows: pa.Table, folds: Folds, spec: FeatureSpec
) -> str:
    """Write features.parquet, spec.json, report.json and the encoder fitted on train; one line on what came out."""
    context.reporter.progress(2, 3, "encoder")
    table = _feature_table(transactions, windows, folds)
    settings = context.config.features.encoding
    encoder = fit_encoder(table, numeric=spec.numeric, categorical=spec.categorical, settings=settings)
    write_table(context.out / "features.parquet", table)
    write_text(context.out / "spec.json", spec.to_json())
    write_json(context.out / "encoder.json", encoder.to_dict())
    report = _report(folds, spec, encoder.sizes)
    context.report(report.to_dict())
    _log(context, report)
    counts = ", ".join(f"{fold.name} {fold.rows:,}" for fold in folds.folds)
    return f"{len(spec.numeric)} numeric, {len(spec.categorical)} categorical columns; {counts} rows"


def _folds(transactions: pa.Table, context: StageContext) -> Folds:
    label = pc.fill_null(pc.cast(transactions["label"], pa.float32()), np.nan).to_numpy()
    available = pc.fill_null(pc.cast(transactions["label_available_at"], pa.int64()), 0).to_numpy()
    return time_folds(
        pc.cast(transactions["event_time"], pa.int64()).to_numpy(),
        label,
        available,
        split=context.config.split,
        delay=context.config.labels.delay,
        as_of=context.as_of,
    )


def _feature_table(transactions: pa.Table, windows: pa.Table, folds: Folds) -> pa.Table:
    label = pc.if_else(pa.array(folds.usable), transactions["label"], pa.scalar(None, pa.int8()))
    head = {
        "transaction_id": transactions["transaction_id"],
        "event_time": transactions["event_time"],
        "label": label,
        "fold": pa.array(folds.names(), pa.string()),
    }
    return pa.table(head | {name: windows[name] for name in windows.column_names})


def _report(folds: Folds, spec: FeatureSpec, sizes: tuple[int, ...]) -> FeaturesReport:
    return FeaturesReport(
        columns=ModelColumns(numeric=spec.numeric, categorical=dict(zip(spec.categorical, sizes, strict=True))),
        entities_absent=spec.absent,
        newest_training_row=folds.newest_training_row,
        folds={fold.name: _fold_report(fold) for fold in folds.folds},
    )


def _fold_report(fold: Fold) -> FoldReport:
    legitimate, fraud = (None if np.isnan(share) else share for share in fold.immature_share)
    return FoldReport(
        rows=fold.rows,
        unknown=fold.unknown,
        usable=fold.usable,
        immature=fold.immature,
        start=fold.start,
        end=fold.end,
        deadline=fold.deadline,
        immature_share=ClassShares(legitimate=legitimate, fraud=fraud),
    )


def _log(context: StageContext, report: FeaturesReport) -> None:
    for name, fold in report.folds.items():
        legitimate, fraud = fold.usable
        context.log.metrics({f"{name}_rows": fold.rows, f"{name}_frauds": fraud})
        context.log.tags({f"harbor.{name}": f"{time_text(fold.start)} to {time_text(fold.end)}"})
        context.log.metrics({f"{name}_labelled": legitimate + fraud})
    context.log.artifact("features/spec.json")
    context.log.artifact("features/report.json")
