"""ISO 8601 text as timestamps, each row by the same rule whatever its neighbours are.

Arrow reads a column of one shape twenty times faster than any pattern does, so that is tried first; only around a text
that it gives up on are rows told apart. Both ways accept the same: the grammar below is Arrow's own, and spellings
beyond it (` UTC`, a comma before the fraction, more digits than microseconds) are put into it first.
"""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.faults import Mask

NAIVE, UTC = pa.timestamp("us"), pa.timestamp("us", "UTC")
LEAP = "(?:0[48]|[2468][048]|[13579][26])"
DATE = (
    "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{{2}}{LEAP}|(?:{LEAP}|00)00)-02-29)"
)
"""A day that the calendar has."""
CLOCK = r"(?:[01][0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?)?"
OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
WITHOUT_ZONE = f"^{DATE}(?:[ T]{CLOCK})?$"
WITH_ZONE = f"^{DATE}[ T]{CLOCK}{OFFSET}$"
DAY_ALONE = "^[0-9-]{10}(?: ?(?:[zZ]|UTC|GMT)|[+-][0-9]{2}:?[0-9]{2})?$"
SPELLINGS = (
    (" *(?:z|UTC|GMT)$", "Z"),
    (" +Z$", "Z"),
    (r"^([0-9-]{10})\s*[tT]?\s*([0-9])", r"\1T\2"),
    (r"(:[0-9]{2})\s+([+-][0-9]{2}(?::?[0-9]{2})?)$", r"\1\2"),
    (r"(:[0-9]{2}),([0-9])", r"\1.\2"),
    (r"(:[0-9]{2}\.[0-9]{6})[0-9]+", r"\1"),
    (r"^([0-9-]{10})(Z|[+-][0-9]{2}:?[0-9]{2})$", r"\1T00\2"),
)
"""Spellings of a time that Arrow does not read, and the same in its own."""
PIECE = 2_048
"""Rows that one unreadable text among them sends the slow way."""
SAMPLE = 16


@dataclass(frozen=True)
class ReadStamps:
    """Text as timestamps; each row is in one of the two arrays or in none.

    Attributes:
        naive: µs of rows without a zone, null elsewhere [N].
        zoned: µs of rows with one, in UTC, null elsewhere [N].
    """

    naive: pa.Array
    zoned: pa.Array


def iso_stamps(text: pa.Array) -> ReadStamps:
    """Timestamps of ISO 8601 dates and times, null where a text is none."""
    return ReadStamps(*(_of_one_shape(text) or _piece_by_piece(text)))


def days_alone(text: pa.Array) -> Mask:
    """Rows [N] that give a day and no time of day; a zone may stand behind it."""
    short = pc.less(pc.binary_length(text), 17)
    if not pc.any(short).as_py():
        return np.zeros(len(text), np.bool_)
    days: Mask = _matching(pc.if_else(short, text, None), DAY_ALONE).to_numpy(zero_copy_only=False)
    return days


_Pair = tuple[pa.Array, pa.Array]


def _of_one_shape(text: pa.Array) -> _Pair | None:
    """Text whose rows all have a zone, or none of them; None where a row is neither.

    A failed cast takes microseconds for each text that it cannot read, so a few are looked at first.
    """
    shapes = {_shape(value) for value in _some(text)}
    if not shapes:
        return pa.nulls(len(text), NAIVE), pa.nulls(len(text), UTC)
    if len(shapes) > 1 or None in shapes:
        return None
    kind = shapes.pop()
    try:
        stamps = pc.cast(text, kind)
    except pa.ArrowInvalid:
        return None
    none = pa.nulls(len(text), UTC if kind == NAIVE else NAIVE)
    return (stamps, none) if kind == NAIVE else (none, stamps)


def _some(text: pa.Array) -> list[str]:
    """Up to `SAMPLE` texts from all over the column; all of them where these are null."""
    places = np.linspace(0, len(text) - 1, min(SAMPLE, len(text))).astype(np.int64)
    found = text.take(pa.array(places)).drop_null()
    sample: list[str] = (found if len(found) else text.drop_null()[:SAMPLE]).to_pylist()
    return sample


def _shape(text: str) -> pa.DataType | None:
    if re.match(WITHOUT_ZONE, text):
        return NAIVE
    return UTC if re.match(WITH_ZONE, text) else None


def _piece_by_piece(text: pa.Array) -> _Pair:
    pieces = [text.slice(start, PIECE) for start in range(0, len(text), PIECE)]
    read = [_of_one_shape(piece) for piece in pieces]
    odd = [piece for piece, pair in zip(pieces, read, strict=True) if pair is None]
    # All at once: a pattern of this size takes longer to be understood than a piece to be matched.
    naive, zoned = _row_by_row(pa.concat_arrays(odd or [text[:0]]))
    start, whole = 0, []
    for piece, pair in zip(pieces, read, strict=True):
        whole.append(pair or (naive.slice(start, len(piece)), zoned.slice(start, len(piece))))
        start += 0 if pair else len(piece)
    return pa.concat_arrays([pair[0] for pair in whole]), pa.concat_arrays([pair[1] for pair in whole])


def _row_by_row(text: pa.Array) -> _Pair:
    naive, zoned = _shapes(text)
    for pattern, replacement in SPELLINGS:
        rest = pc.and_(pc.is_valid(text), pc.invert(pc.or_(naive, zoned)))
        odd = pc.and_(rest, _matching(pc.if_else(rest, text, None), pattern))
        if pc.any(odd).as_py():
            respelled = pc.replace_substring_regex(text.filter(odd), pattern, replacement)
            text = pc.replace_with_mask(text, odd, respelled)
            naive, zoned = _shapes(text)
    return pc.cast(pc.if_else(naive, text, None), NAIVE), pc.cast(pc.if_else(zoned, text, None), UTC)


def _shapes(text: pa.Array) -> _Pair:
    return _matching(text, WITHOUT_ZONE), _matching(text, WITH_ZONE)


def _matching(text: pa.Array, pattern: str) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(text, pattern), False)
