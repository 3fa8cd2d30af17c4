"""Durations as people write them ("7d", "36h") and as arrays need them (whole microseconds)."""

import re
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
