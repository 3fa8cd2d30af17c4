"""The rows of a stretch of time with the labels that were known at a moment, each standing for those still missing.

A row counts 1 / P(its label is known | class, age), from the delays that could be seen at that moment. Ages at which a
row would have to stand for more than `most` are left out, of both classes: capping the weight of one class instead
would move the level, and leaving out one class would make the age a sign of the other.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.statistics.approval import approval_weights
from evaluation.statistics.label_delay import fit_label_curves
from features.earlier_labels import EarlierLabels, earlier_labels
from pipeline.stages.stage import StageContext
from pipeline.storage.content import read_table

HIDDEN = ("label", "label_weight", "fold")
"""Columns of the features that say what another fold's deadline let be seen."""


@dataclass(frozen=True)
class Stretch:
    """Rows with start < event_time <= end, and the moment whose labels count; None where every label is known."""

    start: int
    end: int
    deadline: int | None


@dataclass(frozen=True)
class KnownRows:
    """All rows of a stretch.

    Attributes:
        table: features, `label` where it may be used, and `label_weight` [N].
        first: place of the first row in the file.
        usable: whose label may be used [N].
    """

    table: pa.Table
    first: int
    usable: np.ndarray

    @property
    def labelled(self) -> pa.Table:
        """The rows whose label may be used [M]."""
        return self.table.filter(pa.array(self.usable))

    @property
    def frauds(self) -> int:
        """How many of those are frauds."""
        return int(pc.sum(self.labelled["label"]).as_py() or 0)


@dataclass(frozen=True)
class History:
    """Every row of the file in order of its time.

    Attributes:
        features: the feature table, without what folds made of its labels [N].
        label: 0, 1 or NaN where it is not known at the moment of the run [N].
        event_time: microseconds since 1970 [N].
        available_at: likewise, 0 where the label is not known [N].
        approval: probability with which a policy let the row through, NaN where not known [N]; None without a policy.
        warm_from: rows before this had windows that were not yet full, and no fit learns from them.
        as_of: the moment of the run; None where the file is history.
        most: how many rows of its class a row may stand for.
        earlier: labels that others took the place of; None where none did.
    """

    features: pa.Table
    label: np.ndarray
    event_time: np.ndarray
    available_at: np.ndarray
    approval: np.ndarray | None
    warm_from: int
    as_of: int | None
    most: float
    earlier: EarlierLabels | None = None

    @cached_property
    def now(self) -> int:
        """The moment of the run, or of the last row where the file is history."""
        return int(self.event_time[-1]) if self.as_of is None else self.as_of

    def rows(self, stretch: Stretch, *, approval_cap: float, learning: bool) -> KnownRows:
        """The rows of a stretch, those with a usable label marked and weighed.

        Args:
            stretch: which, and what was known.
            approval_cap: how many rows a row may stand for that a policy let through with a small probability.
            learning: a fit will learn from them: cold rows are left out, and weights of approval have a mean of 1.
        """
        first, last = (
            int(np.searchsorted(self.event_time, each, side="right")) for each in (stretch.start, stretch.end)
        )
        inside = slice(first, last)
        known = self._known_by(stretch.deadline)
        usable, weight = known._label_weights(inside, stretch.deadline)
        if learning:
            usable &= self.event_time[inside] >= self.warm_from
        if self.approval is not None:
            factor = approval_weights(self.approval[inside], cap=approval_cap).weight
            weight *= factor / (factor[usable].mean() if learning and usable.any() else 1.0)
        table = self.features.slice(first, last - first)
        label = np.where(usable, np.nan_to_num(known.label[inside]), 0).astype(np.int8)
        table = table.append_column("label", pa.array(label, mask=~usable))
        return KnownRows(table.append_column("label_weight", pa.array(weight.astype(np.float32))), first, usable)

    def _known_by(self, deadline: int | None) -> Self:
        """With each label as it was known by a moment, where another stood there then."""
        if self.earlier is None or deadline is None:
            return self
        label, available_at = self.earlier.known_by(deadline, self.label, self.available_at)
        return replace(self, label=label, available_at=available_at)

    def _label_weights(self, inside: slice, deadline: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Which rows have a label that may be used, and for how many of its class each stands."""
        label, time = self.label[inside], self.event_time[inside]
        known = np.isfinite(label)
        if deadline is None:
            return known, np.ones(len(label))
        curves = fit_label_curves(self.label, self.event_time, self.available_at, deadline=deadline)
        age = (deadline - time).astype(np.float64)
        legitimate, fraud = (curves.known_share(value, age) for value in (False, True))
        ripe = np.minimum(legitimate, fraud) >= 1.0 / self.most
        usable = known & (self.available_at[inside] <= deadline) & ripe
        share = np.where(label == 1, fraud, legitimate)
        return usable, 1.0 / np.where(usable, share, 1.0)


def read_history(context: StageContext, *, most: float) -> History:
    """Every row of the run with every label that is known; `most` as `History` has it."""
    labels = context.all_labels()
    table = read_table(context.path("features", "features.parquet"))
    policy = labels["approval_probability"] if "approval_probability" in labels.column_names else None
    return History(
        features=table.drop_columns([name for name in HIDDEN if name in table.column_names]),
        label=pc.fill_null(pc.cast(labels["label"], pa.float32()), np.nan).to_numpy(),
        event_time=pc.cast(labels["event_time"], pa.int64()).to_numpy(),
        available_at=pc.fill_null(pc.cast(labels["label_available_at"], pa.int64()), 0).to_numpy(),
        approval=None if policy is None else pc.fill_null(pc.cast(policy, pa.float64()), np.nan).to_numpy(),
        warm_from=context.features_report.full_windows_from or 0,
        as_of=context.as_of,
        most=most,
        earlier=earlier_labels(labels),
    )
