"""Source times of every shape as microseconds since 1970 in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.clock_times import joined_text, with_colons
from features.schema.column_text import text_values
from features.schema.date_formats import DateFormat, date_format
from features.schema.faults import Mask
from features.schema.instants import NOT_A_TIME, Instants
from features.schema.iso_times import NAIVE, UTC, days_alone, iso_stamps
from features.schema.stepped_times import stepped_times
from features.schema.time_column import TimeColumn
from features.schema.time_zones import local_micros, micros_of_zones, stamp_micros
from features.times import DAY

LARGEST = 2**62
STEPS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}
"""Microseconds in one step of an Arrow timestamp; nanoseconds are cut off."""


@dataclass(frozen=True)
class _Stamps:
    """Rows as timestamps in µs, without a zone or in UTC, null in the one where they are the other.

    `days` are rows that name a day and no time of it; None where nobody asked.
    """

    naive: pa.Array
    zoned: pa.Array
    days: Mask | None = None

    def whole_days(self) -> "_Stamps":
        """With the last microsecond of each day in place of its first."""
        if self.days is None or not self.days.any():
            return self
        later = pa.array(np.where(self.days, DAY - 1, 0), pa.duration("us"))
        return _Stamps(pc.add(self.naive, later), pc.add(self.zoned, later), self.days)


def instants(
    columns: Mapping[str, pa.Array], *, time: TimeColumn, quotes: str = "", day_ends: bool = False
) -> Instants:
    """Times of one batch.

    Args:
        columns: the source column under "", or year, month and day; perhaps the time of day under "time", and the
            name of the zone under "zone".
        time: how the preset says to read them.
        quotes: quote characters to take off.
        day_ends: a day alone stands for its last microsecond, by which all of it has happened, and not for its first.
    """
    rows = len(next(iter(columns.values())))
    if time.kind in ("epoch", "elapsed"):
        read, nowhere = stepped_times(columns[""], time, quotes=quotes, day_ends=day_ends), np.zeros(rows, np.bool_)
        return Instants(read.values, read.faults, nowhere, nowhere)
    column = columns.get("")
    if column is not None and "time" not in columns and _is_calendar(column.type):
        stamps, unread = _typed_stamps(column)
    else:
        stamps, unread = _text_stamps(columns, time, quotes, day_ends=day_ends)
    stamps = stamps.whole_days() if day_ends else stamps
    midnight = _midnight(stamps) if day_ends else np.zeros(rows, np.bool_)
    return _in_zone(stamps, unread, midnight, time.timezone, columns.get("zone"), quotes)


def _is_calendar(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _typed_stamps(column: pa.Array) -> tuple[_Stamps, dict[str, Mask]]:
    """Stamps and dates as a file holds them, in microseconds; what lies beyond those is a fault."""
    days = np.full(len(column), bool(pa.types.is_date(column.type)))
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("s"))
    column, unread = _counted_by_micros(column)
    stamps = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
    none = pa.nulls(len(column), NAIVE if stamps.type.tz else UTC)
    if stamps.type.tz:
        return _Stamps(none, pc.cast(stamps, UTC), days), unread
    return _Stamps(stamps, none, days), unread


def _counted_by_micros(column: pa.Array) -> tuple[pa.Array, dict[str, Mask]]:
    """Stamps in longer steps without those that would wrap round in shorter ones."""
    step = STEPS[column.type.unit]
    if step == 1:
        return column, {}
    whole = pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy(zero_copy_only=False)
    beyond = np.abs(whole.astype(np.float64)) * step >= LARGEST
    kept = pc.if_else(pa.array(beyond), None, column) if beyond.any() else column
    return kept, {"must be a time that microseconds can count": beyond}


def _text_stamps(
    columns: Mapping[str, pa.Array], time: TimeColumn, quotes: str, *, day_ends: bool
) -> tuple[_Stamps, dict[str, Mask]]:
    """Times written as text, in one column or in several; what cannot be read is a fault."""
    formats, apart = [date_format(form) for form in time.formats], "time" in columns
    by_format = bool(formats) and (not apart or any(form.clock for form in formats))
    if formats and not by_format:
        columns = {**columns, "": _iso_days(text_values(columns[""], quotes=quotes), formats)}
    seconds = not by_format or any("%S" in form.text for form in formats)
    text = joined_text(columns, quotes=quotes, clock_digits=6 if seconds else 4)
    if by_format:
        stamps, what = _format_stamps(text, formats), f"must be a time such as {' or '.join(time.formats)}"
    else:
        text = with_colons(text) if apart else text
        read = iso_stamps(text)
        stamps = _Stamps(read.naive, read.zoned, days_alone(text) if day_ends else None)
        what = "must be a date and time such as 2024-05-31T14:30:00Z"
    unread = pc.and_(pc.is_valid(text), pc.and_(pc.is_null(stamps.naive), pc.is_null(stamps.zoned)))
    return stamps, {what: unread.to_numpy(zero_copy_only=False)}


def _format_stamps(text: pa.Array, formats: Sequence[DateFormat]) -> _Stamps:
    """Each text by the first format that means it."""
    naive, zoned = pa.nulls(len(text), NAIVE), pa.nulls(len(text), UTC)
    days, rest = np.zeros(len(text), np.bool_), text
    for form in formats:
        read = form.read(rest)
        found = pc.is_valid(read)
        naive, zoned = (naive, pc.coalesce(zoned, read)) if form.zoned else (pc.coalesce(naive, read), zoned)
        days |= found.to_numpy(zero_copy_only=False) & (not form.clock)
        rest = pc.if_else(found, None, rest)
    return _Stamps(naive, zoned, days)


def _iso_days(text: pa.Array, formats: Sequence[DateFormat]) -> pa.Array:
    """Days in ISO 8601; a text that no format means becomes one that no time can be."""
    stamps = _format_stamps(text, formats)
    days = pc.cast(pc.cast(pc.coalesce(stamps.naive, pc.cast(stamps.zoned, NAIVE)), pa.date32()), pa.string())
    return pc.coalesce(days, pc.binary_join_element_wise("not a day:", text, ""))


def _in_zone(
    stamps: _Stamps, unread: Mapping[str, Mask], midnight: Mask, zone: str, zones: pa.Array | None, quotes: str
) -> Instants:
    """The stamps as moments; those without a zone are in that which stands beside them, or in the preset's."""
    naive: Mask = pc.is_valid(stamps.naive).to_numpy(zero_copy_only=False)
    micros, nowhere = stamp_micros(stamps.zoned), np.zeros(len(naive), np.bool_)
    if not naive.any():
        return Instants(micros, unread, nowhere, midnight)
    own = local_micros(stamps.naive, zone) if zones is None else micros_of_zones(stamps.naive, zones, quotes=quotes)
    micros = np.where(naive, own.values, micros)
    return Instants(micros, {**unread, **own.faults}, naive if zones is None else nowhere, midnight)


def _midnight(stamps: _Stamps) -> Mask:
    naive, zoned = stamp_micros(stamps.naive), stamp_micros(stamps.zoned)
    local = np.where(naive == NOT_A_TIME, zoned, naive)
    midnight: Mask = (local != NOT_A_TIME) & (local % DAY == 0)
    return midnight
