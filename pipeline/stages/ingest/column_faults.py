"""What is wrong with the columns of a source before any row is read: missing, nested, or not the same in all files."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from features.schema.column_plan import ColumnPlan
from features.schema.column_types import unfit
from pipeline.storage.errors import InputError

SHOWN_COLUMNS = 12


@dataclass(frozen=True)
class PlannedFile:
    """One source by the name that messages give it, what its columns are for, and their types.

    `schema` holds what is joined to the file beside its `own` columns.
    """

    place: str
    plan: ColumnPlan
    schema: pa.Schema
    own: tuple[str, ...]


def check_columns(files: Sequence[PlannedFile]) -> None:
    """Stop on columns that must be there, must be flat, and must be the same in all files.

    Raises:
        InputError: every fault of every file.
    """
    faults = [line for file in files for line in (*_missing(file), *_mistyped(file), *_differing(file, files[0]))]
    if faults:
        raise InputError("\n".join(faults))


def _missing(file: PlannedFile) -> list[str]:
    missing = file.plan.missing
    if not missing:
        return []
    others = _quoted(file.plan.ignored[:SHOWN_COLUMNS]) or "none"
    return [
        f"{_columns(len(missing))} missing in {file.place}",
        f"  missing: {_quoted(missing)}; columns that nobody names: {others}",
    ]


def _mistyped(file: PlannedFile) -> list[str]:
    """Columns whose type cannot hold what they are for: a time of day for an amount, a length of time for anything."""
    faults = {
        source: f"  {source!r}: must hold {what}, got {file.schema.field(source).type}"
        for role, source in file.plan.columns.items()
        if source in file.schema.names and (what := unfit(role, file.schema.field(source).type))
    }
    return [f"{_columns(len(faults))} of the wrong type in {file.place}", *faults.values()] if faults else []


def _differing(file: PlannedFile, first: PlannedFile) -> list[str]:
    only = sorted(set(file.plan.columns) ^ set(first.plan.columns))
    if not only or file.plan.missing or first.plan.missing:  # a column that must be there is told as missing already
        return []
    return [
        f"{file.place} and {first.place} must hold the same columns",
        f"  in one of them only: {_quoted(only)}",
    ]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _columns(count: int) -> str:
    return f"{count} column{'s' * (count > 1)}"
