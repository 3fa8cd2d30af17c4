"""Columns of a source as text: bytes decoded, typed values spelled as they would be written.

The same values give the same text whether they came as CSV or typed, so that how a file was saved does not decide what
a value is.
"""

import re
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema.faults import Mask

EXACT_FLOAT = 2**53
"""Beyond this, neighbouring integers share one float64."""


def decoded(column: pa.ChunkedArray) -> tuple[pa.Array, Mask]:
    """One contiguous plain column, bytes read as UTF-8 and UUIDs spelled; and the rows [N] whose bytes are no text."""
    whole = _unwrapped(column.combine_chunks())
    bad = np.zeros(len(whole), bool)
    if pa.types.is_large_string(whole.type) or pa.types.is_string_view(whole.type):
        return pc.cast(whole, pa.string()), bad
    if pa.types.is_fixed_size_binary(whole.type):
        return _spelled_bytes(whole), bad
    if pa.types.is_binary_view(whole.type) or pa.types.is_large_binary(whole.type):
        whole = pc.cast(whole, pa.binary())
    if not pa.types.is_binary(whole.type):
        return whole, bad
    try:
        return pc.cast(whole, pa.string()), bad
    except pa.ArrowInvalid:
        return _replaced(whole)


def text_values(column: pa.Array, *, quotes: str = "") -> pa.Array:
    """The column as trimmed text, null where blank; numbers as they are written, whole ones without '.0'."""
    text = column if pa.types.is_string(column.type) else _spelled(column)
    text = pc.utf8_trim_whitespace(text)
    for quote in quotes:
        quoted = pc.match_substring_regex(text, f"^{re.escape(quote)}.*{re.escape(quote)}$")
        if pc.any(quoted).as_py():
            text = pc.if_else(pc.fill_null(quoted, False), pc.utf8_trim(text, quote), text)
    return pc.if_else(pc.equal(text, ""), None, text)


def _unwrapped(column: pa.Array) -> pa.Array:
    """The values themselves, where a dictionary, runs or a logical type stand around them."""
    if isinstance(column.type, pa.UuidType):
        return _uuids(column.storage)
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    return pc.run_end_decode(column) if pa.types.is_run_end_encoded(column.type) else column


def _uuids(column: pa.Array) -> pa.Array:
    return pa.array([None if each is None else str(UUID(bytes=each)) for each in column.to_pylist()], pa.string())


def _spelled_bytes(column: pa.Array) -> pa.Array:
    """Bytes of one length as hexadecimal digits: they are numbers (a UUID, a hash), not letters."""
    return pa.array([None if each is None else each.hex() for each in column.to_pylist()], pa.string())


def _spelled(column: pa.Array) -> pa.Array:
    """A typed column as text."""
    if pa.types.is_decimal(column.type):
        return _spelled_decimals(column)
    text = pc.cast(column, pa.string())
    if not pa.types.is_floating(column.type):
        return text
    floats = pc.cast(column, pa.float64())
    whole = pc.and_(pc.equal(pc.floor(floats), floats), pc.less_equal(pc.abs(floats), float(EXACT_FLOAT)))
    integers = pc.cast(pc.if_else(whole, floats, None), pa.int64())
    return pc.coalesce(pc.cast(integers, pa.string()), text)


def _spelled_decimals(column: pa.Array) -> pa.Array:
    """Decimals without an exponent and without zeros that say nothing."""
    if column.type.scale <= 0:
        return pa.array([None if each is None else f"{each:f}" for each in column.to_pylist()], pa.string())
    text = pc.cast(column, pa.string())
    exponent = pc.fill_null(pc.match_substring(text, "E"), False)
    if pc.any(exponent).as_py():
        text = pc.replace_with_mask(
            text, exponent, pa.array([f"{each:f}" for each in column.filter(exponent).to_pylist()], pa.string())
        )
    return pc.replace_substring_regex(text, r"\.?0+$", "")


def _replaced(column: pa.Array) -> tuple[pa.Array, Mask]:
    """Bytes as text, a mark in place of those that are no UTF-8, and the rows [N] that have one."""
    texts, bad = [], np.zeros(len(column), bool)
    for row, value in enumerate(column.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(value.decode("utf-8", "replace"))
            bad[row] = True
    return pa.array(texts, pa.string()), bad
