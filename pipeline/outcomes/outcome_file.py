"""What a file of outcomes says of each row beside the features: label, action, amount, probability, time and card."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.column_text import decoded, text_values
from features.schema.column_types import unfit
from features.schema.event_times import instants
from features.schema.faults import marked_rows
from features.schema.instants import NOT_A_TIME
from features.schema.number_text import NumberFormat, read_numbers
from features.schema.time_column import TimeColumn
from features.schema.values import binary_labels
from pipeline.bundle.score import TRANSACTION_ID, repeat_remarks
from pipeline.reading.whole_table import file_columns, row_file, whole_table
from pipeline.storage.errors import InputError, faults_text

COLUMNS = (
    TRANSACTION_ID,
    "label",
    "blocked",
    "amount",
    "probability",
    "judged",
    "approval_probability",
    "event_time",
    "card_id",
    "action",
    "label_source",
)
"""Columns that are no features."""
YES, NO = ("1", "true"), ("0", "false")
"""Texts of what is so and what is not, in any case, as they are in a preset that says nothing else."""

NUMBER_RULES: Mapping[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "label": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
    "blocked": ("0, 1 or empty", lambda v: np.isnan(v) | (v == 0) | (v == 1)),
    "amount": ("a finite number ≥ 0", lambda v: np.isfinite(v) & (v >= 0)),
    "probability": ("a number in [0, 1]", lambda v: (v >= 0) & (v <= 1)),
    "judged": ("a number in [0, 1]", lambda v: (v >= 0) & (v <= 1)),
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
        judged: P(fraud) of the judged twin that somebody gave [N].
        event_time: microseconds since 1970 [N].
        card: a code per card, the same in every file [N].
        remarks: what a reader must know of the file as a delivery.
    """

    label: np.ndarray
    blocked: np.ndarray
    challenged: np.ndarray | None
    approval_probability: np.ndarray | None
    label_source: np.ndarray | None
    amount: np.ndarray | None
    probability: np.ndarray | None
    judged: np.ndarray | None
    event_time: np.ndarray | None
    card: np.ndarray | None
    remarks: tuple[str, ...] = ()


def outcome_columns(path: Path) -> OutcomeColumns:
    """The columns of an outcome file, each value read as ingest reads it.

    Raises:
        InputError: it cannot be read, has no labels or rows, or holds values that cannot be: every fault, counted.
    """
    table = _known_columns(path)
    if "label" not in table.column_names:
        raise InputError(f"{path} must have a column 'label' (0, 1 or empty where not known), but it has none")
    if not table.num_rows:
        raise InputError(f"{path} must have at least one row, got none")
    columns = {name: decoded(table[name])[0] for name in table.column_names}
    numbers = {name: _numbers(name, columns[name]) for name in NUMBER_RULES if name in columns}
    times, time_faults = _times(columns)
    action, source = (_words(columns, name) for name in ("action", "label_source"))
    faults = [*_value_faults(numbers, table.schema), *time_faults, *_action_faults(action, numbers)]
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
        judged=numbers.get("judged"),
        event_time=times,
        card=_card_codes(columns),
        remarks=tuple(repeat_remarks(table)),
    )


def column_names(path: Path) -> list[str]:
    """The names of all columns of a .parquet, .csv or .jsonl file."""
    return file_columns(row_file(path, "outcomes"))


def _known_columns(path: Path) -> pa.Table:
    file = row_file(path, "outcomes")
    held = file_columns(file)
    return whole_table(file, [name for name in COLUMNS if name in held])


def _numbers(name: str, column: pa.Array) -> np.ndarray:
    """A column as float64, NaN where empty. What cannot be read becomes infinite, which no rule allows."""
    if unfit("label" if name in ("label", "blocked") else "amount", column.type):
        return np.full(len(column), np.inf)
    if name in ("label", "blocked"):
        read = binary_labels(column, yes=YES, no=NO)
        values = pc.fill_null(pc.cast(read.values, pa.float64()), np.nan).to_numpy(zero_copy_only=False)
        return np.where(marked_rows(read.faults, len(column)), np.inf, values)
    found = read_numbers(column, NumberFormat())
    return np.where(marked_rows(found.unread, len(column)), np.inf, found.values)


def _times(columns: Mapping[str, pa.Array]) -> tuple[np.ndarray | None, list[str]]:
    """event_time in microseconds since 1970, UTC where no zone is given, and faults."""
    if "event_time" not in columns:
        return None, []
    column = columns["event_time"]
    if kind := unfit("event_time", column.type):
        return None, [f"'event_time': must be {kind}, got {column.type}"]
    read = instants({"": column}, time=TimeColumn(column="event_time"))
    unread = np.flatnonzero(read.micros == NOT_A_TIME)
    if not len(unread):
        return read.micros, []
    return None, [f"'event_time': must be ISO 8601 times, got {len(unread):,} rows that are not{_where(unread)}"]


def _value_faults(numbers: Mapping[str, np.ndarray], schema: pa.Schema) -> list[str]:
    faults = []
    for name, values in numbers.items():
        rule, holds = NUMBER_RULES[name]
        wrong = np.flatnonzero(~holds(values))
        if len(wrong):
            kind = f" in a column of {schema.field(name).type}"
            faults.append(f"'{name}': must be {rule}, got {len(wrong):,} rows that are not{_where(wrong)}{kind}")
    return faults


def _where(rows: np.ndarray) -> str:
    return f", first row {rows[0] + 1}"


def _words(columns: Mapping[str, pa.Array], name: str) -> np.ndarray | None:
    """A column of words in lower case, "" where empty [N]; None where the file does not have it."""
    if name not in columns:
        return None
    words = pc.fill_null(pc.utf8_lower(text_values(columns[name])), "")
    found: np.ndarray = words.to_numpy(zero_copy_only=False).astype(str)
    return found


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


def _card_codes(columns: Mapping[str, pa.Array]) -> np.ndarray | None:
    if "card_id" not in columns:
        return None
    cards = text_values(columns["card_id"]).to_pandas()
    hashed = pd.util.hash_array(cards.fillna("").to_numpy(dtype=object)) >> np.uint64(1)
    codes: np.ndarray = np.where(cards.isna(), -1, hashed.astype(np.int64))
    return codes
