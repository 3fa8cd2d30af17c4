"""Whether ids are card numbers: a hash of these without a secret protects nobody, for all of them can be tried."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.storage.errors import InputError
from pipeline.storage.masking import FEWEST_DIGITS, MOST_DIGITS

BY_CHANCE = 0.1
"""Share of numbers without a meaning that have a right check digit."""
DEVIATIONS = 3
AROUND = r"^[^0-9]+|\.0+$|[\s.:;,'_*|/\-]|[^0-9]+$"
"""What may stand before, behind and between the digits of a card number."""


class CardNumbersError(InputError):
    """Ids are card numbers, and no secret hashes them."""


def check_no_card_numbers(ids: pa.ChunkedArray, *, name: str = "card_id") -> None:
    """Refuse ids of which more have the check digit of card numbers than chance explains.

    Args:
        ids: text or whole numbers.
        name: of their column, for the message.

    Raises:
        CardNumbersError: they are card numbers; the message counts them.
    """
    numbers = pc.unique(numbers_of_length(pc.cast(pc.unique(ids.combine_chunks()), pa.string())))
    right = int(has_check_digit(numbers).sum())
    expected = BY_CHANCE * len(numbers)
    if right and right >= expected + DEVIATIONS * math.sqrt(expected * (1 - BY_CHANCE)) - 1e-9:
        raise CardNumbersError(
            f"{name} must be hashed under a secret before a state keeps it, but {right:,} of {len(numbers):,} "
            f"different ids of {FEWEST_DIGITS} to {MOST_DIGITS} digits have the check digit of card numbers: name the "
            "secret's variable in data.hash_key_env"
        )


def has_check_digit(numbers: pa.Array) -> np.ndarray:
    """Which numbers have the check digit of ISO/IEC 7812 (Luhn, 1960) [N].

    Args:
        numbers: texts of at most `MOST_DIGITS` digits.
    """
    if not len(numbers):
        return np.zeros(0, bool)
    whole = "".join(pc.utf8_lpad(numbers, MOST_DIGITS, "0").to_pylist()).encode()
    digits = np.frombuffer(whole, np.uint8).reshape(-1, MOST_DIGITS).astype(np.int64) - ord("0")
    doubled = 2 * digits[:, -2::-2]
    total = digits[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    right: np.ndarray = total % 10 == 0
    return right


def numbers_of_length(texts: pa.Array) -> pa.Array:
    """The digits of the texts that hold as many as a card number has, however they are grouped or led in [M].

    >>> numbers_of_length(pa.array(["4111-1111-1111-1111", "card:5500000000000004.0", "c17", "4111"])).to_pylist()
    ['4111111111111111', '5500000000000004']
    """
    bare = pc.replace_substring_regex(texts, AROUND, "")
    pattern = f"^[0-9]{{{FEWEST_DIGITS},{MOST_DIGITS}}}$"
    return bare.filter(pc.fill_null(pc.match_substring_regex(bare, pattern), False))
