"""`harbor state features`: every row of a log as serving saw it, disorder and late labels included."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.online import known_rows
from features.online.state import Outcome
from features.windows.spec import FeatureColumn, FeatureSpec
from pipeline.online.raw_features import feature_table
from pipeline.online.replayed_log import Log, read_log, replayed
from pipeline.state.event_log import LoggedEvent
from pipeline.storage.content import write_table
from pipeline.storage.errors import InputError, faults_text

MOMENT = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class ServedFeatures:
    """What was written.

    Attributes:
        rows: that were answered.
        late: of these, those that came late or too late.
        differing: values that the log answers otherwise than its own events do.
    """

    rows: int
    late: int
    differing: int


def write_served_features(folder: Path, out: Path) -> ServedFeatures:
    """Write the features of a log's rows, in the order in which they came, as Parquet.

    Args:
        folder: of the log.
        out: gets transaction_id, event_time, and the columns of the specification.

    Raises:
        InputError: the log cannot be read, or its rows lack columns of the specification.
    """
    log = read_log(folder)
    replay = replayed(log)
    events = [log.events[offset] for offset in log.rows]
    rows = canonical_rows(events, log.start.spec)
    features = feature_table(rows, replay.answers, replay.after.state, log.start.spec)
    table = pa.table({name: rows[name] for name in ("transaction_id", "event_time")})
    for name in features.column_names:
        table = table.append_column(name, features[name])
    write_table(out, table)
    late = sum(event.outcome != Outcome.EXACT for event in events)
    return ServedFeatures(len(events), late, int(differing(replay.answers, served_answers(log)).sum()))


def canonical_rows(events: Sequence[LoggedEvent], spec: FeatureSpec) -> pa.Table:
    """What rows of a log say of themselves, as canonical columns without ids.

    Raises:
        InputError: columns are missing.
    """
    minor = np.array([event.words[known_rows.AMOUNT] for event in events], np.int64)
    own = [c for c in spec.columns if not c.entity and c.of not in ("amount", "event_time", None)]
    _check_columns(events, own)
    return pa.table(
        {
            "transaction_id": pa.array([event.row.get("transaction_id") for event in events]),
            "event_time": pa.array([event.moment for event in events], pa.int64()).cast(MOMENT),
            "amount": pa.array(minor / spec.amount_scale),
            "amount_minor": pa.array(minor),
            **{str(column.of): _values_told(events, column) for column in own},
        }
    )


def _check_columns(events: Sequence[LoggedEvent], own: Sequence[FeatureColumn]) -> None:
    missing = [f"'{column.of}': missing" for column in own if any(column.of not in event.row for event in events)]
    if missing:
        raise InputError(faults_text(missing, "the log: columns that stand in the row itself"))


def _values_told(events: Sequence[LoggedEvent], column: FeatureColumn) -> pa.Array:
    kind = pa.float64() if column.kind == "numeric" else pa.string()
    return pa.array([event.row[str(column.of)] for event in events], kind)


def served_answers(log: Log) -> NDArray[np.float32]:
    """What the log says that its rows were answered, in the order of `Log.rows` [N, columns].

    Raises:
        InputError: a row's answer has another number of columns.
    """
    columns = sum(bool(column.entity) for column in log.start.spec.columns)
    answers = [log.events[offset].answers for offset in log.rows]
    if wrong := sum(len(each) != columns for each in answers):
        raise InputError(f"the log must hold {columns} answers of every row, {wrong:,} of {len(answers):,} have others")
    return np.array(answers, np.float32).reshape(-1, columns)


def differing(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where two tables of values differ in a bit, all NaN being one value."""
    apart: NDArray[np.bool_] = ours.view(np.uint32) != theirs.view(np.uint32)
    return apart & ~(np.isnan(ours) & np.isnan(theirs))
