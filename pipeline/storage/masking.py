"""What may be said of a value: every message, log record and traceback passes here before anyone reads it.

Card numbers, e-mail addresses and passwords become marks, wherever they came from: a library's error that quotes a
row, the name of a column in a file without a header, a path. What Harbor itself says of a value is its shape alone.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.storage.addresses import without_passwords

MARK = "…"
FEWEST_DIGITS, MOST_DIGITS = 12, 19
"""Lengths of card numbers (ISO/IEC 7812)."""
SHOWN_SHAPE = 40
SHORT_WORD = 3
"""Letters of a word that a shape shows as they are: a unit, a currency or a yes says what is wrong and names nobody."""

BETWEEN = r"[\s\u00a0\u2007-\u200b\u202f\u2060.,:;'’\"_*|/\\\-\u2010-\u2015\u2212]{1,3}"
DIGEST = r"\b(?=[0-9a-f]*[a-f])[0-9a-f]{32,}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
DAY = r"(?<!\d)(?:19|20)\d\d(?P<dash{n}>[-/.]?)(?:0[1-9]|1[0-2])(?P=dash{n})(?:0[1-9]|[12]\d|3[01])"
TIMESTAMP = DAY.format(n=1) + r"[ T_-]?(?:[01]\d|2[0-3]):?[0-5]\d(?::?[0-5]\d)?(?!\d)"
SNAPSHOT = r"iceberg://[\w.-]{1,64}/[\w.-]{1,128}@\d{1,19}(?!\d)"
"""A version of a table is as long as a card's number, and whoever is to name one must see it."""
COUNT = r"(?<![\d,])\d{1,3}(?:,\d{3}){1,2}(?!,?\d)"
FRACTION = r"(?<![\d.])\d{1,3}\.\d+(?![\d.]|[eE]\+?\d)"
NUMBERS = re.compile(
    rf"(?P<kept>{SNAPSHOT}|{DIGEST}|{TIMESTAMP}|{DAY.format(n=2)}(?!\d)|{COUNT}|{FRACTION})"
    rf"|(?P<power>\d\.\d{{8,}}[eE]\+?\d+)"
    rf"|(?P<run>\d{{{FEWEST_DIGITS},}}(?:\.0+)?)"
    rf"|(?P<groups>\d{{1,10}}(?!\d)(?:{BETWEEN}\d{{3,10}}(?!\d))*{BETWEEN}\d{{1,10}}(?!\d))"
    rf"|\d+"
)
SPREAD = re.compile(
    rf"(?<!\d)\d(?:[^\w\n]\d(?!\d)){{{FEWEST_DIGITS - 1},{MOST_DIGITS - 1}}}(?!\d)"
    r"|(?<!\d)\d\d(?P<gap>[ .-])\d\d(?:(?P=gap)\d\d){4,}(?!\d)"
)
"""Digits one by one, or in pairs."""
EMAIL = re.compile(r"(?P<user>(?:://)?[\w.+%'-]{1,64})@[\w-]{1,63}(?:\.[\w-]{1,63})+")


SECRETS = re.compile(
    r"(?P<name>(?<![\w.])[\w.-]{0,40}(?:passw(?:or)?d|passphrase|pwd|token|secret|api_?key|access_?key|private_?key"
    r"|signature|credentials?|authorization)\w{0,20}['\"]?(?:=|\s*=\s*(?=['\"])|['\"]:\s?|:\s?(?=['\"])))"
    r"(?P<value>'[^'\n]*'|\"[^\"\n]*\"|(?!\s)[^\s'\",;&)}\]]+)"
    r"|\b(?:Bearer\s+[\w.~+/=-]{8,}|Basic\s+[A-Za-z0-9+/]{12,}={1,2})"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END|\Z)",
    re.IGNORECASE,
)
"""What is called a secret and what follows it, and what is known to be one by its looks."""


def masked(text: str) -> str:
    """A text without card numbers, e-mail addresses and passwords.

    A number counts as a card's with 12 to 19 digits, in one piece, in groups of any separator, or as a power of ten;
    longer runs of digits hide one. Dates, fractions, timestamps and digests stay.

    >>> masked("row 3: 4539 5787 6362 1486 of ann@bank.example since 2024-05-01")
    'row 3: … of … since 2024-05-01'
    """
    open_text = SECRETS.sub(_masked_secret, without_passwords(text))
    return EMAIL.sub(_masked_address, NUMBERS.sub(_masked_number, SPREAD.sub(MARK, open_text)))


def masked_values(value: Any) -> Any:
    """The same of every text in a record, keys among them; numbers stay numbers."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {masked(str(key)): masked_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [masked_values(each) for each in value]
    return value


def value_shape(value: object) -> str:
    """How a value is spelled, without what it says: digits as 9, words of more than three letters as a.

    >>> value_shape("EUR 1.234,50"), value_shape(b"Miller"), value_shape(" 31/12/2024")
    ("'EUR 9.999,99'", "'Aaaaaa'", "' 99/99/9999'")
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    shape = re.sub(r"[^\W\d_]+", lambda word: _shaped_word(word[0]), re.sub(r"\d", "9", text[: SHOWN_SHAPE + 1]))
    return repr(shape if len(text) <= SHOWN_SHAPE else f"{shape[:SHOWN_SHAPE]}{MARK}")


def _shaped_word(word: str) -> str:
    if len(word) <= SHORT_WORD:
        return word
    return "".join("A" if letter.isupper() else "a" for letter in word)


def _masked_number(found: re.Match[str]) -> str:
    if found["power"] or found["run"]:
        return MARK
    if not found["groups"]:
        return found[0]
    digits = sum(letter.isdigit() for letter in found["groups"])
    return MARK if digits >= FEWEST_DIGITS else found[0]


def _masked_secret(found: re.Match[str]) -> str:
    return f"{found['name'] or ''}{MARK}"


def _masked_address(found: re.Match[str]) -> str:
    return found[0] if found["user"].startswith("://") else MARK
