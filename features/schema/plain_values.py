"""Single values of a plain spelling, read without a column around them; whatever is spelled otherwise is left to that.

Each function is the reading of whole columns cut down to spellings of which nothing needs to be asked. It raises
`NotPlainError` on everything else, so that no second set of rules is needed for what is odd.
"""

import math
import re
from datetime import UTC, datetime, timedelta

PLAIN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}").fullmatch
WHOLE = re.compile(r"0|[1-9][0-9]{0,17}").fullmatch
TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch
AMOUNT = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,4}))?").fullmatch
NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch
LARGEST_AMOUNT = 10**11
"""Units; minor units of it are far below 2^53, whatever the scale."""
LARGEST_WHOLE = 2**53
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class NotPlainError(Exception):
    """A value that only the reading of columns can judge."""


def plain_id(value: object) -> str | int | None:
    """An id as it stands: text of letters and digits, or a whole number."""
    if value is None:
        return None
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if type(value) is str and PLAIN_ID(value):
        return value
    raise NotPlainError


def plain_whole_id(value: object) -> int | None:
    """An id that is a whole number, as one or as text."""
    if value is None:
        return None
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if type(value) is str and WHOLE(value):
        return int(value)
    raise NotPlainError


def plain_time(value: object) -> int:
    """Microseconds since 1970 of ISO 8601 with its distance from UTC."""
    if type(value) is str and TIME(value):
        try:
            return (datetime.fromisoformat(value) - EPOCH) // MICROSECOND
        except ValueError:
            raise NotPlainError from None
    raise NotPlainError


def plain_minor(value: object, scale: int) -> int:
    """Minor units of an amount that has no finer digits."""
    if type(value) is str:
        found = AMOUNT(value)
        if found is not None:
            digits = len(str(scale)) - 1
            fraction = (found[2] or "").ljust(digits, "0")
            if len(fraction) == digits:
                return int(found[1] + fraction)
    elif type(value) is float and 0 <= value <= LARGEST_AMOUNT:
        minor = round(value * scale)
        if minor / scale == value:
            return minor
    elif type(value) is int and 0 <= value <= LARGEST_AMOUNT:
        return value * scale
    raise NotPlainError


def plain_label(value: object) -> int | None:
    """0, 1, or None where it is not known."""
    if value is None:
        return None
    if type(value) is str and value in ("0", "1"):
        return int(value)
    if type(value) is int and value in (0, 1):
        return value
    raise NotPlainError


def plain_text(value: object) -> str | None:
    """A category as it stands: visible letters of ASCII, no blank at an end."""
    if value is None:
        return None
    if type(value) is str and value.isascii() and value.isprintable() and value and value == value.strip():
        return value
    raise NotPlainError


def plain_number(value: object) -> float:
    """A number, NaN where there is none."""
    if value is None:
        return math.nan
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and abs(value) <= LARGEST_WHOLE:
        return float(value)
    if type(value) is str and NUMBER(value):
        return float(value)
    raise NotPlainError
