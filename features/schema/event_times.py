"""Source times of every shape as microseconds since 1970 in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.faults import Mask, marked_rows
from features.schema.preset import TimeColumn
from features.schema.values import numbers, text_values
from features.times import datetime_microseconds

ISO = r"^\d{4}-\d{2}-\d{2}([ Tt]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?\s?([Zz]|[+-]\d{2}:?\d{2})?$"
FINER_THAN_MICROSECONDS = r"(:\d{2}\.\d{6})\d{1,3}"
ZONED = r":\d{2}([.,]\d+)?\s?([Zz]|[+-]\d{2}:?\d{2})$"
NOT_A_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Instants:
    """One column of times.

    Attributes:
        micros: int64 [N], NOT_A_TIME where missing or unreadable.
        unreadable: rows [N] with a value that is not a time, by what must hold.
        naive: rows [N] whose value had no zone and was read in the preset's.
    """

    micros: NDArray[np.int64]
    unreadable: Mapping[str, Mask]
    naive: Mask

    def taken(self, rows: NDArray[np.int64]) -> "Instants":
        """The times of some rows, by their places."""
        return Instants(
            self.micros[rows], {what: mask[rows] for what, mask in self.unreadable.items()}, self.naive[rows]
        )


def instants(columns: Mapping[str, pa.Array], *, time: TimeColumn, quotes: str = "") -> Instants:
    """Times of one batch.

    Args:
        columns: the source column under "", or year, month, day and perhaps time.
        time: how the preset says to read them.
        quotes: quote characters to take off.
    """
    if time.kind == "parts":
        return _from_text(_assembled(columns, quotes), time)
    column = columns[""]
    if time.kind in ("epoch", "elapsed"):
        return _stepped(column, time, quotes)
    if pa.types.is_timestamp(column.type):
        return _from_stamps(column, time)
    if pa.types.is_date(column.type):
        return _from_stamps(pc.cast(column, pa.timestamp("us")), time)
    return _from_text(text_values(column, quotes=quotes), time)


def _stepped(column: pa.Array, time: TimeColumn, quotes: str) -> Instants:
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        given = pc.is_valid(column).to_numpy(zero_copy_only=False)
        return _unread(given, f"must be a number of steps of {time.unit} µs, not a date")
    steps, unreadable = numbers(column, quotes=quotes)
    start = datetime_microseconds(time.origin) if time.kind == "elapsed" else 0
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.rint(steps * time.unit)
        fits = np.abs(length) < 2**62
    whole = pa.types.is_integer(column.type)
    exact = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64) if whole else length
    micros = np.full(len(steps), NOT_A_TIME)
    micros[fits] = (exact[fits] * (time.unit if whole else 1)).astype(np.int64) + start
    before = fits & (steps < 0)
    unreadable = unreadable | (~fits & ~np.isnan(steps))
    return Instants(
        np.where(before, NOT_A_TIME, micros), {"must be a number ≥ 0": unreadable | before}, np.zeros(len(steps), bool)
    )


def _assembled(columns: Mapping[str, pa.Array], quotes: str) -> pa.Array:
    """Year, month, day and clock as ISO text."""
    date = [
        pc.utf8_lpad(text_values(columns[key], quotes=quotes), width, "0")
        for key, width in (("year", 4), ("month", 2), ("day", 2))
    ]
    day = pc.binary_join_element_wise(*date, "-")
    if "time" not in columns:
        return day
    clock = pc.replace_substring_regex(text_values(columns["time"], quotes=quotes), r"^(\d):", r"0\1:")
    return pc.binary_join_element_wise(day, clock, " ")


def _from_text(text: pa.Array, time: TimeColumn) -> Instants:
    if time.formats:
        return _from_formats(text, time)
    text = pc.replace_substring_regex(text, FINER_THAN_MICROSECONDS, r"\1")
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return _from_stamps(pc.cast(text, kind), time)
        except pa.ArrowInvalid:
            continue
    return _from_mixed_text(text, time)


def _from_formats(text: pa.Array, time: TimeColumn) -> Instants:
    stamps = pc.coalesce(*(pc.strptime(text, format=form, unit="us", error_is_null=True) for form in time.formats))
    read = _from_stamps(stamps, time)
    unread = pc.and_(pc.is_valid(text), pc.is_null(stamps)).to_numpy(zero_copy_only=False)
    return Instants(
        read.micros, {**read.unreadable, f"must be a time such as {' or '.join(time.formats)}": unread}, read.naive
    )


def _from_mixed_text(text: pa.Array, time: TimeColumn) -> Instants:
    """Row by row: some with a zone, some without, some no time at all."""
    iso = pc.fill_null(pc.match_substring_regex(text, ISO), False)
    zoned = pc.and_(iso, pc.fill_null(pc.match_substring_regex(text, ZONED), False))
    parts = []
    for wanted, zone in ((pc.and_not(iso, zoned), None), (zoned, "UTC")):
        words = pd.Series(pc.if_else(wanted, text, None).to_numpy(zero_copy_only=False), dtype="object")
        stamps = pd.to_datetime(words, format="ISO8601", errors="coerce", utc=zone is not None)
        plain = stamps.dt.tz_localize(None).astype("datetime64[us]").to_numpy()
        parts.append(pa.array(plain, pa.timestamp("us")).cast(pa.int64()).cast(pa.timestamp("us", zone)))
    naive = _from_stamps(parts[0], time)
    micros = np.where(zoned.to_numpy(zero_copy_only=False), _from_stamps(parts[1], time).micros, naive.micros)
    ambiguous = marked_rows(naive.unreadable, len(text))
    unread = pc.is_valid(text).to_numpy(zero_copy_only=False) & (micros == NOT_A_TIME) & ~ambiguous
    return Instants(
        micros, {**naive.unreadable, "must be a date and time such as 2024-05-31T14:30:00Z": unread}, naive.naive
    )


def _from_stamps(stamps: pa.Array, time: TimeColumn) -> Instants:
    stamps = pc.cast(stamps, pa.timestamp("us", stamps.type.tz), safe=False)
    if stamps.type.tz is not None:
        return Instants(_micros(stamps), {}, np.zeros(len(stamps), bool))
    naive = pc.is_valid(stamps).to_numpy(zero_copy_only=False)
    if time.timezone == "UTC":
        return Instants(_micros(stamps), {}, naive)
    first, last = (
        pc.assume_timezone(stamps, time.timezone, ambiguous=side, nonexistent=side) for side in ("earliest", "latest")
    )
    twice = pc.fill_null(pc.not_equal(first, last), False).to_numpy(zero_copy_only=False)
    micros = np.where(twice, NOT_A_TIME, _micros(first))
    return Instants(
        micros, {f"must name one moment in {time.timezone}, a clock change leaves none or two": twice}, naive
    )


def _micros(stamps: pa.Array) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = pc.fill_null(pc.cast(stamps, pa.int64()), NOT_A_TIME).to_numpy(zero_copy_only=False)
    return whole


def _unread(rows: Mask, what: str) -> Instants:
    return Instants(np.full(len(rows), NOT_A_TIME), {what: rows}, np.zeros(len(rows), bool))
