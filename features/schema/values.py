"""Source values, text or typed, as exact ids, numbers, labels and categories; what cannot be read is a fault.

Every function takes one Arrow column. The same values give the same result whether they came as CSV text or as typed
Parquet columns. Nothing is guessed: a value that two readings would fit is a fault.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.column_text import EXACT_FLOAT, text_values
from features.schema.faults import Mask, Parsed

UNKNOWN, AT_FAULT = -1, -2
PLAIN_NUMBER = r"^[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"
"""What Arrow reads as a number."""
PLAIN_INTEGER = r"^(0|-?[1-9]\d{0,18})$"
SHORTENED = r"^[0-9](?:\.[0-9]+)?[eE]\+[0-9]{2}$"
"""An id that a spreadsheet or a float made short: 4.54E+15."""


@dataclass(frozen=True)
class Spelling:
    """What else one value of an id or a category is spelled like.

    Attributes:
        missing: texts that mean missing.
        whole_numbers: '315.0' is '315'.
        upper: case says nothing.
    """

    missing: tuple[str, ...] = ()
    whole_numbers: bool = False
    upper: bool = False


AS_IT_IS = Spelling()


def identifiers(
    column: pa.Array,
    *,
    name: str,
    integer: bool,
    quotes: str = "",
    spelling: Spelling = AS_IT_IS,
) -> Parsed[pa.Array]:
    """Ids as int64 or text, never through a float that could have merged two of them.

    Args:
        column: text, integers, or floats that hold whole numbers (a table library's nullable integers).
        name: for the reasons.
        integer: whether text must be a whole number; otherwise it stays text, leading zeros included.
        quotes: quote characters to take off.
        spelling: what else is one and the same id, or none.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        return _without_missing(_ids_from_floats(column, name), spelling)
    if pa.types.is_integer(kind):
        return _without_missing(_ids_from_integers(column, name), spelling)
    text = respelled(text_values(column, quotes=quotes), spelling)
    if not integer:
        return Parsed(text, {f"{name}: must be written in full, not as a spreadsheet shortens it": _shortened(text)})
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    readable = _true(pc.match_substring_regex(text, PLAIN_INTEGER))
    values, fits = _cast_each(pc.if_else(pa.array(readable), text, None), pa.int64())
    fault = _valid(text) & ~(readable & fits)
    return Parsed(values, {f"{name}: must be a whole number without leading zeros": fault})


def respelled(text: pa.Array, spelling: Spelling) -> pa.Array:
    """Trimmed text with one spelling for each value, null where it means missing."""
    if spelling.whole_numbers:
        text = pc.replace_substring_regex(text, r"^(-?\d+)\.0+$", r"\1")
    if spelling.missing:
        text = pc.if_else(pc.is_in(text, pa.array(spelling.missing, pa.string())), None, text)
    return pc.utf8_upper(text) if spelling.upper else text


def numbers(column: pa.Array, *, quotes: str = "") -> tuple[NDArray[np.float64], Mask]:
    """The column as float64 with NaN where missing [N], and the rows whose text is no number [N]."""
    kind = column.type
    if is_number(kind) or pa.types.is_boolean(kind):
        values = pc.cast(column, pa.float64(), safe=False)
        return values.to_numpy(zero_copy_only=False).astype(np.float64), np.zeros(len(column), bool)
    text = text_values(column, quotes=quotes)
    try:
        values = _floats(text)
    except pa.ArrowInvalid:
        pass
    else:
        # Arrow reads nan(anything) as well.
        odd = np.isnan(values) & _valid(text)
        if not odd.any() or _true(pc.match_substring_regex(text.filter(pa.array(odd)), PLAIN_NUMBER)).all():
            return values, np.zeros(len(column), bool)
    readable = _true(pc.match_substring_regex(text, PLAIN_NUMBER))
    return _floats(pc.if_else(pa.array(readable), text, None)), _valid(text) & ~readable


def is_number(kind: pa.DataType) -> bool:
    """Whether a type holds numbers; a truth value is none."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def minor_units(column: pa.Array, amounts: NDArray[np.float64], *, scale: int) -> tuple[NDArray[np.int64], Mask]:
    """Amounts as exact int64 minor units [N], and which were finer and rounded half to even [N].

    A float is read as the shortest decimal that gives it, as a CSV writer would have spelled it. `rint(x · scale)`
    divided by scale gives x back exactly when that decimal has no finer digits (division is correctly rounded); only
    the rest pay for decimal arithmetic.

    Args:
        column: the source, plain number text or typed.
        amounts: the same as float64, finite and at most 2^53 / scale in size.
        scale: minor units in a major unit, a power of ten.
    """
    minor = np.rint(amounts * scale)
    exact = minor / scale == amounts
    if pa.types.is_string(column.type):
        # A text of more than 15 digits may differ from the float that stands for it.
        exact &= pc.fill_null(pc.less_equal(pc.binary_length(column), 16), True).to_numpy(zero_copy_only=False)
    result = minor.astype(np.int64)
    rounded = np.zeros(len(amounts), bool)
    rows = np.flatnonzero(~exact)
    for row, text in zip(rows, pc.cast(column.take(pa.array(rows)), pa.string()).to_pylist(), strict=True):
        amount = Decimal(text) * scale
        whole = amount.to_integral_value(ROUND_HALF_EVEN)
        result[row], rounded[row] = int(whole), whole != amount
    return result, rounded


def binary_labels(
    column: pa.Array, *, yes: Sequence[str], no: Sequence[str], unknown: Sequence[str] = (), quotes: str = ""
) -> Parsed[pa.Array]:
    """Labels as int8 0 / 1, null where blank or of a text that means not known; whole numbers count as integers."""
    # A label is one of a few texts, so each is judged once.
    encoded = column.dictionary_encode()
    text = pc.utf8_lower(text_values(encoded.dictionary, quotes=quotes))
    text = pc.replace_substring_regex(text, r"^([+-]?\d+)\.0*$", r"\1")
    is_yes, is_no, is_unknown = (
        _true(pc.is_in(text, pa.array([word.lower() for word in words], pa.string()))) for words in (yes, no, unknown)
    )
    code = pc.fill_null(encoded.indices, len(text)).to_numpy(zero_copy_only=False)
    meaning = np.select([is_yes, is_no, is_unknown | ~_valid(text)], [1, 0, UNKNOWN], AT_FAULT).astype(np.int8)
    found = np.append(meaning, np.int8(UNKNOWN))[code]
    words = f"{'/'.join(yes)} or {'/'.join(no)}"
    reason = f"label: must be {words}, or blank or one of unknown where not known"
    return Parsed(pa.array(found, mask=found < 0), {reason: found == AT_FAULT})


def categories(column: pa.Array, *, spelling: Spelling, quotes: str = "") -> pa.Array:
    """Categories as text, null where missing."""
    return respelled(text_values(column, quotes=quotes), spelling)


def _without_missing(parsed: Parsed[pa.Array], spelling: Spelling) -> Parsed[pa.Array]:
    """Integer ids without those that mean missing."""
    if not spelling.missing:
        return parsed
    text = pc.cast(parsed.values, pa.string())
    missing = pc.fill_null(pc.is_in(text, pa.array(spelling.missing, pa.string())), False)
    return Parsed(pc.if_else(missing, None, parsed.values), parsed.faults)


def _shortened(text: pa.Array) -> Mask:
    """Ids in a spreadsheet's notation; a pattern is held against them only where any has the plus sign of one."""
    letters = text.buffers()[2]
    if letters is None or b"+" not in letters.to_pybytes():
        return np.zeros(len(text), np.bool_)
    return _true(pc.match_substring_regex(text, SHORTENED))


def _ids_from_floats(column: pa.Array, name: str) -> Parsed[pa.Array]:
    floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    given = ~np.isnan(floats)
    with np.errstate(invalid="ignore"):
        exact = given & (np.abs(floats) <= EXACT_FLOAT) & (np.floor(floats) == floats)
    values = pa.array(np.where(exact, floats, 0.0).astype(np.int64), mask=~exact)
    return Parsed(values, {f"{name}: must be text or integer, a float cannot hold it exactly": given & ~exact})


def _ids_from_integers(column: pa.Array, name: str) -> Parsed[pa.Array]:
    if not pa.types.is_uint64(column.type):
        return Parsed(pc.cast(column, pa.int64()), {})
    fits = _true(pc.less_equal(column, pa.scalar(2**63 - 1, pa.uint64())))
    values = pc.cast(pc.if_else(pa.array(fits), column, None), pa.int64())
    return Parsed(values, {f"{name}: must be below 2^63": _valid(column) & ~fits})


def _cast_each(text: pa.Array, kind: pa.DataType) -> tuple[pa.Array, Mask]:
    """A cast that gives up on single values instead of on the column."""
    try:
        return pc.cast(text, kind), np.ones(len(text), bool)
    except pa.ArrowInvalid:
        values = [None if value is None or abs(int(value)) >= 2**63 else int(value) for value in text.to_pylist()]
        return pa.array(values, kind), np.array([value is not None for value in values])


def _floats(text: pa.Array) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
    return values


def _true(mask: pa.Array) -> Mask:
    result: Mask = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    return result


def _valid(column: pa.Array) -> Mask:
    result: Mask = pc.is_valid(column).to_numpy(zero_copy_only=False)
    return result
