"""Texts that a strptime format means, and no others.

The C library reads more than a format says: it carries 31 February over into March, takes a 60th second, and knows no
fraction of one. So every text is held against the format's own grammar first, whose days are those of the calendar.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import InputError

SHORTHAND = {"%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%F": "%Y-%m-%d", "%h": "%b", "%e": "%d"}
WEEKDAY = "(?i:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)"
CLOCK = {
    "%H": "(?:[01]~[0-9]|2[0-3])",
    "%I": "(?:0~[1-9]|1[0-2])",
    "%M": "[0-5]~[0-9]",
    "%S": "[0-5]~[0-9]",
    "%p": "(?i:am|pm)",
    "%f": "[0-9]{1,9}",
    "%z": "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)",
    "%a": WEEKDAY,
    "%A": WEEKDAY,
    "%%": "%",
}
"""Grammar of what is no date; the digit before a `~` may be left out where nothing else could be meant then."""
DATE = ("%Y", "%y", "%m", "%d", "%b", "%B")
NUMBERS = frozenset({"%Y", "%y", "%m", "%d", "%H", "%I", "%M", "%S", "%f"})
NEEDED = (("a year", ("%Y", "%y")), ("a month", ("%m", "%b", "%B")), ("a day", ("%d",)))
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
UTC_NAMES = ("UTC", "GMT", "Z")


@dataclass(frozen=True)
class _Days:
    """Days of a month, the months that have them, and the years (of four and of two digits) in which these do."""

    days: str
    months: tuple[int, ...]
    long_years: str = "[0-9]{4}"
    short_years: str = "[0-9]{2}"


LEAP = "(?:0[48]|[2468][048]|[13579][26])"
CALENDAR = (
    _Days("(?:0~[1-9]|[12][0-9]|3[01])", (1, 3, 5, 7, 8, 10, 12)),
    _Days("(?:0~[1-9]|[12][0-9]|30)", (4, 6, 9, 11)),
    _Days("(?:0~[1-9]|1[0-9]|2[0-8])", (2,)),
    _Days("29", (2,), f"(?:[0-9]{{2}}{LEAP}|(?:{LEAP}|00)00)", f"(?:00|{LEAP})"),
)
ANY_DAY = _Days("[0-9]{1,2}", tuple(range(1, 13)))


@dataclass(frozen=True)
class DateFormat:
    """One format, taken apart.

    Attributes:
        text: what strptime is given: shorthand spelled out, without the fraction of a second.
        grammar: regular expression of the texts that it means.
        fraction: the same with what stands before, in and behind the fraction as groups; "" where it has none.
        zoned: whether it says which zone a time is in.
        clock: whether it says the time of day.
    """

    text: str
    grammar: str
    fraction: str
    zoned: bool
    clock: bool

    def read(self, texts: pa.Array) -> pa.Array:
        """Timestamps in µs, in UTC where the format is zoned; null where a text is another."""
        wanted = pc.if_else(pc.match_substring_regex(texts, self.grammar), texts, None)
        if not self.fraction:
            return self._stamps(wanted)
        digits = pc.utf8_rpad(pc.replace_substring_regex(wanted, self.fraction, r"\2"), 6, "0")
        micros = pc.cast(pc.utf8_slice_codeunits(digits, 0, 6), pa.int64())
        whole = self._stamps(pc.replace_substring_regex(wanted, self.fraction, r"\1\3"))
        return pc.cast(pc.add(pc.cast(whole, pa.int64()), micros), whole.type)

    def _stamps(self, texts: pa.Array) -> pa.Array:
        stamps = pc.strptime(texts, format=self.text, unit="us", error_is_null=True)
        return pc.cast(pc.cast(stamps, pa.int64()), pa.timestamp("us", "UTC" if self.zoned else None))


@lru_cache(maxsize=256)
def date_format(form: str) -> DateFormat:
    """A format taken apart.

    >>> date_format("%d.%m.%Y").read(pa.array(["31.01.2024", "31.02.2024"])).is_valid().to_pylist()
    [True, False]

    Raises:
        InputError: it holds a directive that no time is read by, or lacks year, month or day.
    """
    tokens = _tokens(form)
    unknown = sorted({token for token in tokens if token[0] == "%" and token not in {*CLOCK, *DATE}})
    if unknown:
        known = ", ".join(sorted({*DATE, *CLOCK, *SHORTHAND} - {"%%"}))
        raise InputError(f"must hold directives that times are read by ({known}), got {', '.join(unknown)} in {form!r}")
    for what, directives in NEEDED:
        if not set(directives) & set(tokens):
            raise InputError(f"must hold {what} ({' or '.join(directives)}), got {form!r}")
    place = tokens.index("%f") if "%f" in tokens else None
    return DateFormat(
        text="".join(each for each in tokens if each != "%f"),
        grammar="|".join(f"^(?:{_grammar(tokens, days)})$" for days in CALENDAR),
        fraction="" if place is None else _around(tokens, place),
        zoned="%z" in tokens or form.endswith(UTC_NAMES),
        clock=bool({"%H", "%I"} & set(tokens)),
    )


def _tokens(form: str) -> list[str]:
    """Directives and single characters, shorthand spelled out."""
    spelled = re.sub("%[TRDFhe]", lambda found: SHORTHAND[found[0]], form)
    return re.findall("%.|[^%]|%$", spelled, re.DOTALL)


def _grammar(tokens: list[str], days: _Days) -> str:
    return "".join(_piece(tokens, place, days) for place in range(len(tokens)))


def _around(tokens: list[str], place: int) -> str:
    """The text before the token at a place, the token, and the text behind it, as groups."""
    pieces = [_piece(tokens, each, ANY_DAY) for each in range(len(tokens))]
    return f"^({''.join(pieces[:place])})({pieces[place]})({''.join(pieces[place + 1 :])})$"


def _piece(tokens: list[str], place: int, days: _Days) -> str:
    directive = tokens[place]
    if directive.isspace():
        return r"\s+"
    if len(directive) == 1:
        return re.escape(directive)
    # Digits that touch other digits must all be there: 2024111 could be two days.
    touching = set(tokens[max(place - 1, 0) : place] + tokens[place + 1 : place + 2]) & NUMBERS
    return _named(directive, days).replace("~", "" if touching else "?")


def _named(directive: str, days: _Days) -> str:
    if directive in CLOCK:
        return CLOCK[directive]
    if directive in ("%b", "%B"):
        names = [MONTHS.split("|")[month - 1] for month in days.months]
        return f"(?i:{'|'.join(f'{name}|{name[:3]}' for name in names)})"
    if directive == "%m":
        return f"(?:{'|'.join(f'0~{month}' if month < 10 else str(month) for month in days.months)})"
    return {"%d": days.days, "%Y": days.long_years, "%y": days.short_years}[directive]
