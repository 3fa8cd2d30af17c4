"""What a file of outcomes says of each row beside the features: label, action, amount, probability, time and card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from pipeline.bundle.reading_faults import csv_fault, reading_fault
from pipeline.bundle.score import TRANSACTION_ID, UNREADABLE, delivery_remarks
from pipeline.storage.content import read_table
from pipeline.storage.errors import InputError, faults_text

SUFFIXES = (".parquet", ".csv", ".jsonl")
COLUMN_TYPES = {
    "label": pa.float64(),
    "blocked": pa.float64(),
    "amount": pa.float64(),
    "probability": pa.float64(),
    "approval_probability": pa.float64(),
    TRANSACTION_ID: pa.string(),
    "event_time": pa.string(),
    "card_id": pa.string(),
    "action": pa.string(),
    "label_source": pa.string(),
}
"""Columns that are no features, under the types that a CSV file does not have."""

NUMBER_RULES: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "label": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
    "blocked": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
    "amount": ("a finite number ≥ 0", lambda v: np.isfinite(v) & (v >= 0)),
    "probability": ("a number in [0, 1]", lambda v: (v >= 0) & (v <= 1)),
    "approval_probability": ("a number in [0, 1] or empty", lambda v: np.isnan(v) | ((v >= 0) & (v <= 1))),
}
"""What must hold for every value, in words and as a mask."""
ACTIONS = ("approved", "challenged", "blocked")


@dataclass(frozen=True)
class OutcomeColumns:
    """The columns of an outcome file that are no features; None where the file does not have one.

    Attributes:
        label: 1 fraud, 0 legitimate, NaN not known [N].
        blocked: whether the transaction was stopped [N]: its action is "blocked", or the older column `blocked` is 1.
        challenged: whether it had to be confirmed first [N]; None where the file has no actions.
        approval_probability: with which a policy let it through, NaN where not known [N].
        label_source: who gave the label, in lower case, "" where not said [N].
        amount: in units of the currency [N].
        probability: P(fraud) that somebody gave [N].
        event_time: microseconds since 1970 [N].
        card: a code per card [N].
        remarks: what a reader must know of the file as a delivery.
    """

    label: np.ndarray
    blocked: np.ndarray
    challenged: np.ndarray | None
    approval_probability: np.ndarray | None
    label_source: np.ndarray | None
    amount: np.ndarray | None
    probability: np.ndarray | None
    event_time: np.ndarray | None
    card: np.ndarray | None
    remarks: tuple[str, ...] = ()


def outcome_columns(path: Path) -> OutcomeColumns:
    """The columns of an outcome file.

    Raises:
        InputError: it cannot be read, has no labels or rows, or holds values that cannot be: every fault, counted.
    """
    table = _known_columns(path)
    if "label" not in table.column_names:
        raise InputError(f"{path} must have a column 'label' (0, 1 or empty where not known), but it has none")
    if not table.num_rows:
        raise InputError(f"{path} must have at least one row, got none")
    numbers = {name: _numbers(table[name]) for name in NUMBER_RULES if name in table.column_names}
    times, time_faults = _times(table)
    action, source = (_words(table, name) for name in ("action", "label_source"))
    faults = [*_value_faults(numbers), *time_faults, *_action_faults(action, numbers)]
    if faults:
        raise InputError(faults_text(faults, f"{path} ({table.num_rows:,} rows)"))
    return OutcomeColumns(
        label=numbers["label"],
        blocked=numbers.get("blocked", np.zeros(table.num_rows)) == 1 if action is None else action == "blocked",
        challenged=None if action is None else action == "challenged",
        approval_probability=numbers.get("approval_probability"),
        label_source=source,
        amount=numbers.get("amount"),
        probability=numbers.get("probability"),
        event_time=times,
        card=_card_codes(table),
        remarks=tuple(delivery_remarks(path, table)),
    )


def column_names(path: Path) -> list[str]:
    """The names of all columns of a .parquet, .csv or .jsonl file."""
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    if path.suffix == ".csv":
        with pacsv.open_csv(path) as reader:
            return list(reader.schema.names)
    return list(pajson.read_json(path).column_names)


def _known_columns(path: Path) -> pa.Table:
    if path.suffix not in SUFFIXES:
        raise InputError(f"outcomes must be in a .parquet, .csv or .jsonl file, got {path.name!r}")
    if not path.is_file():
        raise InputError(f"outcomes must be in a file, but {path} is none")
    try:
        return _read(path, [name for name in COLUMN_TYPES if name in column_names(path)])
    except UNREADABLE as error:
        kind = path.suffix.removeprefix(".")
        fault = csv_fault(path, _csv_options(list(COLUMN_TYPES)), error) if kind == "csv" else reading_fault(error)
        raise InputError(f"{path} must be readable as {kind}, but: {fault}") from None


def _read(path: Path, columns: list[str]) -> pa.Table:
    if path.suffix == ".parquet":
        return read_table(path, columns=columns)
    if path.suffix == ".csv":
        return pacsv.read_csv(path, convert_options=_csv_options(columns))
    return pajson.read_json(path).select(columns)


def _csv_options(columns: list[str]) -> pacsv.ConvertOptions:
    return pacsv.ConvertOptions(
        column_types=COLUMN_TYPES, include_columns=columns, include_missing_columns=True, null_values=[""]
    )


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column as float64, NaN where empty. What is no number becomes infinite, which no rule allows."""
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values: np.ndarray = pc.fill_null(pc.cast(column, pa.float64(), safe=False), np.nan).to_numpy()
        return values
    return np.full(len(column), np.inf)


def _times(table: pa.Table) -> tuple[np.ndarray | None, list[str]]:
    """event_time in microseconds since 1970, UTC where no zone is given, and faults."""
    if "event_time" not in table.column_names:
        return None, []
    column = table["event_time"].to_pandas()
    try:
        times = pd.to_datetime(column, utc=True, format="ISO8601" if column.dtype.kind not in "iufM" else None)
    except (ValueError, TypeError, OverflowError):
        return None, ["'event_time': must be ISO 8601 times, got values that are not"]
    missing = int(times.isna().sum())
    if missing or column.dtype.kind in "iuf":
        return None, [f"'event_time': must be ISO 8601 times, got {missing or len(times):,} rows that are not"]
    values: np.ndarray = times.dt.as_unit("us").astype("int64").to_numpy()
    return values, []


def _value_faults(numbers: Mapping[str, np.ndarray]) -> list[str]:
    faults = []
    for name, values in numbers.items():
        rule, holds = NUMBER_RULES[name]
        wrong = int((~holds(values)).sum())
        if wrong:
            faults.append(f"'{name}': must be {rule}, got {wrong:,} rows that are not")
    return faults


def _words(table: pa.Table, name: str) -> np.ndarray | None:
    """A column of words in lower case, "" where empty [N]; None where the file does not have it."""
    if name not in table.column_names:
        return None
    text = pc.utf8_lower(pc.utf8_trim_whitespace(table[name].cast(pa.string())))
    words: np.ndarray = pc.fill_null(text, "").to_numpy().astype(str)
    return words


def _action_faults(action: np.ndarray | None, numbers: Mapping[str, np.ndarray]) -> list[str]:
    """Actions that are none, an older `blocked` that says otherwise, and rows let through that had no chance to be."""
    stopped = numbers["blocked"] == 1 if "blocked" in numbers else np.zeros(len(numbers["label"]), np.bool_)
    counted = {}
    if action is not None:
        counted[f"'action': must be {', '.join(ACTIONS)} or empty"] = ~np.isin(action, ("", *ACTIONS))
        if "blocked" in numbers:
            counted["'blocked': must say what 'action' says where a file has both"] = stopped != (action == "blocked")
        stopped = action == "blocked"
    if "approval_probability" in numbers:
        rule = "'approval_probability': must be above 0 where the row was not blocked"
        counted[rule] = (numbers["approval_probability"] == 0) & ~stopped
    return [f"{rule}, got {int(wrong.sum()):,} rows where not" for rule, wrong in counted.items() if wrong.any()]


def _card_codes(table: pa.Table) -> np.ndarray | None:
    if "card_id" not in table.column_names:
        return None
    codes: np.ndarray = pd.factorize(table["card_id"].to_pandas())[0].astype(np.int64)
    return codes
