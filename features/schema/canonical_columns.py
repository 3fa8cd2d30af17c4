"""Each canonical column out of its source columns, with the rows whose value cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_plan import ColumnPlan, time_roles
from features.schema.column_text import decoded, text_values
from features.schema.currencies import RateTable, in_one_currency, source_currencies
from features.schema.entity_ids import entity_ids, keyed_hashes
from features.schema.event_times import NOT_A_TIME, Instants, instants
from features.schema.faults import Mask, Parsed, marked_rows
from features.schema.number_text import ReadNumbers, read_numbers
from features.schema.preset import Preset, TimeColumn
from features.schema.silent_months import months_of
from features.schema.values import binary_labels, categories
from features.times import DAY, datetime_microseconds

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
        rates: what other currencies are worth; None where none are given.
    """

    preset: Preset
    plan: ColumnPlan
    labels_delay: int
    as_of: int | None = None
    hash_key: bytes | None = None
    opinions: tuple[str, ...] = ()
    rates: RateTable | None = None


@dataclass(frozen=True)
class Amounts:
    """The amounts of some rows.

    Attributes:
        plain: the source as numbers or plain number text, null where blank [N].
        major: the same as float64, 0 where there is none to judge [N].
        currencies: rows of each currency; empty where the source names none.
    """

    plain: pa.Array
    major: Floats
    currencies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Labels:
    """The labels of some rows.

    Attributes:
        values: 0, 1, or −1 where unknown [N].
        masked: rows [N] whose label a mask of the preset took away, by its reason.
    """

    values: NDArray[np.int8]
    masked: Mapping[str, Mask]


NEVER = datetime_microseconds(datetime(9999, 1, 1, tzinfo=UTC))
AFTER_ALL_TIMES = NEVER + 365 * DAY
"""A time in the year 9999 says "not yet": databases write it for an end that is open."""


def role_columns(raw: pa.Table, plan: ColumnPlan, *, encoding: str = "utf-8") -> Parsed[Columns]:
    """Each role's source column, decoded; bytes that are no text in the file's encoding are a fault."""
    whole = {source: decoded(raw.column(source)) for source in plan.needed}
    faults = {
        f"{source}: must be {encoding.upper()} text, or the preset must say its encoding": undecodable
        for source, (_, undecodable) in whole.items()
    }
    return Parsed({role: whole[source][0] for role, source in plan.columns.items()}, faults)


def source_times(columns: Columns, name: str, time: TimeColumn, quotes: str, *, day_ends: bool = False) -> Instants:
    """The times that fill one role, as far as they can be read; a day alone may stand for its end."""
    parts = {key: columns[role] for key, role in time_roles(name).items() if role in columns}
    return instants(parts, time=time, quotes=quotes, day_ends=day_ends)


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


def source_amounts(columns: Columns, reading: Reading, time: Ints) -> Parsed[Amounts]:
    """The amounts as the source has them, in one currency, refunds negative."""
    amount, column = reading.preset.amount, columns["amount"]
    read = read_numbers(column, amount.format, quotes=reading.preset.quotes)
    blank = pc.is_null(read.plain).to_numpy(zero_copy_only=False)
    faults = {**unread_numbers(read, "amount: must be a number"), "amount: must not be blank": blank}
    unusable = blank | marked_rows(read.unread, len(blank))
    amounts = Amounts(read.plain, np.where(unusable, 0.0, read.values))
    currency = None if "currency" not in columns else source_currencies(columns["currency"], reading.preset)
    if currency is None and amount.unit == "major":
        return Parsed(amounts, faults)
    one = in_one_currency(amounts.major, currency, reading.preset, rates=reading.rates, time=time)
    return Parsed(Amounts(pa.array(one.values), one.values, one.currencies), {**faults, **one.faults})


def source_labels(column: pa.Array, time: Ints, preset: Preset) -> Parsed[Labels]:
    """The labels, those of masked months unknown."""
    words = preset.label
    parsed = binary_labels(column, yes=words.yes, no=words.no, unknown=words.unknown, quotes=preset.quotes)
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
        read = source_times(columns, name, spec, reading.preset.quotes, day_ends=True)
        given, faults = _label_times(read, time), dict(readable_times(read, name, required=False).faults)
        latest = datetime_microseconds(spec.latest)
        open_end = (given >= NEVER) & (given < AFTER_ALL_TIMES)
        beyond = (given > latest) & ~open_end & (label >= 0)
        faults[f"{name}: must not lie after {spec.latest:%Y-%m-%d}, is the unit right?"] = beyond
        later = np.where(given == NOT_A_TIME, later, given)
    return Parsed(np.where((label < 0) | (time == NOT_A_TIME), time, later), faults)


def _label_times(read: Instants, time: Ints) -> Ints:
    """When labels became known; a midnight before its transaction, on the same day, is that day written as a time."""
    with np.errstate(over="ignore"):
        same_day = read.midnight & (read.micros < time) & (time - read.micros < DAY)
    return np.where(same_day, read.micros + DAY - 1, read.micros)


def category_columns(columns: Columns, preset: Preset) -> dict[str, pa.Array]:
    """Every declared category that the source has."""
    return {
        name: categories(columns[name], spelling=group.spelling, quotes=preset.quotes)
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
                read = read_numbers(columns[name], group.format, quotes=preset.quotes, missing_text=group.missing_text)
                values = read.values
                faults = unread_numbers(read, f"{name}: must be a number or blank")
                faults[f"{name}: must be finite"] = np.isinf(values)
                missing = np.isin(values, group.missing) | (values < below)
                found[name] = Parsed(np.where(missing, np.nan, values), faults)
    return found


def row_ranks(column: pa.Array, preset: Preset) -> Parsed[Ints]:
    """Place of each row's kind in the order that says which of several rows with one id counts."""
    order = () if preset.repeats is None else preset.repeats.order
    words = pa.array([word.lower() for word in order], pa.string())
    place = pc.index_in(pc.utf8_lower(text_values(column, quotes=preset.quotes)), value_set=words)
    unknown = pc.is_null(place).to_numpy(zero_copy_only=False)
    ranks = pc.fill_null(place, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return Parsed(ranks, {f"repeats: must be {', '.join(order)}": unknown})


def unread_numbers(read: ReadNumbers, what: str) -> dict[str, Mask]:
    """Rows that are no number, by the reason, which names the key of the preset that would read them."""
    hinted = {key: f"{what}, {key} in the preset would read it" for key in read.unread}
    return {hinted[key] if key else what: rows for key, rows in read.unread.items()}
