"""Which types a source column may have for what it is to be."""

from collections.abc import Callable

import pyarrow as pa

from features.schema.values import is_number

Test = Callable[[pa.DataType], bool]
NUMBERS = ("amount", "approval_probability")
TIMES = ("event_time", "label_available_at", "reported_at")


def unfit(role: str, kind: pa.DataType) -> str:
    """What a column of this role must hold where a type holds something else; "" where it fits.

    >>> unfit("amount", pa.bool_()), unfit("amount", pa.int64())
    ('numbers', '')

    Args:
        role: place in the canonical table.
        kind: type in the source.
    """
    kind = _inner(kind)
    if pa.types.is_null(kind) or _is_text(kind):
        return ""
    if not _is_plain(kind):
        return "plain values"
    if role in NUMBERS:
        return "" if is_number(kind) else "numbers"
    name, _, part = role.partition(".")
    if part == "time":
        return "" if pa.types.is_time(kind) or is_number(kind) else "times of day"
    if name in TIMES:
        return "" if _is_calendar(kind) or is_number(kind) else "times"
    if role == "label":
        return "" if is_number(kind) or pa.types.is_boolean(kind) else "labels"
    return "ids" if role.endswith("_id") and (_is_calendar(kind) or pa.types.is_boolean(kind)) else ""


def _inner(kind: pa.DataType) -> pa.DataType:
    """The type of the values, where a dictionary, runs or a logical type stand around them."""
    if isinstance(kind, pa.BaseExtensionType):
        return _inner(kind.storage_type)
    return kind.value_type if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    tests: tuple[Test, ...] = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
    )
    return any(test(kind) for test in tests)


def _is_plain(kind: pa.DataType) -> bool:
    """Values that can be spelled without losing what they are; a length of time loses its unit."""
    tests: tuple[Test, ...] = (
        is_number,
        pa.types.is_boolean,
        _is_calendar,
        pa.types.is_time,
        pa.types.is_fixed_size_binary,
    )
    return any(test(kind) for test in tests)


def _is_calendar(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
