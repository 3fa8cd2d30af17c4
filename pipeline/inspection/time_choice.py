"""When a transaction happened and when its label became known, among all columns that read as times."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from features.schema.event_times import NOT_A_TIME
from features.schema.preset import TimeColumn
from pipeline.inspection.column_words import hints_at
from pipeline.inspection.interview import NONE, Interview, Question
from pipeline.inspection.seen_columns import SeenColumns
from pipeline.inspection.time_readings import TimeReading, clock_reading, counted_reading, parts_reading
from pipeline.storage.errors import InputError

FRAUDS_ALONE = 0.5
"""Share of rows with a report below which it can only be one of frauds."""
ALWAYS = 0.999
"""Share of the rows in which one time may be called the earlier one, or a time of day be there."""
MOSTLY = 0.98
"""Share of the rows that must have a time of the transaction: real exports hold a few that nobody can read."""


def event_time_choice(seen: SeenColumns, interview: Interview) -> TimeReading:
    """The time of the transaction.

    Raises:
        InputError: nothing in the file reads as one.
    """
    found = _event_candidates(seen)
    if not found:
        raise InputError(
            "no column reads as the time of a transaction: a preset written by hand can say how (data/README.md)"
        )
    ranked = sorted(found, key=_event_rank, reverse=True)
    best, others = ranked[0], ranked[1:]
    sure = not best.counted and all(_clearly_before(best, other) for other in others)
    name = interview.settle(
        Question(
            "event_time",
            "When did it happen?",
            _title(best),
            _why_event(best, others, sure=sure),
            sure,
            tuple(map(_title, ranked)),
        )
    )
    chosen = next(each for each in ranked if _title(each) == name)
    return _with_zone(_with_format(chosen, interview, "event_time"), interview)


def report_time_choice(seen: SeenColumns, event: TimeReading, interview: Interview) -> TimeReading | None:
    """When the label became known, where a column says so."""
    times = [each.time for each in seen.columns if each.time is not None and each.name not in event.columns]
    later = [time for time in times if _never_before(time, event)]
    named = [time for time in later if hints_at(time.columns[0], "report") and not hints_at(time.columns[0], "later")]
    if not named:
        return None
    best = min(named, key=lambda time: time.filled)
    name = interview.settle(
        Question(
            "label_available_at",
            "Which column says when the label became known?",
            _title(best),
            f"{_title(best)} is named for it, and never lies before its transaction",
            len(named) == 1 and (best.filled < FRAUDS_ALONE or hints_at(best.columns[0], "known_later")),
            (*map(_title, named), NONE),
        )
    )
    chosen = next((time for time in named if _title(time) == name), None)
    return None if chosen is None else _with_format(chosen, interview, "label_available_at")


def _event_candidates(seen: SeenColumns) -> list[TimeReading]:
    """Full columns of times, dates joined with their time of day, and counted steps where there is nothing better."""
    arrays, found = seen.arrays, []
    full = [each.time for each in seen.columns if each.time is not None and each.time.filled >= MOSTLY]
    for time in full:
        name = time.columns[0]
        if not (hints_at(name, "report") or hints_at(name, "birth")):
            found.append(_joined(time, seen) or time)
    parts = parts_reading(arrays, quotes=seen.quotes)
    if parts is not None:
        found.append(parts)
    if not found:
        steps = (counted_reading(each.name, each.column, quotes=seen.quotes) for each in seen.columns)
        found = [time for time in steps if time is not None and time.filled >= MOSTLY]
    return found


def _joined(day: TimeReading, seen: SeenColumns) -> TimeReading | None:
    clocks = [each.name for each in seen.columns if each.time is None and each.filled >= ALWAYS]
    readings = (clock_reading(day, name, seen.arrays, quotes=seen.quotes) for name in clocks)
    return next((reading for reading in readings if reading is not None), None)


def _event_rank(time: TimeReading) -> tuple[int, int]:
    """By what the name says, then by what lies earlier."""
    name = " ".join(time.columns)
    words = 2 * hints_at(name, "event") + hints_at(name, "clock") - 3 * hints_at(name, "later")
    return words + (len(time.columns) > 1), -int(np.median(time.micros))


def _clearly_before(best: TimeReading, other: TimeReading) -> bool:
    """Whether nobody would take the other for the time of the transaction."""
    earlier = float((best.micros <= other.micros).mean()) >= ALWAYS
    finer = best.by_day and not other.by_day and not hints_at(" ".join(other.columns), "later")
    return (
        not finer
        and _event_rank(best)[0] > _event_rank(other)[0]
        and (earlier or hints_at(" ".join(other.columns), "later"))
    )


def _never_before(time: TimeReading, event: TimeReading) -> bool:
    """Whether the times lie at or after the transaction's, days compared as days."""
    known = time.micros != NOT_A_TIME
    if not known.any() or len(time.micros) != len(event.micros):
        return False
    ends = time.micros + (86_400_000_000 - 1 if time.by_day else 0)
    # a midnight before its own transaction on that day means the day
    return float((ends[known] >= event.micros[known]).mean()) >= ALWAYS


def _with_format(time: TimeReading, interview: Interview, about: str) -> TimeReading:
    """With day and month in the order that somebody said, where the file does not."""
    if not time.alternative:
        return time
    form = time.keys["formats"][0]
    chosen = interview.settle(
        Question(
            about,
            "Day first or month first?",
            form,
            f"no day above 12 says whether {form} or {time.alternative[0]} is meant",
            options=(form, *time.alternative),
        )
    )
    return replace(time, keys={**time.keys, "formats": [chosen]})


def _with_zone(time: TimeReading, interview: Interview) -> TimeReading:
    if not time.naive or time.counted:
        return time
    zone = interview.settle(
        Question(
            "event_time",
            "In which time zone are the times? (such as Europe/Brussels)",
            "UTC",
            "the times carry no zone; UTC is assumed",
            check=lambda zone: TimeColumn(column="time", timezone=zone),
        )
    )
    return time if zone == "UTC" else replace(time, keys={**time.keys, "timezone": zone})


def _why_event(best: TimeReading, others: Sequence[TimeReading], *, sure: bool) -> str:
    if best.counted:
        return f"{_title(best)} counts {best.keys['unit']} from a start that the file does not name; 1970 stands for it"
    rest = ", ".join(map(_title, others))
    if not others:
        return f"{_title(best)} is the only column that reads as a time in all rows and is no report or birthday"
    return f"{_title(best)} is named for it and lies before {rest}" if sure else f"it might be {rest} as well"


def _title(time: TimeReading) -> str:
    return " + ".join(time.columns)


def time_columns(*times: TimeReading | None) -> Iterator[str]:
    """The columns that times were read from."""
    for time in times:
        if time is not None:
            yield from time.columns
