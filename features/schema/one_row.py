"""One raw transaction as ingest would read it: the canonical row, or the reasons for which it would be set aside.

Two ways lead there. A row of plain spellings is read value by value; every other one becomes a table of one row and is
read by the code that reads files. So there is one set of rules, and one row has no chance of being read otherwise.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.batch import canonical_batch
from features.schema.canonical_columns import Reading
from features.schema.column_plan import ColumnPlan, column_plan, named_columns
from features.schema.column_types import unfit
from features.schema.entity_ids import keyed_hash
from features.schema.plain_values import (
    NotPlainError,
    plain_id,
    plain_label,
    plain_minor,
    plain_number,
    plain_text,
    plain_time,
    plain_whole_id,
)
from features.schema.preset import Preset
from features.schema.source_columns import IdColumn, LabelColumn, Numeric
from features.schema.values import AS_IT_IS
from features.times import datetime_microseconds

MOST_SHAPES = 64
"""Sets of columns that are remembered: a feed has a few."""
PLAIN_ROLES = {"transaction_id", "event_time", "amount"}
ODD_ROLES = {"action", "label_source", "approval_probability", "repeats", "currency"}
"""Columns whose presence needs more than plain values."""
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class OneRow:
    """What became of a row.

    Attributes:
        values: canonical columns, times in microseconds, a missing number NaN; empty where it would be set aside.
        reasons: why it would be; empty where it would not.
    """

    values: Mapping[str, Any]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Shape:
    """How rows with the same columns are read; `plain` is None where their preset needs more than plain values."""

    reading: Reading
    plain: Callable[[Mapping[str, Any]], dict[str, Any]] | None


@dataclass(frozen=True)
class RowReader:
    """Reads one raw transaction after the other.

    Attributes:
        reading: preset and settings; its plan is not read, for each row says itself which columns it has.
    """

    reading: Reading
    _shapes: dict[tuple[str, ...], _Shape] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, row: Mapping[str, Any]) -> OneRow:
        """A row by its source columns: text, numbers, truth values, times, None; columns that nobody names are left."""
        values = self.plain_values(row)
        return judged_row(row, self._shape(row).reading) if values is None else OneRow(values)

    def plain_values(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The canonical row, where all of its values are plain; None where only the reading of columns can judge."""
        shape = self._shape(row)
        try:
            return None if shape.plain is None else shape.plain(row)
        except NotPlainError:
            return None

    def reads_plainly(self, names: Iterable[str]) -> bool:
        """Whether plain values of these columns mean what they say, so that most rows need no table."""
        return self._shape(dict.fromkeys(names)).plain is not None

    def _shape(self, row: Mapping[str, Any]) -> _Shape:
        names = tuple(row)
        found = self._shapes.get(names)
        if found is None:
            preset = self.reading.preset.of_live_rows(names)
            plan = column_plan(preset, named_columns(preset, names))
            reading = replace(self.reading, preset=preset, plan=plan)
            found = _Shape(reading, None if plan.missing else _plain_reader(reading))
            if len(self._shapes) < MOST_SHAPES:
                self._shapes[names] = found
        return found


def judged_row(row: Mapping[str, Any], reading: Reading) -> OneRow:
    """A row by the reading of columns, whatever its spelling.

    Args:
        row: values by source column.
        reading: with the plan of the row's columns.
    """
    plan = reading.plan
    if plan.missing:
        return OneRow({}, tuple(f"{name}: must be given" for name in plan.missing))
    columns = {name: _column(row[name]) for name in plan.needed}
    if wrong := tuple(_unfit_columns(plan, columns)):
        return OneRow({}, wrong)
    batch = canonical_batch(pa.table(columns), reading=reading, row_ids=np.zeros(1, np.int64))
    if len(batch.rejected):
        return OneRow({}, tuple(batch.reasons[0].as_py()))
    accepted = batch.accepted
    values = {name: _plain_value(column) for name, column in zip(accepted.column_names, accepted.columns, strict=True)}
    if not any(role.partition(".")[0] == "transaction_id" for role in plan.columns):
        values["transaction_id"] = None
    return OneRow(values)


def _unfit_columns(plan: ColumnPlan, columns: Mapping[str, pa.Array]) -> Iterator[str]:
    for role, source in plan.columns.items():
        if what := unfit(role, columns[source].type):
            yield f"{source}: must hold {what}"


def _plain_value(column: pa.ChunkedArray) -> Any:
    if not len(column):
        return None
    return (pc.cast(column, pa.int64()) if pa.types.is_timestamp(column.type) else column)[0].as_py()


def _column(value: Any) -> pa.Array:
    """A value as a column of its own type; what Arrow has no type for is text that says so."""
    try:
        return pa.array([value])
    except UnicodeEncodeError:
        return pa.array([value.encode("utf-8", "surrogatepass")])
    except OverflowError:
        return pa.array([value], pa.uint64()) if 0 <= value < 2**64 else pa.array([str(value)])
    except (pa.ArrowException, TypeError, ValueError):
        return pa.array([[None]])


def _plain_reader(reading: Reading) -> Callable[[Mapping[str, Any]], dict[str, Any]] | None:
    """What reads rows of these columns value by value; None where the preset asks for more."""
    plan, preset = reading.plan, reading.preset
    if not _is_plain(reading):
        return None
    ids = [(name, plan.columns[name], _id_reader(name, spec, reading)) for name, spec in _ids(preset, plan)]
    texts = [
        (name, plan.columns[name], plain_text)
        for group in preset.categorical
        for name, _ in group.resolved()
        if name in plan.columns
    ]
    numbers = [
        (name, plan.columns[name], partial(_number, group=group))
        for group in preset.numeric
        for name, _ in group.resolved()
        if name in plan.columns
    ]
    return partial(_plain_row, reading=reading, own=tuple([*ids, *texts, *numbers]), limits=_limits(preset))


def _is_plain(reading: Reading) -> bool:
    """Whether plain values mean under this preset, and under these settings, what they say."""
    plan, preset = reading.plan, reading.preset
    return (
        _is_history(reading)
        and plan.columns.keys() >= PLAIN_ROLES
        and not ODD_ROLES & plan.columns.keys()
        and _has_plain_times(preset)
        and _has_plain_amounts(preset)
        and (preset.label is None or _has_plain_words(preset.label))
        and _has_plain_columns(preset, plan)
    )


def _is_history(reading: Reading) -> bool:
    """Whether nothing but the row decides what is known of it."""
    preset = reading.preset
    return not preset.quotes and not preset.masks and reading.as_of is None and reading.reports is None


def _has_plain_times(preset: Preset) -> bool:
    times = [preset.event_time, *([preset.label_available_at] if preset.label_available_at else [])]
    return all(time.kind == "datetime" and not time.formats and time.time is None for time in times)


def _has_plain_amounts(preset: Preset) -> bool:
    return preset.amount.unit == "major" and preset.amount.refund is None and preset.amount.format.plain


def _has_plain_columns(preset: Preset, plan: ColumnPlan) -> bool:
    ids = [spec for _, spec in _ids(preset, plan)]
    spellings = [*(spec.spelling for spec in ids), *(group.spelling for group in preset.categorical)]
    whole = all(spec.column is not None for spec in ids)
    return whole and all(each == AS_IT_IS for each in spellings) and all(n.format.plain for n in preset.numeric)


def _has_plain_words(label: LabelColumn) -> bool:
    return "1" in label.yes and "0" in label.no and not {"0", "1"} & {*label.unknown}


def _ids(preset: Preset, plan: ColumnPlan) -> list[tuple[str, IdColumn]]:
    """Columns of ids that the rows have, or whose parts they have."""
    every = {**({"transaction_id": preset.transaction_id} if preset.transaction_id else {}), **preset.entities}
    return [
        (name, spec) for name, spec in every.items() if any(role.partition(".")[0] == name for role in plan.columns)
    ]


def _id_reader(name: str, spec: IdColumn, reading: Reading) -> Read:
    read: Read = plain_whole_id if spec.type == "integer" else plain_id
    if name == "transaction_id":
        return partial(_given, read=read)
    if name == "card_id" and reading.hash_key is not None:
        return partial(_hashed, read=read, key=reading.hash_key)
    return read


def _given(value: Any, *, read: Read) -> Any:
    if value is None:
        raise NotPlainError
    return read(value)


def _hashed(value: Any, *, read: Read, key: bytes) -> str | None:
    found = read(value)
    return None if found is None else keyed_hash(str(found), key=key)


def _number(value: Any, *, group: Numeric) -> float:
    found = plain_number(value)
    below = group.missing_below is not None and found < group.missing_below
    return math.nan if below or found in group.missing else found


@dataclass(frozen=True)
class _Limits:
    """Microseconds since 1970 between which times must lie."""

    first: int
    last: int
    label: int


def _limits(preset: Preset) -> _Limits:
    time, label = preset.event_time, preset.label_available_at or preset.event_time
    return _Limits(*map(datetime_microseconds, (time.earliest, time.latest, label.latest)))


def _plain_row(
    row: Mapping[str, Any], *, reading: Reading, own: tuple[tuple[str, str, Read], ...], limits: _Limits
) -> dict[str, Any]:
    columns, scale = reading.plan.columns, reading.preset.amount.scale
    time = plain_time(row[columns["event_time"]])
    if not limits.first <= time <= limits.last:
        raise NotPlainError
    minor = plain_minor(row[columns["amount"]], scale)
    label, available = _label(row, time, reading, limits)
    values: dict[str, Any] = {"event_time": time, "amount": minor / scale, "amount_minor": minor}
    values |= {"label": label, "label_available_at": available}
    for name, source, read in own:
        values[name] = read(row[source])
    return values


def _label(row: Mapping[str, Any], time: int, reading: Reading, limits: _Limits) -> tuple[int | None, int | None]:
    columns = reading.plan.columns
    label = plain_label(row[columns["label"]]) if "label" in columns else None
    source = columns.get("label_available_at")
    given = None if source is None or row[source] is None else plain_time(row[source])
    if label is None:
        return None, None
    available = time + reading.labels_delay if given is None else given
    if available < time or (given is not None and given > limits.label):
        raise NotPlainError
    return label, available
