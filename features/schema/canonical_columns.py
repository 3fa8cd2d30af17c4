"""Each canonical column out of its source columns; a row whose value cannot be read is marked in `Faults`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_plan import ColumnPlan, time_roles
from features.schema.entity_ids import entity_ids, keyed_hashes
from features.schema.event_times import NOT_A_TIME, Instants, instants, microseconds
from features.schema.faults import Faults, Mask
from features.schema.preset import Preset, TimeColumn
from features.schema.silent_months import months_of
from features.schema.values import binary_labels, categories, decoded, numbers, plain_amounts, text_values

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """How to read batches: the preset, and the job's own settings.

    Attributes:
        preset: column mapping and parsing.
        plan: which source column fills which role.
        rules: `canonical_schema(preset)`.
        labels_delay: microseconds after which a label counts as available where the data does not say.
        as_of: microseconds since 1970; later rows and labels do not exist yet. None: the file is history.
        hash_key: card ids become keyed hashes under it.
    """

    preset: Preset
    plan: ColumnPlan
    rules: pandera.DataFrameSchema
    labels_delay: int
    as_of: int | None = None
    hash_key: bytes | None = None


def role_columns(raw: pa.Table, plan: ColumnPlan, faults: Faults) -> dict[str, pa.Array]:
    """Each role's source column, decoded; text that is no UTF-8 goes into the faults."""
    whole = {}
    for source in plan.needed:
        column, undecodable = decoded(raw.column(source))
        faults.add(f"{source}: must be UTF-8 text", undecodable)
        whole[source] = column
    return {role: whole[source] for role, source in plan.columns.items()}


def source_times(columns: Mapping[str, pa.Array], name: str, time: TimeColumn, quotes: str) -> Instants:
    """The times that fill one role, as far as they can be read."""
    parts = {key: columns[role] for key, role in time_roles(name).items() if role in columns}
    return instants(parts, time=time, quotes=quotes)


def readable_times(read: Instants, name: str, faults: Faults, *, required: bool) -> Ints:
    """Microseconds of each row, NOT_A_TIME where there is none; what could not be read goes into the faults."""
    blank = read.micros == NOT_A_TIME
    for what, rows in read.unreadable.items():
        faults.add(f"{name}: {what}", rows)
        blank = blank & ~rows
    if required:
        faults.add(f"{name}: must not be blank", blank & ~faults.of(name))
    return read.micros


def transaction_ids(columns: Mapping[str, pa.Array], preset: Preset, row_ids: Ints, faults: Faults) -> pa.Array:
    """The source's own ids, or the rows' places where it has none."""
    spec, name = preset.transaction_id, "transaction_id"
    if spec is None:
        return pa.array(row_ids)
    parsed = entity_ids(columns, name=name, spec=spec, elapsed=row_ids, quotes=preset.quotes)
    if parsed is None:
        return pa.array(row_ids)
    faults.merge(parsed.faults)
    blank = pc.is_null(parsed.values).to_numpy(zero_copy_only=False)
    faults.add(f"{name}: must not be blank", blank & ~faults.of(name))
    return parsed.values


def entity_columns(
    columns: Mapping[str, pa.Array], reading: Reading, time: Ints, faults: Faults
) -> Iterator[tuple[str, pa.Array]]:
    """Every entity that the source has, card ids hashed where there is a key."""
    elapsed = np.where(time == NOT_A_TIME, 0, time - microseconds(reading.preset.event_time.origin))
    for name, spec in reading.preset.entities.items():
        parsed = entity_ids(columns, name=name, spec=spec, elapsed=elapsed, quotes=reading.preset.quotes)
        if parsed is not None:
            faults.merge(parsed.faults)
            key = reading.hash_key if name == "card_id" else None
            yield name, parsed.values if key is None else keyed_hashes(parsed.values, key=key)


def source_amounts(column: pa.Array, preset: Preset, faults: Faults) -> tuple[pa.Array, Floats]:
    """The source as plain numbers and as float64, 0 where there is none to judge."""
    spec = preset.amount
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        column = pc.cast(pc.cast(column, pa.float32()), pa.string())
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        column = text_values(column, quotes=preset.quotes)
        if spec.currency or spec.thousands or spec.decimal != ".":
            column = plain_amounts(column, currency=spec.currency, thousands=spec.thousands, decimal=spec.decimal)
    values, unreadable = numbers(column)
    blank = pc.is_null(column).to_numpy(zero_copy_only=False)
    faults.add("amount: must be a number", unreadable)
    faults.add("amount: must not be blank", blank)
    return column, np.where(unreadable | blank, 0.0, values)


def source_labels(
    column: pa.Array, time: Ints, preset: Preset, faults: Faults
) -> tuple[NDArray[np.int8], dict[str, Mask]]:
    """0, 1 and −1 for unknown; and the rows whose label a mask took away, by its reason."""
    parsed = binary_labels(column, yes=preset.label.yes, no=preset.label.no, quotes=preset.quotes)
    faults.merge(parsed.faults)
    label = pc.fill_null(parsed.values, -1).to_numpy(zero_copy_only=False)
    month = months_of(np.where(time == NOT_A_TIME, 0, time))
    masked = {
        mask.reason: np.isin(month, np.array(mask.months, "datetime64[M]")) & (label >= 0)
        for mask in preset.masks
        if mask.months
    }
    for rows in masked.values():
        label = np.where(rows, np.int8(-1), label)
    return label, masked


def availability(
    columns: Mapping[str, pa.Array], reading: Reading, time: Ints, label: NDArray[np.int8], faults: Faults
) -> Ints:
    """When each label became known; the event's own time where there is nothing to judge."""
    name, spec = "label_available_at", reading.preset.label_available_at
    later = np.where(time == NOT_A_TIME, 0, time) + reading.labels_delay
    if spec is not None and any(role in columns for role in time_roles(name).values()):
        given = readable_times(source_times(columns, name, spec, reading.preset.quotes), name, faults, required=False)
        later = np.where(given == NOT_A_TIME, later, given)
    return np.where((label < 0) | (time == NOT_A_TIME), time, later)


def category_columns(columns: Mapping[str, pa.Array], preset: Preset) -> Iterator[tuple[str, pa.Array]]:
    """Every declared category that the source has."""
    for group in preset.categorical:
        for name, _ in group.resolved():
            if name in columns:
                yield (
                    name,
                    categories(
                        columns[name], missing=group.missing, whole_numbers=group.whole_numbers, quotes=preset.quotes
                    ),
                )


def number_columns(columns: Mapping[str, pa.Array], preset: Preset, faults: Faults) -> Iterator[tuple[str, Floats]]:
    """Every declared number that the source has, NaN where missing."""
    for group in preset.numeric:
        for name, _ in group.resolved():
            if name in columns:
                values, unreadable = numbers(columns[name], quotes=preset.quotes, missing_text=group.missing_text)
                faults.add(f"{name}: must be a number or blank", unreadable)
                faults.add(f"{name}: must be finite", np.isinf(values))
                below = -np.inf if group.missing_below is None else group.missing_below
                yield name, np.where(np.isin(values, group.missing) | (values < below), np.nan, values)
