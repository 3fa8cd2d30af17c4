"""What the features stage says: the model's columns, and what stands in each fold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.stages.artifacts.report_files import Time, WrittenReport


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
class FoldReport:
    """One fold: rows with start < event_time <= end, microseconds since 1970.

    Attributes:
        rows: all rows of the fold.
        unknown: rows whose label is not known.
        usable: rows per class (legitimate, fraud) whose label may be used.
        immature: rows per class whose label came after `deadline`.
        deadline: when a label had to be known, microseconds since 1970; None for test, whose labels fit nothing.
        immature_share: immature rows among those of known label, per class.
    """

    rows: int
    unknown: int
    usable: tuple[int, int]
    immature: tuple[int, int]
    start: Annotated[Time, Field(alias="from")]
    end: Annotated[Time, Field(alias="to")]
    deadline: Annotated[Time | None, Field(alias="labels_known_by")]
    immature_share: ClassShares


@dataclass(frozen=True, kw_only=True)
class FeaturesReport(WrittenReport):
    """features/report.json.

    Attributes:
        columns: what the models see.
        entities_absent: entities of [features] whose columns the data lacks, so that they have no windows.
        newest_training_row: event_time of the last row that train fits on, microseconds since 1970.
        folds: by name, in order of time.
    """

    columns: ModelColumns
    entities_absent: tuple[str, ...]
    newest_training_row: Time
    folds: Mapping[str, FoldReport]
