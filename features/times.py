"""Durations and moments as people write them and as arrays need them: whole microseconds, in UTC since 1970."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationInfo

from features.errors import InputError

SECOND = 1_000_000
"""Microseconds."""
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "us": 1}
LONGEST = 10**18
"""Microseconds, 31,700 years: sums of a few such lengths and a time still fit 64 bits."""
FROM_OUTSIDE = "from_outside"
"""Key of a validation's context: the values were written by a person, so that a length of time needs its unit."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def duration_microseconds(text: object) -> int:
    """Length of a duration in microseconds.

    >>> duration_microseconds("7d") == 7 * DAY
    True

    Args:
        text: a whole number and one of d, h, m, s ("7d"), or "0d"; us, as a length that fits none of these is written.

    Returns:
        Microseconds, never negative. A day is 24 hours: windows are lengths of time, never calendar days.

    Raises:
        InputError: the text is not a duration, a bare number among them: it has no unit.
    """
    match = re.fullmatch(r"([0-9]{1,18})(us|[dhms])", text.strip()) if isinstance(text, str) else None
    if match is None:
        raise InputError(f"must be a whole number and one of d, h, m, s such as '7d', got {text!r}{_unit_hint(text)}")
    length = int(match[1]) * UNITS[match[2]]
    if length > LONGEST:
        raise InputError(f"must be at most {LONGEST // DAY:,} days, got {text!r}")
    return length


def _unit_hint(text: object) -> str:
    """What a number without a unit may have meant."""
    digits = re.fullmatch(r"\s*([0-9]{1,6})\s*", str(text)) if not isinstance(text, bool) else None
    return f"; did you mean '{digits[1]}d'?" if digits else ""


def duration_text(microseconds: int) -> str:
    """The spelling of a duration in the largest unit that it is a whole number of.

    >>> duration_text(7 * DAY), duration_text(36 * HOUR), duration_text(0)
    ('7d', '36h', '0d')
    """
    for unit, length in UNITS.items():
        if microseconds % length == 0:
            return f"{microseconds // length}{unit}"
    return f"{microseconds}us"


def _written_duration(value: object, info: ValidationInfo) -> int:
    """Microseconds of a field: of text anywhere, of a number only where code made it and no file or option did."""
    made_here = not (info.context or {}).get(FROM_OUTSIDE) and info.mode == "python"
    if made_here and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return duration_microseconds(value)


Duration = Annotated[
    int,
    BeforeValidator(_written_duration),
    PlainSerializer(duration_text, return_type=str),
    Field(ge=0, json_schema_extra={"format": "duration"}),
]
"""A pydantic field written as "7d" and held as microseconds.

Code gives it microseconds; in JSON, and with `{FROM_OUTSIDE: True}` as context of a validation, only text is taken.
"""


def time_microseconds(text: str) -> int:
    """An ISO 8601 date or time in microseconds since 1970; without a zone it is UTC.

    >>> time_microseconds("1970-01-02") == time_microseconds("1970-01-02T02:00:00+02:00") == DAY
    True

    Raises:
        InputError: the text is neither.
    """
    try:
        return datetime_microseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InputError(f"a time must be ISO 8601 such as 2024-05-01 or 2024-05-01T06:00:00Z, got {text!r}") from None


def datetime_microseconds(moment: datetime) -> int:
    """A datetime in microseconds since 1970; without a zone it is UTC."""
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def day_microseconds(moment: datetime) -> int:
    """The first microsecond of a moment's day in UTC: what a job that runs every night knows up to."""
    return datetime_microseconds(moment) // DAY * DAY


def time_text(microseconds: int) -> str:
    """ISO 8601 in UTC, without a fraction where there is none; a time outside the years 1 to 9999 as a number.

    >>> time_text(1_714_543_200_000_000)
    '2024-05-01T06:00:00Z'
    """
    try:
        moment = EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} µs since 1970"
    return moment.isoformat().replace("+00:00", "Z")


def time_name(microseconds: int | None) -> str:
    """A time as part of a folder's name; None is "history".

    >>> time_name(1_714_543_200_000_000), time_name(None)
    ('20240501T060000Z', 'history')
    """
    return "history" if microseconds is None else time_text(microseconds).replace(":", "").replace("-", "")
