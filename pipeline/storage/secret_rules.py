"""Secrets: what is the name of one and not one itself, and whether one can be guessed.

A key that is pasted where the name of its variable belongs would end up in every file that keeps the configuration; and
a key that somebody can guess hides nothing, since a digest under it is published.
"""

import math
import re
from collections import Counter

from pipeline.storage.errors import InputError

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
LONGEST_WORD, MOST_DIGITS = 20, 5
"""What a part of a variable's name has at most; a key in capitals has more of either."""
FEWEST_BYTES, FEWEST_BITS = 16, 32.0
"""Length of a secret, and its length times the entropy of its bytes; sixteen random letters have over 50."""


def checked_variable(name: str) -> str:
    """The name of an environment variable itself.

    Raises:
        InputError: it is none, and may be a secret; the message does not show it.
    """
    plain = VARIABLE.fullmatch(name) and max(map(len, name.split("_"))) <= LONGEST_WORD
    if not plain or sum(letter.isdigit() for letter in name) > MOST_DIGITS:
        raise InputError(
            "must be the name of an environment variable, in capitals, which holds the secret; got something else, "
            "which is not shown since it may be the secret itself"
        )
    return name


def check_secret(secret: bytes, *, what: str) -> None:
    """Refuse a secret that can be guessed.

    Args:
        secret: the bytes.
        what: names it in the message, which shows nothing else.

    Raises:
        InputError: it is too short, repeats itself, or counts up or down.
    """
    if len(secret) < FEWEST_BYTES:
        raise InputError(f"{what} must hold a secret of at least {FEWEST_BYTES} bytes, got {len(secret)}")
    if _guessable_bits(secret) < FEWEST_BITS:
        raise InputError(
            f"{what} must hold a secret that nobody can guess, but it repeats itself or counts up: make one with "
            "`openssl rand -hex 32`"
        )


def _guessable_bits(secret: bytes) -> float:
    """Bits that a guesser has to find: those of the part that is not repeated, by its bytes or by their steps."""
    size = len(secret)
    period = next(n for n in range(1, size + 1) if secret[n:] == secret[: size - n])
    part = secret[:period].lower()
    steps = [one - other for one, other in zip(part[1:], part, strict=False)]
    return min(_entropy(part), _entropy(steps))


def _entropy(symbols: bytes | list[int]) -> float:
    counts, size = Counter(symbols), len(symbols)
    return -sum(count * math.log2(count / size) for count in counts.values())
