"""Source values, text or typed, as exact ids, numbers, labels and categories; what cannot be read is a fault.

Every function takes one Arrow column. The same values give the same result whether they came as CSV text or as typed
Parquet columns. Nothing is guessed: a value that two readings would fit is a fault.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema.faults import Mask, Parsed

EXACT_FLOAT = 2**53
"""Beyond this, neighbouring integers share one float64."""

PLAIN_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
PLAIN_INTEGER = r"^(0|-?[1-9]\d{0,18})$"


def decoded(column: pa.ChunkedArray) -> tuple[pa.Array, Mask]:
    """One contiguous plain column, bytes read as UTF-8; and the rows [N] whose bytes are not."""
    whole = column.combine_chunks()
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    bad = np.zeros(len(whole), bool)
    if pa.types.is_large_string(whole.type) or pa.types.is_string_view(whole.type):
        return pc.cast(whole, pa.string()), bad
    if not (pa.types.is_binary(whole.type) or pa.types.is_large_binary(whole.type)):
        return whole, bad
    try:
        return pc.cast(whole, pa.string()), bad
    except pa.ArrowInvalid:
        return _replaced(whole)


def text_values(column: pa.Array, *, quotes: str = "") -> pa.Array:
    """The column as trimmed text, null where blank; whole floats lose their '.0'."""
    text = column if pa.types.is_string(column.type) else pc.cast(column, pa.string())
    text = pc.utf8_trim_whitespace(text)
    for quote in quotes:
        quoted = pc.match_substring_regex(text, f"^{re.escape(quote)}.*{re.escape(quote)}$")
        if pc.any(quoted).as_py():
            text = pc.if_else(pc.fill_null(quoted, False), pc.utf8_trim(text, quote), text)
    return pc.if_else(pc.equal(text, ""), None, text)


def identifiers(column: pa.Array, *, name: str, integer: bool, quotes: str = "") -> Parsed[pa.Array]:
    """Ids as int64 or text, never through a float that could have merged two of them.

    Args:
        column: text, integers, or floats that hold whole numbers (a table library's nullable integers).
        name: for the reasons.
        integer: whether text must be a whole number; otherwise it stays text, leading zeros included.
        quotes: quote characters to take off.
    """
    kind = column.type
    if pa.types.is_floating(kind):
        return _ids_from_floats(column, name)
    if pa.types.is_integer(kind):
        return _ids_from_integers(column, name)
    text = text_values(column, quotes=quotes)
    if not integer:
        return Parsed(text, {})
    text = pc.replace_substring_regex(text, r"\.0+$", "")
    readable = _true(pc.match_substring_regex(text, PLAIN_INTEGER))
    values, fits = _cast_each(pc.if_else(pa.array(readable), text, None), pa.int64())
    fault = _valid(text) & ~(readable & fits)
    return Parsed(values, {f"{name}: must be a whole number without leading zeros": fault})


def numbers(
    column: pa.Array, *, quotes: str = "", missing_text: Sequence[str] = ()
) -> tuple[NDArray[np.float64], Mask]:
    """The column as float64 with NaN where missing [N], and the rows whose text is no number [N]."""
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = pc.cast(column, pa.float64(), safe=False)
        return values.to_numpy(zero_copy_only=False).astype(np.float64), np.zeros(len(column), bool)
    text = text_values(column, quotes=quotes)
    if missing_text:
        text = pc.if_else(pc.is_in(pc.utf8_lower(text), pa.array(missing_text, pa.string())), None, text)
    try:
        return _floats(text), np.zeros(len(column), bool)
    except pa.ArrowInvalid:
        special = pc.is_in(pc.utf8_lower(text), pa.array(["nan", "inf", "-inf", "+inf", "infinity"]))
        readable = _true(pc.or_(pc.match_substring_regex(text, PLAIN_NUMBER), special))
        return _floats(pc.if_else(pa.array(readable), text, None)), _valid(text) & ~readable


def plain_amounts(text: pa.Array, *, currency: str, thousands: str, decimal: str) -> pa.Array:
    """Currency text as plain number text; what does not fit the pattern will not read as a number."""
    sign, mark = r"(?P<sign>[+-]?)", re.escape(decimal)
    grouped = rf"|\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+" if thousands else ""
    symbol = rf"(?:{re.escape(currency)})?\s*" if currency else ""
    pattern = rf"^{sign}\s*{symbol}(?P<inner>[+-]?)(?P<whole>\d+{grouped})(?:{mark}(?P<part>\d*))?\s*{symbol}$"
    found = pc.extract_regex(text, pattern=pattern)
    whole = pc.struct_field(found, "whole")
    if thousands:
        whole = pc.replace_substring(whole, thousands, "")
    pieces = [
        pc.struct_field(found, "sign"),
        pc.struct_field(found, "inner"),
        whole,
        ".",
        pc.struct_field(found, "part"),
    ]
    plain = pc.binary_join_element_wise(*pieces, "")
    unread = pc.and_(pc.is_valid(text), pc.is_null(found))
    return pc.if_else(unread, pc.binary_join_element_wise("not plain:", text, ""), plain)


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


def binary_labels(column: pa.Array, *, yes: Sequence[str], no: Sequence[str], quotes: str = "") -> Parsed[pa.Array]:
    """Labels as int8 0 / 1, null where blank; whole floats count as their integers."""
    text = pc.utf8_lower(text_values(column, quotes=quotes))
    text = pc.replace_substring_regex(text, r"^([01])\.0*$", r"\1")
    is_yes = _true(pc.is_in(text, pa.array([word.lower() for word in yes])))
    is_no = _true(pc.is_in(text, pa.array([word.lower() for word in no])))
    values = pa.array(is_yes.astype(np.int8), mask=~(is_yes | is_no))
    words = f"{'/'.join(yes)} or {'/'.join(no)}"
    return Parsed(values, {f"label: must be {words}, or blank where not known": _valid(text) & ~(is_yes | is_no)})


def categories(column: pa.Array, *, missing: Sequence[str], whole_numbers: bool, quotes: str = "") -> pa.Array:
    """Categories as text, null where missing."""
    text = text_values(column, quotes=quotes)
    if whole_numbers:
        text = pc.replace_substring_regex(text, r"^(-?\d+)\.0+$", r"\1")
    if missing:
        text = pc.if_else(pc.is_in(text, pa.array(missing, pa.string())), None, text)
    return text


def _replaced(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Bytes as text, a mark in place of those that are no UTF-8, and the rows [N] that have one."""
    texts = [None if value is None else value.decode("utf-8", "replace") for value in column.to_pylist()]
    return pa.array(texts, pa.string()), np.array([text is not None and "\ufffd" in text for text in texts])


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
