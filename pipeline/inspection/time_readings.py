"""How a column reads as times: ISO 8601, another format, stamps since 1970, or steps since a start nobody names.

Every guess is put to the reader that ingest uses, so what is found here is read there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import text_values
from features.schema.event_times import instants
from features.schema.instants import NOT_A_TIME, Instants
from features.schema.time_column import TimeColumn
from features.times import DAY, time_microseconds
from pipeline.inspection.column_words import hints_at, name_words

DAY_FORMATS = (
    "%d.%m.%Y %d/%m/%Y %m/%d/%Y %d-%m-%Y %m-%d-%Y %Y/%m/%d %Y.%m.%d %Y%m%d %d-%b-%Y %d.%m.%y %d/%m/%y %m/%d/%y %d-%b-%y"
)
DAYS = (*DAY_FORMATS.split(), "%d %b %Y")
CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", " %H:%M:%S%z")
SOLID = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
FORMATS = (*(f"{day}{clock}" for clock in CLOCKS for day in DAYS), *SOLID[1:])
STAMP_DIGITS = 9
DATE_PARTS = ("year", "month", "day")
MIXED_UP = (("%d/%m", "%m/%d"), ("%d-%m", "%m-%d"), ("%d.%m.%y", "%y.%m.%d"), ("%d/%m/%y", "%y/%m/%d"))
"""The day first, the month first or a short year first: a file of few days does not say."""
STEPS = {"s": 1, "ms": 1_000, "us": 1_000_000}
EARLIEST, LATEST = time_microseconds("2000-01-01"), time_microseconds("2045-01-01")
READABLE = 0.99
"""Share of the values that must be times."""
TRIED = 64
STEP_WORDS = {
    "s": {"second", "seconds", "sec", "secs"},
    "h": {"hour", "hours", "step"},
    "d": {"day", "days"},
    "30d": {"month", "months"},
}
CLOCK_TEXT, CLOCK_DIGITS = r"^\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$", r"^\d{3,6}$"
DAY_SHAPE = r"\d{1,4}[./ -](?:\d{1,2}|[A-Za-z]{3})[./ -]\d{2,4}|\d{8}"
Columns = Mapping[str, pa.Array]


@dataclass(frozen=True)
class TimeReading:
    """One way to read times.

    Attributes:
        columns: that it reads: one, or a date and a time of day, or the parts of a date.
        keys: of the preset's time column.
        micros: times of the sample, NOT_A_TIME where there is none [N].
        naive: whether no zone is given.
        alternative: formats that would read every value too, and as another time; empty where none would.
        counted: steps since a start that only a person can name.
    """

    columns: tuple[str, ...]
    keys: Mapping[str, Any]
    micros: NDArray[np.int64]
    naive: bool
    alternative: tuple[str, ...] = ()
    counted: bool = False

    @property
    def by_day(self) -> bool:
        """Whether the times are days alone."""
        known = self.micros[self.micros != NOT_A_TIME]
        return bool(len(known)) and not (known % DAY).any()

    @property
    def filled(self) -> float:
        """Share of the rows that have a time."""
        return float((self.micros != NOT_A_TIME).mean()) if len(self.micros) else 0.0


def time_reading(name: str, column: pa.Array, *, quotes: str = "") -> TimeReading | None:
    """How one column reads as times; None where it does not."""
    text = text_values(column, quotes=quotes)
    if text.null_count == len(text):
        return None
    for keys in _guesses(name, column, text):
        read = _read({"": column}, {"column": name, **keys}, quotes)
        if read is None or ("origin" not in keys and not _plausible(read.micros)):
            continue
        formats = keys.get("formats", ())
        other = tuple(each for form in formats for each in _mixed_up(form) if _reads(column, each, quotes))
        return TimeReading((name,), {"column": name, **keys}, read.micros, bool(read.naive.any()), other)
    return None


def counted_reading(name: str, column: pa.Array, *, quotes: str = "") -> TimeReading | None:
    """A column of whole steps since some start, where its name says that it is one; None otherwise."""
    words = set(name_words(name))
    unit = next((unit for unit, own in STEP_WORDS.items() if words & own), "s" if words & {"time", "dt"} else "")
    keys = {"kind": "elapsed", "column": name, "unit": unit}
    if not unit or not _is_whole(text_values(column, quotes=quotes)):
        return None
    read = _read({"": column}, keys, quotes)
    return None if read is None else TimeReading((name,), keys, read.micros, False, counted=True)


def clock_reading(day: TimeReading, name: str, columns: Columns, *, quotes: str = "") -> TimeReading | None:
    """A date with the time of day beside it that stands in a column of its own; None where that is none."""
    text = text_values(columns[name], quotes=quotes)
    shape = f"{CLOCK_TEXT}|{CLOCK_DIGITS}" if hints_at(name, "clock") else CLOCK_TEXT
    if not day.by_day or not pc.all(pc.match_substring_regex(text, shape)).as_py():
        return None
    source = day.columns[0]
    keys = {**day.keys, "column": source, "time": name}
    read = _read({"": columns[source], "time": columns[name]}, keys, quotes)
    return None if read is None else TimeReading((source, name), keys, read.micros, True, day.alternative)


def parts_reading(columns: Columns, *, quotes: str = "") -> TimeReading | None:
    """A date in columns of year, month and day, with the time of day where there is one; None where there are none."""
    words = {name: set(name_words(name)) for name in columns}
    parts = {part: next((name for name, own in words.items() if own == {part}), "") for part in DATE_PARTS}
    if not all(parts.values()):
        return None
    clock = next((name for name, own in words.items() if own & {"time", "clock"} and "unix" not in own), "")
    used = {**parts, **({"time": clock} if clock else {})}
    keys = {"kind": "parts", **used}
    read = _read({part: columns[name] for part, name in used.items()}, keys, quotes)
    return None if read is None else TimeReading(tuple(used.values()), keys, read.micros, True)


def _guesses(name: str, column: pa.Array, text: pa.Array) -> Iterator[dict[str, Any]]:
    """Keys worth trying, the plainest first."""
    some = text.drop_null()[:TRIED]
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        yield {}
    elif _is_whole(some):
        yield from _digit_guesses(name, some)
    else:
        yield {}
        yield from _format_guesses(some)


def _digit_guesses(name: str, some: pa.Array) -> Iterator[dict[str, Any]]:
    """Dates without signs between their parts, and stamps; numbers of cards are neither."""
    digits = {len(value) for value in some.to_pylist()}
    if digits <= {8, 12, 14}:
        yield from ({"formats": [form]} for form in SOLID if _reads(some, form, ""))
    if min(digits) >= STAMP_DIGITS and not hints_at(name, "card"):
        yield from ({"kind": "epoch", "unit": unit} for unit in STEPS)


def _format_guesses(some: pa.Array) -> Iterator[dict[str, Any]]:
    """Formats whose signs the first value has, where it looks like a date."""
    first = some[0].as_py()
    if re.match(DAY_SHAPE, first):
        likely = (form for form in FORMATS if set(re.sub("%.", "", form)) <= set(first))
        yield from ({"formats": [form]} for form in likely if _reads(some, form, ""))


def _read(columns: Columns, keys: Mapping[str, Any], quotes: str) -> Instants | None:
    """The times, where nearly all values are some."""
    time = TimeColumn.model_validate(keys)
    read = instants(columns, time=time, quotes=quotes)
    unread = sum(int(mask.sum()) for mask in read.unreadable.values())
    known = int((read.micros != NOT_A_TIME).sum())
    return read if known and known >= READABLE * (known + unread) else None


def _plausible(micros: NDArray[np.int64]) -> bool:
    known = micros[micros != NOT_A_TIME]
    inside = (known >= EARLIEST) & (known < LATEST)
    return bool(inside.mean() >= READABLE)


def _reads(column: pa.Array, form: str, quotes: str) -> bool:
    return _read({"": column}, {"column": "", "formats": [form]}, quotes) is not None


def _mixed_up(form: str) -> Sequence[str]:
    """The same format with day and month in each other's place."""
    swaps = [(first, second) for pair in MIXED_UP for first, second in (pair, pair[::-1]) if first in form]
    return [form.replace(first, second) for first, second in swaps]


def _is_whole(text: pa.Array) -> bool:
    digits = pc.all(pc.match_substring_regex(text, r"^\d+(?:\.0+)?$")).as_py()
    return bool(digits)
