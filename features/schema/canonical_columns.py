"""Each canonical column out of its source columns, with the rows whose value cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.chargeback_reports import Reports
from features.schema.column_plan import ColumnPlan, time_roles
from features.schema.entity_ids import entity_ids, keyed_hashes
from features.schema.event_times import NOT_A_TIME, Instants, instants
from features.schema.faults import Mask, Parsed, marked_rows
from features.schema.preset import AmountColumn, Preset, TimeColumn
from features.schema.silent_months import months_of
from features.schema.values import binary_labels, categories, decoded, numbers, plain_amounts, text_values
from features.times import datetime_microseconds

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Columns = Mapping[str, pa.Array]
"""Source columns by the role that each fills."""


@dataclass(frozen=True)
class Reading:
    """How to read batches: the preset, and the job's own settings.

    Attributes:
        preset: column mapping and parsing.
        plan: which source column fills which role.
        labels_delay: microseconds after which a label counts as available where the data does not say.
        as_of: microseconds since 1970; later rows and labels do not exist yet. None: the file is history.
        hash_key: card ids become keyed hashes under it.
        opinions: sources whose labels are opinions and no outcomes.
        reports: chargebacks from a feed of their own; None where the preset has none.
    """

    preset: Preset
    plan: ColumnPlan
    labels_delay: int
    as_of: int | None = None
    hash_key: bytes | None = None
    opinions: tuple[str, ...] = ()
    reports: Reports | None = None


@dataclass(frozen=True)
class Amounts:
    """The amounts of some rows.

    Attributes:
        plain: the source as numbers or plain number text, null where blank [N].
        major: the same as float64, 0 where there is none to judge [N].
    """

    plain: pa.Array
    major: Floats


@dataclass(frozen=True)
class Labels:
    """The labels of some rows.

    Attributes:
        values: 0, 1, or −1 where unknown [N].
        masked: rows [N] whose label a mask of the preset took away, by its reason.
    """

    values: NDArray[np.int8]
    masked: Mapping[str, Mask]


def role_columns(raw: pa.Table, plan: ColumnPlan) -> Parsed[Columns]:
    """Each role's source column, decoded; text that is no UTF-8 is a fault."""
    whole = {source: decoded(raw.column(source)) for source in plan.needed}
    faults = {f"{source}: must be UTF-8 text": undecodable for source, (_, undecodable) in whole.items()}
    return Parsed({role: whole[source][0] for role, source in plan.columns.items()}, faults)


def source_times(columns: Columns, name: str, time: TimeColumn, quotes: str) -> Instants:
    """The times that fill one role, as far as they can be read."""
    parts = {key: columns[role] for key, role in time_roles(name).items() if role in columns}
    return instants(parts, time=time, quotes=quotes)


def readable_times(read: Instants, name: str, *, required: bool) -> Parsed[Ints]:
    """Microseconds of each row, NOT_A_TIME where there is none, which is a fault where one is required."""
    faults = {f"{name}: {what}": rows for what, rows in read.unreadable.items()}
    if required:
        blank = (read.micros == NOT_A_TIME) & ~marked_rows(faults, len(read.micros))
        faults[f"{name}: must not be blank"] = blank
    return Parsed(read.micros, faults)


def transaction_ids(columns: Columns, preset: Preset, row_ids: Ints) -> Parsed[pa.Array]:
    """The source's own ids, or the rows' places where it has none."""
    spec, name = preset.transaction_id, "transaction_id"
    parsed = entity_ids(columns, name=name, spec=spec, elapsed=row_ids, quotes=preset.quotes) if spec else None
    if parsed is None:
        return Parsed(pa.array(row_ids), {})
    blank = pc.is_null(parsed.values).to_numpy(zero_copy_only=False)
    blank = blank & ~marked_rows(parsed.faults, len(blank))
    return Parsed(parsed.values, {**parsed.faults, f"{name}: must not be blank": blank})


def entity_columns(columns: Columns, reading: Reading, time: Ints) -> dict[str, Parsed[pa.Array]]:
    """Every entity that the source has, card ids hashed where there is a key."""
    preset, found = reading.preset, {}
    elapsed = np.where(time == NOT_A_TIME, 0, time - datetime_microseconds(preset.event_time.origin))
    for name, spec in preset.entities.items():
        parsed = entity_ids(columns, name=name, spec=spec, elapsed=elapsed, quotes=preset.quotes)
        if parsed is not None and name == "card_id" and reading.hash_key is not None:
            parsed = Parsed(keyed_hashes(parsed.values, key=reading.hash_key), parsed.faults)
        if parsed is not None:
            found[name] = parsed
    return found


def source_amounts(column: pa.Array, preset: Preset) -> Parsed[Amounts]:
    """The amounts as the source has them, refunds negative."""
    plain = _plain_numbers(column, preset.amount, preset.quotes)
    values, unreadable = numbers(plain)
    blank = pc.is_null(plain).to_numpy(zero_copy_only=False)
    faults = {"amount: must be a number": unreadable, "amount: must not be blank": blank}
    return Parsed(Amounts(plain, np.where(unreadable | blank, 0.0, values)), faults)


def source_labels(column: pa.Array | None, time: Ints, preset: Preset) -> Parsed[Labels]:
    """The labels, those of masked months unknown; all of them where the source has none of its own."""
    spec = preset.label
    if spec is None or column is None:
        parsed = Parsed(pa.nulls(len(time), pa.int8()), {})
    else:
        parsed = binary_labels(column, yes=spec.yes, no=spec.no, quotes=preset.quotes)
    label = pc.fill_null(parsed.values, -1).to_numpy(zero_copy_only=False)
    month = months_of(np.where(time == NOT_A_TIME, 0, time))
    masked = {
        mask.reason: np.isin(month, np.array(mask.months, "datetime64[M]")) & (label >= 0)
        for mask in preset.masks
        if mask.months
    }
    for rows in masked.values():
        label = np.where(rows, np.int8(-1), label)
    return Parsed(Labels(label, masked), parsed.faults)


def availability(columns: Columns, reading: Reading, time: Ints, label: NDArray[np.int8]) -> Parsed[Ints]:
    """When each label became known; the event's own time where there is nothing to judge."""
    name, spec = "label_available_at", reading.preset.label_available_at
    later, faults = np.where(time == NOT_A_TIME, 0, time) + reading.labels_delay, {}
    if spec is not None and any(role in columns for role in time_roles(name).values()):
        given = readable_times(source_times(columns, name, spec, reading.preset.quotes), name, required=False)
        later, faults = np.where(given.values == NOT_A_TIME, later, given.values), dict(given.faults)
    return Parsed(np.where((label < 0) | (time == NOT_A_TIME), time, later), faults)


def category_columns(columns: Columns, preset: Preset) -> dict[str, pa.Array]:
    """Every declared category that the source has."""
    return {
        name: categories(columns[name], missing=group.missing, whole_numbers=group.whole_numbers, quotes=preset.quotes)
        for group in preset.categorical
        for name, _ in group.resolved()
        if name in columns
    }


def number_columns(columns: Columns, preset: Preset) -> dict[str, Parsed[Floats]]:
    """Every declared number that the source has, NaN where missing."""
    found = {}
    for group in preset.numeric:
        below = -np.inf if group.missing_below is None else group.missing_below
        for name, _ in group.resolved():
            if name in columns:
                values, unreadable = numbers(columns[name], quotes=preset.quotes, missing_text=group.missing_text)
                faults = {
                    f"{name}: must be a number or blank": unreadable,
                    f"{name}: must be finite": np.isinf(values),
                }
                missing = np.isin(values, group.missing) | (values < below)
                found[name] = Parsed(np.where(missing, np.nan, values), faults)
    return found


def _plain_numbers(column: pa.Array, amount: AmountColumn, quotes: str) -> pa.Array:
    """Numbers as they are, float32 as the decimal that it was written as, and text without currency and thousands."""
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        column = pc.cast(pc.cast(column, pa.float32()), pa.string())
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column
    text = text_values(column, quotes=quotes)
    if amount.currency or amount.thousands or amount.decimal != ".":
        return plain_amounts(text, currency=amount.currency, thousands=amount.thousands, decimal=amount.decimal)
    return text
