"""What somebody means who says what a currency is worth: a number with a point or a comma, or that it is converted."""

import re

from pipeline.storage.errors import InputError

CONVERTED = "converted"
"""The answer that amounts are in the target already."""
NUMBER = r"[0-9]{1,15}(?:[.,][0-9]{1,15})?"
THOUSANDS = r"[1-9][0-9]{0,2},[0-9]{3}"
"""Numbers whose comma may part thousands as well as a fraction."""


def rate_answer(answer: str, *, alone: bool = True) -> str:
    """A rate as the table of rates writes it; empty where none is said.

    >>> rate_answer("0,95"), rate_answer("Converted"), rate_answer("")
    ('0.95', 'converted', '')

    Args:
        answer: as it was typed.
        alone: whether no other currency has been given a rate, which must hold before all can be converted already.

    Raises:
        InputError: it is no number above 0, or may be two, or contradicts an answer before.
    """
    said = answer.strip().lower()
    if said == CONVERTED and not alone:
        raise InputError(f"must be a number, got {answer!r}, which contradicts the rate of another currency")
    if said in ("", CONVERTED):
        return said
    rate = said.replace(",", ".")
    if re.fullmatch(NUMBER, said) is None or float(rate) <= 0:
        raise InputError(f"must be a number above 0 such as 0.95, or `{CONVERTED}`, got {answer!r}")
    if re.fullmatch(THOUSANDS, said):
        raise InputError(f"must be one number, got {answer!r}, which may be {rate} or {said.replace(',', '')}")
    return rate
