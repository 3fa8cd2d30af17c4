"""Every row's fold, whether its label is used there, and for how many rows it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.earlier_labels import earlier_labels
from features.errors import InputError
from features.fold_layout import Asked, LabelledTimes
from features.split import Folds, label_deadlines, time_folds
from features.windows.spec import FeatureSpec
from pipeline.config import Config
from pipeline.stages.artifacts.features_report import FoldPolicy, LabelMaturity
from pipeline.stages.features.fitting_layout import layout_proposal
from pipeline.stages.features.fold_policies import policy_of, weighed_for_policy
from pipeline.stages.features.full_windows import longest_window, without_cold_rows
from pipeline.stages.features.label_maturity import label_maturity
from pipeline.stages.features.label_weights import LabelTimes, LabelWeights, effective_rows, label_weights
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
    """Folds in time, less the rows whose windows were not full, with weights for labels that are late or lost.

    Raises:
        InputError: the history does not fill the folds; with a layout that it would fill.
    """
    config, newest, as_of = context.config, _label_times(transactions), context.as_of
    deadlines = label_deadlines(newest.event_time, split=config.split, delay=config.labels.delay, as_of=as_of)
    labels = newest.known_by(deadlines)
    warmup = config.split.warmup_length(longest_window(spec, label_delay=config.labels.delay))
    try:
        folds, full_from, weighed = _weighed_folds(labels, config, warmup=warmup, as_of=as_of)
    except InputError as error:
        rows = LabelledTimes(newest.event_time, newest.label, newest.available_at)
        proposal = layout_proposal(rows, config.features, Asked(config.labels.delay, warmup, as_of))
        raise InputError(f"{error}\n{proposal}") from error
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


def _weighed_folds(
    labels: LabelTimes, config: Config, *, warmup: int, as_of: int | None
) -> tuple[Folds, int | None, LabelWeights]:
    """All folds, from when on windows were full, and the rows of known weight that this leaves."""
    times = (labels.event_time, labels.label, labels.available_at)
    folds = time_folds(*times, split=config.split, delay=config.labels.delay, as_of=as_of)
    warm, full_from = without_cold_rows(folds, event_time=labels.event_time, label=labels.label, warmup=warmup)
    return folds, full_from, label_weights(labels, warm, as_of=as_of)


def _label_times(transactions: pa.Table) -> LabelTimes:
    return LabelTimes(
        label=pc.fill_null(pc.cast(transactions["label"], pa.float32()), np.nan).to_numpy(),
        event_time=pc.cast(transactions["event_time"], pa.int64()).to_numpy(),
        available_at=pc.fill_null(pc.cast(transactions["label_available_at"], pa.int64()), 0).to_numpy(),
        earlier=earlier_labels(transactions),
    )
