"""When a transaction happened and when its label became known, among all columns that read as times."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.instants import NOT_A_TIME
from pipeline.inspection.column_words import hints_at
from pipeline.inspection.interview import NONE, Interview, Question
from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.leak_signs import is_one_sided, outcomes
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns
from pipeline.inspection.time_readings import TimeReading, clock_reading, counted_reading, parts_reading
from pipeline.inspection.zone_answer import zone_answer
from pipeline.storage.errors import InputError

FRAUDS_ALONE = 0.5
"""Share of rows with a report below which it can only be one of frauds."""
ALWAYS = 0.999
"""Share of the rows in which one time may be called the earlier one, or a time of day be there."""
MOSTLY = 0.98
"""Share of the rows that must have a time of the transaction: real exports hold a few that nobody can read."""


AWAY = r"[+-](?:0[1-9]|1\d|00:?[1-9]\d)(?::?\d{2})?$"
"""A distance from UTC at the end of a time, other than none."""


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
    sure = not best.counted and not best.by_day and all(_clearly_before(best, other) for other in others)
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
    return _with_zone(_with_format(chosen, interview, "event_time"), interview, "event_time")


def report_time_choice(
    seen: SeenColumns, event: TimeReading, label: LabelChoice, interview: Interview
) -> TimeReading | None:
    """When the label became known: a column named for it, or one that frauds alone have; None where there is none."""
    times = [each for each in seen.columns if each.time is not None and each.name not in {*event.columns, label.column}]
    later = [each for each in times if each.time is not None and _never_before(each.time, event)]
    known = outcomes(seen, label)
    named = [each for each in later if each.hints("report") and not each.hints("later")]
    found = named or [each for each in later if is_one_sided(each, known)]
    if not found:
        return None
    best = min(found, key=lambda each: each.filled)
    sure = len(named) == 1 and (best.filled < FRAUDS_ALONE or best.hints("known_later"))
    why = "is named for it" if named else "is there for frauds alone"
    evidence = f"{why} and never lies before its transaction"
    doubt = f"does {best.name} say when the label became known? it {evidence}"
    name = interview.settle(
        Question(
            "label_available_at",
            "Which column says when the label became known?",
            best.name,
            f"{best.name} {evidence}" if sure else doubt,
            sure,
            (*(each.name for each in found), NONE),
        )
    )
    chosen = next((each.time for each in found if each.name == name), None)
    return (
        None
        if chosen is None
        else _in_zone_of(event, _with_format(chosen, interview, "label_available_at"), seen, interview)
    )


def _event_candidates(seen: SeenColumns) -> list[TimeReading]:
    """Full columns of times, dates joined with their time of day, and counted steps where there is nothing better."""
    times = [each.time for each in seen.columns if each.time is not None and _may_be_event(each)]
    found = [_joined(time, seen) or time for time in times if time.filled >= MOSTLY]
    parts = parts_reading(seen.arrays, quotes=seen.quotes)
    if parts is not None:
        found.append(parts)
    if found:
        return found
    steps = (counted_reading(each.name, each.column, quotes=seen.quotes) for each in seen.columns)
    return [time for time in steps if time is not None and time.filled >= MOSTLY]


def _may_be_event(column: SeenColumn) -> bool:
    return not (column.hints("report") or column.hints("birth"))


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
            f"is {form} or {time.alternative[0]} meant? no day above 12 says it; {form} is taken",
            options=(form, *time.alternative),
        )
    )
    return replace(time, keys={**time.keys, "formats": [chosen]})


def _with_zone(time: TimeReading, interview: Interview, about: str) -> TimeReading:
    if not time.naive or time.counted:
        return time
    zone = interview.settle(
        Question(
            about,
            f"In which time zone are the times of {_title(time)}? (such as Europe/Brussels)",
            "UTC",
            f"the times of {_title(time)} carry no zone; UTC is assumed",
            reading=zone_answer,
        )
    )
    return time if zone == "UTC" else replace(time, keys={**time.keys, "timezone": zone})


def _in_zone_of(event: TimeReading, report: TimeReading, seen: SeenColumns, interview: Interview) -> TimeReading:
    """With the zone of the transaction: a day that ended in UTC would be over too early west of Greenwich."""
    if not report.naive:
        return report
    if not event.naive and _away_from_utc(seen.named(event.columns[0])):
        return _with_zone(report, interview, "label_available_at")
    zone = event.keys.get("timezone")
    return report if zone is None else replace(report, keys={**report.keys, "timezone": zone})


def _away_from_utc(times: SeenColumn) -> bool:
    """Whether times carry a distance from UTC, or a zone, that is another."""
    kind = times.column.type
    if pa.types.is_timestamp(kind):
        return kind.tz not in (None, "UTC", "+00:00")
    return bool(pc.any(pc.match_substring_regex(times.text, AWAY)).as_py())


def _why_event(best: TimeReading, others: Sequence[TimeReading], *, sure: bool) -> str:
    if best.counted:
        unit = best.keys["unit"]
        return f"when does {_title(best)} begin to count {unit}? the file does not say; 1970 stands for it"
    if best.by_day:
        return (
            f"does a column have the time of day? {_title(best)} says the day alone, and windows of hours mean little"
        )
    rest = ", ".join(map(_title, others))
    if not others:
        return f"{_title(best)} is the only column that reads as a time in all rows and is no report or birthday"
    if sure:
        return f"{_title(best)} is named for it and lies before {rest}"
    return f"is {_title(best)} the time of the transaction? it might be {rest} as well"


def _title(time: TimeReading) -> str:
    return " + ".join(time.columns)


def time_columns(*times: TimeReading | None) -> Iterator[str]:
    """The columns that times were read from."""
    for time in times:
        if time is not None:
            yield from time.columns
