"""Source times of every shape as microseconds since 1970 in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.clock_times import joined_text, with_colons
from features.schema.column_text import text_values
from features.schema.date_formats import DateFormat, date_format
from features.schema.faults import Mask
from features.schema.iso_times import NAIVE, UTC, days_alone, iso_stamps
from features.schema.preset import TimeColumn
from features.schema.values import numbers
from features.times import DAY, datetime_microseconds

NOT_A_TIME = np.iinfo(np.int64).min
LARGEST = 2**62
STEPS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 1}
"""Microseconds in one step of an Arrow timestamp; nanoseconds are cut off."""


@dataclass(frozen=True)
class Instants:
    """One column of times.

    Attributes:
        micros: int64 [N], NOT_A_TIME where missing or unreadable.
        unreadable: rows [N] with a value that is not a time, by what must hold.
        naive: rows [N] whose value had no zone and was read in the preset's.
        midnight: rows [N] at 00:00 of the zone that they were read in; looked for only where days have an end.
    """

    micros: NDArray[np.int64]
    unreadable: Mapping[str, Mask]
    naive: Mask
    midnight: Mask

    def taken(self, rows: NDArray[np.int64]) -> "Instants":
        """The times of some rows, by their places."""
        unreadable = {what: mask[rows] for what, mask in self.unreadable.items()}
        return Instants(self.micros[rows], unreadable, self.naive[rows], self.midnight[rows])


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
        columns: the source column under "", or year, month and day; and perhaps the time of day under "time".
        time: how the preset says to read them.
        quotes: quote characters to take off.
        day_ends: a day alone stands for its last microsecond, by which all of it has happened, and not for its first.
    """
    if time.kind in ("epoch", "elapsed"):
        return _stepped(columns[""], time, quotes, day_ends=day_ends)
    column = columns.get("")
    if column is not None and "time" not in columns and _is_calendar(column.type):
        stamps, unread = _typed_stamps(column)
    else:
        stamps, unread = _text_stamps(columns, time, quotes, day_ends=day_ends)
    return _in_zone(stamps.whole_days() if day_ends else stamps, unread, time, day_ends=day_ends)


def _is_calendar(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def _stepped(column: pa.Array, time: TimeColumn, quotes: str, *, day_ends: bool) -> Instants:
    nowhere = np.zeros(len(column), np.bool_)
    if _is_calendar(column.type):
        given = pc.is_valid(column).to_numpy(zero_copy_only=False)
        what = f"must be a number of steps of {time.unit} µs, not a date"
        return Instants(np.full(len(column), NOT_A_TIME), {what: given}, nowhere, nowhere)
    steps, unreadable = numbers(column, quotes=quotes)
    start = datetime_microseconds(time.origin) if time.kind == "elapsed" else 0
    start += time.unit - 1 if day_ends and time.unit % DAY == 0 else 0
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.rint(steps * time.unit)
        fits = np.abs(length) < LARGEST
    whole = pa.types.is_integer(column.type)
    exact = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64) if whole else length
    micros = np.full(len(steps), NOT_A_TIME)
    micros[fits] = (exact[fits] * (time.unit if whole else 1)).astype(np.int64) + start
    before = fits & (steps < 0)
    unreadable = unreadable | (~fits & ~np.isnan(steps)) | before
    return Instants(np.where(before, NOT_A_TIME, micros), {"must be a number ≥ 0": unreadable}, nowhere, nowhere)


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


def _in_zone(stamps: _Stamps, unread: Mapping[str, Mask], time: TimeColumn, *, day_ends: bool) -> Instants:
    """The stamps as moments; those without a zone are in the preset's."""
    naive = pc.is_valid(stamps.naive).to_numpy(zero_copy_only=False)
    micros, unclear = _micros(stamps.zoned), dict(unread)
    if naive.any():
        own, twice = _local_micros(stamps.naive, time.timezone)
        micros = np.where(naive, own, micros)
        if twice is not None:
            unclear[f"must name one moment in {time.timezone}, a clock change leaves none or two"] = twice
    return Instants(micros, unclear, naive, _midnight(stamps) if day_ends else np.zeros(len(naive), np.bool_))


def _local_micros(stamps: pa.Array, zone: str) -> tuple[NDArray[np.int64], Mask | None]:
    """Moments of times on the clocks of a zone, and those that the clocks skip or repeat."""
    if zone == "UTC":
        return _micros(stamps), None
    first, last = (
        pc.assume_timezone(stamps, zone, ambiguous=side, nonexistent=side) for side in ("earliest", "latest")
    )
    twice: Mask = pc.fill_null(pc.not_equal(first, last), False).to_numpy(zero_copy_only=False)
    return np.where(twice, NOT_A_TIME, _micros(first)), twice


def _midnight(stamps: _Stamps) -> Mask:
    naive, zoned = _micros(stamps.naive), _micros(stamps.zoned)
    local = np.where(naive == NOT_A_TIME, zoned, naive)
    midnight: Mask = (local != NOT_A_TIME) & (local % DAY == 0)
    return midnight


def _micros(stamps: pa.Array) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = pc.fill_null(pc.cast(stamps, pa.int64()), NOT_A_TIME).to_numpy(zero_copy_only=False)
    return whole
