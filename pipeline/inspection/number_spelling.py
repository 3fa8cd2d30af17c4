"""How the numbers of a column are spelled: decimal mark, thousands, a currency's sign, and whether that is certain."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.number_text import NumberFormat, read_numbers
from features.schema.source_columns import Numeric
from features.schema.values import is_number

FORMS = (("", "."), (",", "."), ("", ","), (".", ","), (" ", ","), (" ", "."), ("'", "."))
"""Separator of thousands and decimal mark, the plainest first."""
READABLE = 0.99
TRIED, HALF = 256, 0.5
"""A form that cannot read half of so many values is not put to all."""
ONLY_GROUPS = r"^[+-]?\d{1,3}(?:[.,]\d{3})+$|^[+-]?\d+$"
CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP PLN RON "
    "RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
CURRENCY_CODES = frozenset(CODES.split())
"""Those of most payments; a word of three letters that is none of them may be anything."""
SIGNS = CURRENCY_CODES | {"$", "€", "£", "¥", "₹", "₽", "₺", "₩", "₪", "R$", "kr", "Kr", "zł", "Kč", "Fr", "lei", "Ft"}
MISSING_WORDS = tuple(Numeric.model_fields["missing_text"].default)


@dataclass(frozen=True)
class NumberSpelling:
    """How numbers are written.

    Attributes:
        form: reads all of them.
        certain: whether no other reading gives other numbers.
        whole: whether none has a fraction.
        negative: share of the rows below zero.
    """

    form: NumberFormat
    certain: bool
    whole: bool
    negative: float

    @property
    def keys(self) -> dict[str, str]:
        """Keys of a preset, those that are not the usual ones."""
        keys = {"currency": self.form.currency, "thousands": self.form.thousands, "decimal": self.form.decimal}
        return {name: value for name, value in keys.items() if value and (name, value) != ("decimal", ".")}


def number_spelling(column: pa.Array, text: pa.Array, *, quotes: str = "") -> NumberSpelling | None:
    """How a column's values read as numbers; None where they are none.

    Args:
        column: typed, or text.
        text: the same as trimmed text.
        quotes: quote characters around values.
    """
    if text.null_count == len(text):
        return None
    if is_number(column.type):
        return _spelling(column, NumberFormat(), certain=True, quotes=quotes)
    sign = _currency_sign(text)
    some = text.drop_null()[:TRIED]
    best, most = NumberFormat(), 0.0
    for form in (NumberFormat(sign, thousands, decimal) for thousands, decimal in FORMS):
        share = 0.0 if _readable_share(some, form, quotes) < HALF else _readable_share(column, form, quotes)
        best, most = (form, share) if share > most else (best, most)
        if most == 1.0:
            break
    return None if most < READABLE else _spelling(column, best, certain=_certain(text, sign), quotes=quotes)


def _readable_share(column: pa.Array, form: NumberFormat, quotes: str) -> float:
    """Share of the values that are numbers in this form."""
    read = read_numbers(column, form, quotes=quotes, missing_text=MISSING_WORDS)
    unread = sum(int(mask.sum()) for mask in read.unread.values())
    given = len(column) - read.plain.null_count
    return float((given - unread) / given) if given else 0.0


def _spelling(column: pa.Array, form: NumberFormat, *, certain: bool, quotes: str) -> NumberSpelling:
    values = read_numbers(column, form, quotes=quotes, missing_text=MISSING_WORDS).values
    known = values[values == values]  # NaN alone differs from itself
    return NumberSpelling(form, certain, bool((known % 1 == 0).all()), float((known < 0).mean()) if len(known) else 0.0)


def _currency_sign(text: pa.Array) -> str:
    """The sign or code of a currency that stands before or behind each of the first values; empty where none does."""
    signs = {re.sub(r"[\d.,'()\s+\-−–]", "", value) for value in text.drop_null()[:256].to_pylist()}
    return signs.pop() if len(signs) == 1 and signs <= SIGNS else ""


def _certain(text: pa.Array, sign: str) -> bool:
    """Whether a mark that might part thousands or a fraction does but one of them: 1.234 says neither."""
    bare = pc.replace_substring(text, sign, "") if sign else text
    marked = bare.filter(pc.fill_null(pc.match_substring_regex(bare, "[.,]"), False))
    if not len(marked):
        return True
    only_groups = pc.all(pc.match_substring_regex(pc.utf8_trim_whitespace(marked), ONLY_GROUPS)).as_py()
    return not only_groups
