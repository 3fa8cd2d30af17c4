"""Every row's fold, whether its label is used there, and for how many rows it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.earlier_labels import earlier_labels
from features.split import Folds, label_deadlines, time_folds
from features.windows.spec import FeatureSpec
from pipeline.stages.artifacts.features_report import FoldPolicy, LabelMaturity
from pipeline.stages.features.fold_policies import policy_of, weighed_for_policy
from pipeline.stages.features.full_windows import longest_window, without_cold_rows
from pipeline.stages.features.label_maturity import label_maturity
from pipeline.stages.features.label_weights import LabelTimes, effective_rows, label_weights
from pipeline.stages.stage import StageContext


@dataclass(frozen=True)
class LabelledFolds:
    """The folds, and what their labels are worth.

    Attributes:
        folds: every row's fold, and whether its label may be used there.
        label: float32 [N], as known by the deadline of the row's fold: 0, 1 or NaN.
        weight: float32 [N], for how many rows of its class each usable row stands.
        effective: as how many rows of equal weight the usable rows of each class count, by fold.
        warmup: history that train's rows must have, microseconds.
        full_from: when that much had passed; None where none is asked for.
        maturity: of test's frauds, where the file's own dates must tell.
        policies: by fold what a policy did there; empty where the data has none.
    """

    folds: Folds
    label: np.ndarray
    weight: np.ndarray
    effective: Mapping[str, tuple[float, float]]
    warmup: int
    full_from: int | None
    maturity: LabelMaturity | None
    policies: Mapping[str, FoldPolicy] = field(default_factory=dict)


def labelled_folds(context: StageContext, transactions: pa.Table, spec: FeatureSpec) -> LabelledFolds:
    """Folds in time, less the rows whose windows were not full, with weights for labels that are late or lost."""
    config, newest = context.config, _label_times(transactions)
    split, delay, as_of = config.split, config.labels.delay, context.as_of
    deadlines = label_deadlines(newest.event_time, split=split, delay=delay, as_of=as_of)
    labels = newest.known_by(deadlines)
    folds = time_folds(labels.event_time, labels.label, labels.available_at, split=split, delay=delay, as_of=as_of)
    warmup = config.split.warmup_length(longest_window(spec, label_delay=config.labels.delay))
    warm, full_from = without_cold_rows(folds, event_time=labels.event_time, label=labels.label, warmup=warmup)
    weighed = label_weights(labels, warm, as_of=as_of)
    policy = policy_of(transactions)
    policies: Mapping[str, FoldPolicy] = {}
    if policy is not None:
        weighed, policies = weighed_for_policy(weighed, policy, config.labels)
    return LabelledFolds(
        folds=weighed.folds,
        label=labels.label,
        weight=weighed.weight,
        effective={fold.name: effective_rows(fold.name, labels, weighed) for fold in folds.folds},
        warmup=warmup,
        full_from=full_from,
        maturity=label_maturity(newest, folds.folds[-1]) if as_of is None else None,
        policies=policies,
    )


def _label_times(transactions: pa.Table) -> LabelTimes:
    return LabelTimes(
        label=pc.fill_null(pc.cast(transactions["label"], pa.float32()), np.nan).to_numpy(),
        event_time=pc.cast(transactions["event_time"], pa.int64()).to_numpy(),
        available_at=pc.fill_null(pc.cast(transactions["label_available_at"], pa.int64()), 0).to_numpy(),
        earlier=earlier_labels(transactions),
    )
