"""Dates and times of day that stand in columns of their own, put together as ISO 8601 text."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.column_text import text_values

MIDNIGHT = r"[ T]00:00(?::00(?:\.0+)?)?$"
"""What some tools write behind a date."""


def joined_text(columns: Mapping[str, pa.Array], *, quotes: str, clock_digits: int) -> pa.Array:
    """One text for each row out of its parts, null where one of them is.

    Args:
        columns: a date under "", or its year, month and day; and perhaps the time of day under "time".
        quotes: quote characters to take off.
        clock_digits: digits of a time of day that is a bare number: 6 for HHMMSS, 4 for HHMM.
    """
    day = text_values(columns[""], quotes=quotes) if "" in columns else _assembled_day(columns, quotes)
    if "time" not in columns:
        return day
    day = pc.replace_substring_regex(day, MIDNIGHT, "")
    return pc.binary_join_element_wise(day, _digits(columns["time"], quotes, clock_digits), " ")


def with_colons(text: pa.Array) -> pa.Array:
    """Text that ends in a time of day, 093015 and 9:30:15 spelled 09:30:15."""
    for pattern, replacement in ((r" (\d{2})(\d{2})(\d{2}(?:\.\d+)?)$", r" \1:\2:\3"), (r" (\d):", r" 0\1:")):
        if pc.any(pc.match_substring_regex(text, pattern)).as_py():
            text = pc.replace_substring_regex(text, pattern, replacement)
    return text


def _assembled_day(columns: Mapping[str, pa.Array], quotes: str) -> pa.Array:
    parts = [
        pc.utf8_lpad(text_values(columns[key], quotes=quotes), width, "0")
        for key, width in (("year", 4), ("month", 2), ("day", 2))
    ]
    return pc.binary_join_element_wise(*parts, "-")


def _digits(column: pa.Array, quotes: str, width: int) -> pa.Array:
    """A time of day as text; of a bare number, which loses its leading zeros, all digits."""
    text = pc.replace_substring_regex(text_values(column, quotes=quotes), r"^(\d+)\.0+$", r"\1")
    number = pc.match_substring_regex(text, r"^\d+$")
    return pc.if_else(pc.fill_null(number, False), pc.utf8_lpad(text, width, "0"), text)
