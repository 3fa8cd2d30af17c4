"""Numbers as people write them: currency signs, separators, and the minus of accountants."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import text_values
from features.schema.faults import Mask
from features.schema.values import is_number, numbers

SPACE = "[ \u00a0\u2007\u2009\u202f]"
"""A space, and those that keep a number on one line."""
APOSTROPHE = "['\u2019]"
MINUS = "[\u2212\u2013\ufe63\uff0d]"
"""What typesetters and spreadsheets write for a minus."""
HINTS = (
    (r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?$", "thousands = ','"),
    (r"^[+-]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?$", "thousands = '.' and decimal = ','"),
    (rf"^[+-]?[0-9]{{1,3}}(?:{SPACE}[0-9]{{3}})+(?:[.,][0-9]*)?$", "thousands = ' '"),
    (r"^[+-]?[0-9]+,[0-9]+$", "decimal = ','"),
    (r"^[+-]?(?:[^0-9 .,+-]{1,4}\s*[0-9][0-9.,]*|[0-9][0-9.,]*\s*[^0-9 .,+-]{1,4})$", "currency"),
)
"""Shapes of texts that are no plain number, and the key that would read them."""


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written: sign or letters beside them, separator of thousands, decimal mark."""

    currency: str = ""
    thousands: str = ""
    decimal: str = "."

    @property
    def plain(self) -> bool:
        """Whether nothing but digits and a point is expected."""
        return not self.currency and not self.thousands and self.decimal == "."

    @property
    def pattern(self) -> str:
        """A number in this format, its sign, whole part and fraction as groups."""
        thousands, symbol = _alike(self.thousands), self.currency.strip(" \u00a0\u2007\u2009\u202f")
        grouped = rf"|[0-9]{{1,3}}(?:{thousands}[0-9]{{3}})+" if thousands else ""
        sign = rf"(?:{re.escape(symbol)})?{SPACE}*" if symbol else ""
        part = rf"(?:{re.escape(self.decimal)}(?P<part>[0-9]*))?"
        return rf"^(?P<sign>[+-]?){SPACE}*{sign}(?P<inner>[+-]?)(?P<whole>[0-9]+{grouped}){part}{SPACE}*{sign}$"


@dataclass(frozen=True)
class ReadNumbers:
    """A column of numbers.

    Attributes:
        plain: the numbers as the file types them, or as text in plain notation, null where missing [N].
        values: the same as float64, NaN where missing [N].
        unread: rows whose text is no number [N], by the key of the preset that would read it, "" where none would.
    """

    plain: pa.Array
    values: NDArray[np.float64]
    unread: Mapping[str, Mask]


def read_numbers(
    column: pa.Array, form: NumberFormat, *, quotes: str = "", missing_text: Sequence[str] = ()
) -> ReadNumbers:
    """Numbers in one format; negative ones may be written (12.50), 12.50- and with a minus sign of any kind."""
    if is_number(column.type) or pa.types.is_boolean(column.type):
        typed = _as_written(column)
        return ReadNumbers(typed, numbers(typed)[0], {})
    text = text_values(column, quotes=quotes)
    if missing_text:
        text = pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(missing_text, pa.string())), None, text)
    plain = text if form.plain else _by_format(text, form)
    values, unread = numbers(plain)
    if not unread.any():
        return ReadNumbers(plain, values, {})
    signed = _signed(text.filter(pa.array(unread)))
    plain = pc.replace_with_mask(plain, pa.array(unread), signed if form.plain else _by_format(signed, form))
    values, unread = numbers(plain)
    return ReadNumbers(plain, values, _by_hint(text, unread))


def _as_written(column: pa.Array) -> pa.Array:
    """Single precision as the decimal that was written, 0.1 and not 0.10000000149; decimals to their last digit."""
    if pa.types.is_decimal(column.type):
        return text_values(column)
    short = pa.types.is_float32(column.type) or pa.types.is_float16(column.type)
    return pc.cast(pc.cast(column, pa.float32()), pa.string()) if short else column


def _by_hint(text: pa.Array, unread: Mask) -> dict[str, Mask]:
    found, rest = {}, unread
    odd = pc.if_else(pa.array(unread), text, None)
    for pattern, key in HINTS:
        rows = rest & _matching(odd, pattern).to_numpy(zero_copy_only=False)
        found[key], rest = rows, rest & ~rows
    return {key: rows for key, rows in {"": rest, **found}.items() if rows.any()}


def _alike(thousands: str) -> str:
    """The separator, and characters that are taken for it."""
    for kind in (SPACE, APOSTROPHE):
        if thousands and re.fullmatch(kind, thousands):
            return kind
    return re.escape(thousands)


def _by_format(text: pa.Array, form: NumberFormat) -> pa.Array:
    found = pc.extract_regex(text, pattern=form.pattern)
    whole = pc.struct_field(found, "whole")
    if form.thousands:
        whole = pc.replace_substring_regex(whole, _alike(form.thousands), "")
    sign, inner, part = (pc.struct_field(found, name) for name in ("sign", "inner", "part"))
    plain = pc.binary_join_element_wise(sign, inner, whole, ".", part, "")
    unread = pc.and_(pc.is_valid(text), pc.is_null(found))
    return pc.if_else(unread, pc.binary_join_element_wise("not plain:", text, ""), plain)


def _signed(text: pa.Array) -> pa.Array:
    """Texts with the minus in front that accountants and typesetters write otherwise."""
    text = pc.replace_substring_regex(text, MINUS, "-")
    text = pc.replace_substring_regex(text, r"^\(([^()+-]*[0-9][^()+-]*)\)$", r"-\1")
    text = pc.replace_substring_regex(text, rf"^([^+-]*[0-9][^+-]*?){SPACE}*-$", r"-\1")
    return pc.replace_substring_regex(text, rf"^([+-]){SPACE}+", r"\1")


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(text, pattern), False)
