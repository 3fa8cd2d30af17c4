"""Values that no reading takes, told in microseconds: reading a row as a file does takes a hundred times as long.

What is told here is refused there too; what is not may be refused there all the same.
"""

from collections.abc import Mapping
from typing import Any

LARGEST_AMOUNT = 1e15
EXACT = 2.0**53
FIRST_BEYOND, FIRST_TEXT = 2**63, 2**64
"""Whole numbers from the one up to the other fit no column of ids; larger ones are texts."""
LONGEST_TIME = 64
Fault = tuple[str, str]


def sure_faults(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[Fault]:
    """Fields that are wrong for certain, each with what must hold.

    Args:
        row: values by source column; of a preset under which plain values mean what they say.
        columns: source column by role.
    """
    found = []
    for role, source in columns.items():
        problem = _problem(role, row[source])
        if problem:
            found.append((source, problem))
    return found


def _problem(role: str, value: Any) -> str:
    if role == "event_time":
        return _of_time(value)
    if role == "amount":
        return _of_amount(value)
    if role == "transaction_id" and (value is None or value == ""):
        return "must not be blank"
    return _of_id(value) if role.endswith("_id") else ""


def _of_time(value: Any) -> str:
    if value is None or value == "":
        return "must not be blank"
    if type(value) is str and len(value) <= LONGEST_TIME and not value.isdecimal() and not value.isalpha():
        return ""
    return "must be a date and time such as 2024-05-31T14:30:00Z"


def _of_amount(value: Any) -> str:
    if value is None or value == "":
        return "must not be blank"
    if type(value) is str:
        return "" if any(letter.isdecimal() for letter in value) else "must be a number"
    if type(value) in (int, float) and not 0 <= value <= LARGEST_AMOUNT:
        return "must be a number from 0 to what an amount can be"
    return ""


def _of_id(value: Any) -> str:
    if type(value) is float and (abs(value) >= EXACT or not value.is_integer()):
        return "must be text or a whole number, a float cannot hold it exactly"
    if type(value) is int and FIRST_BEYOND <= value < FIRST_TEXT:
        return "must be below 2^63"
    return ""
