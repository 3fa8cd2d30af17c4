"""Times that are a number of steps since a start: the clocks of data bases, and those of files that begin at zero.

A number does not say its unit. Read in the wrong one it is a date all the same, so what lies outside the years of the
preset and inside them in another unit is told with that unit.
"""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import text_values
from features.schema.faults import Mask, Parsed, marked_rows
from features.schema.instants import AFTER_ALL_TIMES, NEVER, NOT_A_TIME
from features.schema.time_column import NANOSECONDS, UNITS, TimeColumn
from features.schema.values import is_number, numbers
from features.times import datetime_microseconds

LARGEST = 2**62
NANOSECOND = 0.001
"""Microseconds."""
SHORTENED = re.compile(r"[+-]?[0-9]*(?:\.(?P<part>[0-9]*))?[eE]\+?(?P<power>[0-9]+)")
UNSURE = "must be written in full, a number that was shortened or kept in single precision has lost its last digits"


def stepped_times(
    column: pa.Array, time: TimeColumn, *, quotes: str = "", day_ends: bool = False
) -> Parsed[NDArray[np.int64]]:
    """Microseconds since 1970 [N], NOT_A_TIME where there is none, and the rows that cannot be read.

    Args:
        column: numbers or texts of numbers.
        time: of kind epoch or elapsed.
        quotes: quote characters to take off.
        day_ends: a step of whole days stands for the last microsecond of its last one.
    """
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        given = pc.is_valid(column).to_numpy(zero_copy_only=False)
        unit = time.unit if time.unit == NANOSECONDS else f"{time.unit} µs"
        return Parsed(np.full(len(column), NOT_A_TIME), {f"must be a number of steps of {unit}, not a date": given})
    steps, unreadable = numbers(column, quotes=quotes)
    micros, fits = _micros(column, steps, time)
    faults = {**_of_another_unit(steps, micros, fits, time), "must be a number ≥ 0": unreadable | (steps < 0)}
    faults[UNSURE] = _inexact(column, time, quotes) & ~marked_rows(faults, len(steps))
    faults["must be a time that microseconds can count"] = ~fits & ~np.isnan(steps) & ~marked_rows(faults, len(steps))
    start = datetime_microseconds(time.origin) if time.kind == "elapsed" else 0
    start += int(time.unit) - 1 if day_ends and time.counts_days else 0
    good = fits & ~marked_rows(faults, len(steps))
    return Parsed(np.where(good, micros + start, NOT_A_TIME), faults)


def _micros(column: pa.Array, steps: NDArray[np.float64], time: TimeColumn) -> tuple[NDArray[np.int64], Mask]:
    """Steps as microseconds, integers to the last of them, and which fit 64 bits."""
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.floor(steps / 1_000) if time.unit == NANOSECONDS else np.rint(steps * time.unit)
        fits = np.abs(length) < LARGEST
    micros = np.zeros(len(steps), np.int64)
    if pa.types.is_integer(column.type):
        exact = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)[fits]
        micros[fits] = exact // 1_000 if time.unit == NANOSECONDS else exact * time.unit
    else:
        micros[fits] = length[fits].astype(np.int64)
    return micros, fits


def _of_another_unit(
    steps: NDArray[np.float64], micros: NDArray[np.int64], fits: Mask, time: TimeColumn
) -> Mapping[str, Mask]:
    """Rows of a clock since 1970 that lie outside the preset's years, by the unit in which they lie inside them."""
    if time.kind != "epoch":
        return {}
    first, last = datetime_microseconds(time.earliest), datetime_microseconds(time.latest)
    never = (micros >= NEVER) & (micros < AFTER_ALL_TIMES)
    odd = (steps > 0) & ~(fits & ((micros >= first) & (micros <= last) | never))
    span, found = f"{time.earliest:%Y-%m-%d} and {time.latest:%Y-%m-%d}", {}
    for name, length in {**UNITS, NANOSECONDS: NANOSECOND}.items() if odd.any() else ():
        with np.errstate(invalid="ignore", over="ignore"):
            inside = odd & (steps * length >= first) & (steps * length <= last)
        found[f"must lie between {span}, unit = {name!r} in the preset would read it"] = inside
        odd &= ~inside
    return found


def _inexact(column: pa.Array, time: TimeColumn, quotes: str) -> Mask:
    """Numbers of which digits were lost before they came: 1.7E+09 from a spreadsheet, or a float too short for them."""
    if pa.types.is_floating(column.type):
        with np.errstate(invalid="ignore"):
            next_one = np.spacing(column.fill_null(0).to_numpy(zero_copy_only=False)).astype(np.float64)
        micros = next_one * (NANOSECOND if time.unit == NANOSECONDS else time.unit)
        lost: Mask = (np.abs(next_one) > 1) & (np.abs(micros) > 1)
        return lost
    if is_number(column.type):
        return np.zeros(len(column), np.bool_)
    text = text_values(column, quotes=quotes)
    powers = pc.fill_null(pc.match_substring(text, "e", ignore_case=True), False).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(powers)
    short = np.zeros(len(text), np.bool_)
    short[rows] = [_is_short(each) for each in text.take(pa.array(rows)).to_pylist()]
    return short


def _is_short(text: str) -> bool:
    found = SHORTENED.fullmatch(text)
    return found is not None and len(found["part"] or "") < int(found["power"])
