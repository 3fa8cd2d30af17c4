"""Durations and moments as people write them and as arrays need them."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from features.errors import InputError

MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}


def duration_microseconds(text: object) -> int:
    """Length of a duration in microseconds.

    Args:
        text: a whole number and one of d, h, m, s ("7d"), or "0d"; an int is taken as microseconds already.

    Returns:
        Microseconds, never negative. A day is 24 hours: windows are lengths of time, never calendar days.

    Raises:
        InputError: the text is not a duration.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    match = re.fullmatch(r"(\d+)([dhms])", text.strip()) if isinstance(text, str) else None
    if match is None:
        raise InputError(f"must be a whole number and one of d, h, m, s such as '7d', got {text!r}")
    return int(match[1]) * MICROSECONDS[match[2]]


def duration_text(microseconds: int) -> str:
    """The shortest spelling of a duration: 604800000000 is "7d"; 0 is "0d"."""
    for unit, length in MICROSECONDS.items():
        if microseconds % length == 0:
            return f"{microseconds // length}{unit}"
    return f"{microseconds}us"


Duration = Annotated[
    int,
    BeforeValidator(duration_microseconds),
    PlainSerializer(duration_text, return_type=str),
    Field(ge=0, json_schema_extra={"format": "duration"}),
]
"""A pydantic field written as "7d" and held as microseconds."""


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_microseconds(text: str) -> int:
    """An ISO 8601 date or time in microseconds since 1970; without a zone it is UTC.

    Raises:
        InputError: the text is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InputError(f"a time must be ISO 8601 such as 2024-05-01 or 2024-05-01T06:00:00Z, got {text!r}") from None
    difference = moment - EPOCH
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds


def day_microseconds(moment: datetime) -> int:
    """The first microsecond of a moment's day in UTC: what a job that runs every night knows up to."""
    return time_microseconds(f"{moment.astimezone(UTC):%Y-%m-%d}")


def time_text(microseconds: int) -> str:
    """ISO 8601 in UTC, without a fraction where there is none."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=fraction)
    return moment.isoformat().replace("+00:00", "Z")


def time_name(microseconds: int | None) -> str:
    """A time as part of a folder's name; None is "history"."""
    return "history" if microseconds is None else time_text(microseconds).replace(":", "").replace("-", "")
