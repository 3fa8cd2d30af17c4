"""Transactions to point-in-time features, time folds, and the encoder fitted on train."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from features.encode import fit_encoder
from features.split import Fold
from features.times import time_text
from features.windows.spec import FeatureSpec, feature_spec
from features.windows.window_table import window_features
from pipeline.stages.artifacts.features_report import (
    ClassShares,
    FeaturesReport,
    FoldReport,
    ModelColumns,
)
from pipeline.stages.features.fold_policies import policy_warnings
from pipeline.stages.features.full_windows import cold_warnings, empty_column_warnings
from pipeline.stages.features.label_maturity import maturity_warnings
from pipeline.stages.features.labelled_folds import LabelledFolds, labelled_folds
from pipeline.stages.features.scarce_frauds import scarce_warnings
from pipeline.stages.stage import StageContext
from pipeline.storage.atomic import write_text
from pipeline.storage.content import read_table, write_json, write_table
from pipeline.storage.errors import InputError, faults_text


def make_features(context: StageContext) -> str:
    """Write features.parquet, spec.json, encoder.json and report.json.

    The label column holds what may be used, as it was known for the row's fold: null where a label is unknown or was
    not known in time, or where the row's windows were not yet full, or where it was blocked. `label_weight` says for
    how many rows each such row stands: of its class, late labels being later for one, and of those like it that a
    policy blocked.
    """
    check_entities(context)
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    spec = specification(context, transactions)
    folds = labelled_folds(context, transactions, spec)
    context.reporter.progress(1, 3, f"{len(spec.columns)} columns of {transactions.num_rows:,} rows")
    windows = window_features(transactions, spec=spec, threads=context.threads)
    return write_features(context, transactions, windows, folds, spec)


def make_features_from_windows(context: StageContext, windows: pa.Table) -> str:
    """The same files from windows that were computed before, on these transactions and perhaps on later ones too.

    A window never sees a row later than its own, nor a label that was not available by then, so the windows of the
    rows up to a moment do not depend on the rows after it; folds and encoder do, and are made anew.
    """
    check_entities(context)
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    spec = specification(context, transactions)
    return write_features(context, transactions, windows, labelled_folds(context, transactions, spec), spec)


def specification(context: StageContext, transactions: pa.Table) -> FeatureSpec:
    """The columns to produce from these transactions; those that are protected are none of them.

    Raises:
        InputError: a protected column is no categorical column of the data.
    """
    ingested, protected = context.ingest_report, context.config.evaluation.protected
    if strange := [name for name in protected if name not in ingested.categorical]:
        held = ", ".join(ingested.categorical) or "none"
        raise InputError(
            f"evaluation.protected must name categorical columns of the data ({held}), got {', '.join(strange)}; "
            "list a source column in data.categorical too"
        )
    return feature_spec(
        context.config.features,
        columns=transactions.column_names,
        categorical=tuple(name for name in ingested.categorical if name not in protected),
        numeric=ingested.numeric,
        amount_scale=ingested.amount_scale,
    )


def write_features(
    context: StageContext, transactions: pa.Table, windows: pa.Table, labelled: LabelledFolds, spec: FeatureSpec
) -> str:
    """Write features.parquet, spec.json, report.json and the encoder fitted on train; one line on what came out."""
    context.reporter.progress(2, 3, "encoder")
    table = _feature_table(transactions, windows, labelled)
    settings = context.config.features.encoding
    encoder = fit_encoder(table, numeric=spec.numeric, categorical=spec.categorical, settings=settings)
    write_table(context.out / "features.parquet", table)
    write_text(context.out / "spec.json", spec.to_json())
    write_json(context.out / "encoder.json", encoder.to_dict())
    report = _report(labelled, spec, encoder.sizes, warnings=tuple(_warnings(labelled, table, spec, transactions)))
    context.report(report.to_dict())
    _log(context, report)
    counts = ", ".join(f"{fold.name} {fold.rows:,}" for fold in labelled.folds.folds)
    return f"{len(spec.numeric)} numeric, {len(spec.categorical)} categorical columns; {counts} rows"


def check_entities(context: StageContext) -> None:
    """Refuse entities that the preset of ingest does not have, before an hour of windows."""
    ingested = context.ingest_report
    known = (*ingested.entities, *ingested.entities_absent)
    if faults := list(context.config.features.entity_faults(known)):
        raise InputError(faults_text(faults, "names, with what was ingested"))


def _feature_table(transactions: pa.Table, windows: pa.Table, labelled: LabelledFolds) -> pa.Table:
    label = pa.array(np.nan_to_num(labelled.label).astype(np.int8), mask=~labelled.folds.usable)
    head = {
        "transaction_id": transactions["transaction_id"],
        "event_time": transactions["event_time"],
        "label": label,
        "label_weight": pa.array(labelled.weight, pa.float32()),
        "fold": pa.array(labelled.folds.names(), pa.string()),
    }
    return pa.table(head | {name: windows[name] for name in windows.column_names})


def _warnings(labelled: LabelledFolds, table: pa.Table, spec: FeatureSpec, transactions: pa.Table) -> Iterator[str]:
    yield from scarce_warnings(labelled.folds, transactions)
    yield from cold_warnings(labelled.folds.folds[0], warmup=labelled.warmup, full_from=labelled.full_from)
    yield from empty_column_warnings(table, spec.numeric)
    yield from maturity_warnings(labelled.maturity)
    yield from policy_warnings(labelled.policies)


def _report(
    labelled: LabelledFolds, spec: FeatureSpec, sizes: tuple[int, ...], *, warnings: tuple[str, ...]
) -> FeaturesReport:
    folds = labelled.folds
    return FeaturesReport(
        columns=ModelColumns(numeric=spec.numeric, categorical=dict(zip(spec.categorical, sizes, strict=True))),
        entities_absent=spec.absent,
        newest_training_row=folds.newest_training_row,
        folds={fold.name: _fold_report(fold, labelled) for fold in folds.folds},
        full_windows_from=labelled.full_from,
        maturity=labelled.maturity,
        warnings=warnings,
    )


def _fold_report(fold: Fold, labelled: LabelledFolds) -> FoldReport:
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
        cold=fold.cold,
        unripe=fold.unripe,
        effective=labelled.effective[fold.name],
        policy=labelled.policies.get(fold.name),
    )


def _log(context: StageContext, report: FeaturesReport) -> None:
    if absent := ", ".join(report.entities_absent):
        context.reporter.warn(f"no windows of {absent}: the feed lacks ids that features.entities names")
    for warning in report.warnings:
        context.reporter.warn(warning)
    for name, fold in report.folds.items():
        legitimate, fraud = fold.usable
        context.log.metrics({f"{name}_rows": fold.rows, f"{name}_frauds": fraud})
        context.log.tags({f"harbor.{name}": f"{time_text(fold.start)} to {time_text(fold.end)}"})
        context.log.metrics({f"{name}_labelled": legitimate + fraud})
    context.log.artifact("features/spec.json")
    context.log.artifact("features/report.json")
