"""What the features stage says: the model's columns, and what stands in each fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pipeline.stages.artifacts.report_files import Time, WrittenReport

COMPLETE = 0.95
"""Share of test's frauds that must be thought reported for no warning to be given."""


@dataclass(frozen=True, kw_only=True)
class ModelColumns:
    """Names of the numeric columns, and per categorical column the number of its codes."""

    numeric: tuple[str, ...]
    categorical: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class ClassShares:
    """A share of each class; None where the class has no row."""

    legitimate: float | None
    fraud: float | None


@dataclass(frozen=True, kw_only=True)
class FoldPolicy:
    """What a policy did in one fold.

    Attributes:
        blocked: rows that were blocked, whose label nobody knows.
        without_support: those of them that had no known chance to be let through.
        explored: usable rows that were let through with a probability below 1: they stand for others.
        capped: usable rows whose weight the cap made smaller.
        cut_share: share of the weight of the usable rows that the cap took away.
    """

    blocked: int
    without_support: int
    explored: int
    capped: int
    cut_share: float


@dataclass(frozen=True, kw_only=True)
class FoldReport:
    """One fold: rows with start < event_time <= end, microseconds since 1970.

    Attributes:
        rows: all rows of the fold.
        unknown: rows whose label is not known.
        usable: rows per class (legitimate, fraud) whose label may be used.
        immature: rows per class whose label came after `deadline`.
        deadline: when a label had to be known, microseconds since 1970; None for test, whose labels fit nothing.
        immature_share: immature rows among those of known label, per class.
        cold: rows per class that are not usable because their windows were not yet full.
        unripe: rows per class that are not usable because too few labels of their age were known by the deadline.
        effective: (Σ w)² / Σ w² of the usable rows per class, w being their label weights.
        policy: what a policy did to the fold; None where the data has none.
    """

    rows: int
    unknown: int
    usable: tuple[int, int]
    immature: tuple[int, int]
    start: Annotated[Time, Field(alias="from")]
    end: Annotated[Time, Field(alias="to")]
    deadline: Annotated[Time | None, Field(alias="labels_known_by")]
    immature_share: ClassShares
    cold: tuple[int, int] = (0, 0)
    unripe: tuple[int, int] = (0, 0)
    effective: tuple[float, float] = (0.0, 0.0)
    policy: FoldPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class LabelMaturity:
    """What the file's own report dates say of the frauds of test.

    Attributes:
        moment: up to when the file is taken to know, microseconds since 1970.
        reported: share of test's frauds that is thought to be in it; None where test has no age at which a fifth of the
            frauds is known: the known ones would stand for too many.
        reported_at_most: upper end of its 95 % interval, None alike.
        complete_after_days: days after which 95 % of the frauds are reported.
    """

    moment: Time
    reported: float | None
    reported_at_most: float | None
    complete_after_days: float

    @property
    def complete(self) -> bool:
        """Whether it may hold so many that the rest is no matter: less would have to be more than chance.

        A test too young to tell is not complete.
        """
        return self.reported_at_most is not None and self.reported_at_most >= COMPLETE


@dataclass(frozen=True, kw_only=True)
class FeaturesReport(WrittenReport):
    """features/report.json.

    Attributes:
        columns: what the models see.
        entities_absent: entities of [features] whose columns the data lacks, so that they have no windows.
        newest_training_row: event_time of the last row that train fits on, microseconds since 1970.
        folds: by name, in order of time.
        full_windows_from: when every window is full, microseconds since 1970; None where nothing was asked for.
        maturity: of test's frauds; None with an as-of moment, or where too few frauds have report dates of their own.
        warnings: what a reader must know of windows and labels, in words.
    """

    columns: ModelColumns
    entities_absent: tuple[str, ...]
    newest_training_row: Time
    folds: Mapping[str, FoldReport]
    full_windows_from: Time | None = None
    maturity: LabelMaturity | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What the file holds; a fold's policy is there only where the data has one."""
        content = super().to_dict()
        for fold in content["folds"].values():
            if fold["policy"] is None:
                del fold["policy"]
        return content
