"""Bodies as strict JSON: UTF-8, finite numbers, no key twice, one flat object of plain values.

orjson refuses what is no JSON, numbers beyond a double, and nesting without end. It keeps the last of two equal keys
without a word, so a row's colons are counted: without escapes each one parts a key from its value or stands in a text.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from pipeline.serve.refusal import RefusalError, refusal_of_fields

PLAIN = (str, int, float, bool, type(None))
MOST_FIELDS = 256
NOT_JSON = "the body must be strict JSON"


def strict_row(body: bytes) -> dict[str, Any]:
    """The one flat object of a body.

    Raises:
        RefusalError: 400 where it is no strict JSON, 422 where it is no flat object, a field is nested or stands twice.
    """
    row = strict_value(body)
    if type(row) is not dict:
        raise RefusalError(422, "the body must be one JSON object")
    if len(row) > MOST_FIELDS:
        raise RefusalError(422, f"the object must have at most {MOST_FIELDS} fields, got {len(row):,}")
    texts = 0
    for name, value in row.items():
        kind = type(value)
        if kind is str:
            texts += value.count(":")
        elif kind is dict or kind is list:
            raise _nested(row)
        texts += name.count(":")
    if body.count(b":") != len(row) + texts or b"\\u" in body:
        check_single_keys(body)
    return row


def strict_value(body: bytes) -> Any:
    """The value of a body; keys that stand twice are not looked for.

    Raises:
        RefusalError: 400 where it is no strict JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f", but it is not at line {error.lineno}, column {error.colno}" if body else ", but it is empty"
        raise RefusalError(400, NOT_JSON + where) from None


def check_single_keys(body: bytes) -> None:
    """Refuse a body in which an object has a key twice; slower than all the rest, and seldom needed.

    Raises:
        RefusalError: 422, with the key.
    """
    try:
        json.loads(body, object_pairs_hook=_single)
    except RecursionError:
        raise RefusalError(400, f"{NOT_JSON}, but it is nested too deeply") from None


def strict_lines(body: bytes, *, most: int) -> list[bytes]:
    """The lines of a body of one object a line; blank ones are left out.

    Raises:
        RefusalError: 413 where there are more than `most`, 422 where there is none.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > most:
        raise RefusalError(413, f"the body must have at most {most:,} lines, got {len(lines):,}")
    if not lines:
        raise RefusalError(422, "the body must have a JSON object a line, got none")
    return lines


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise refusal_of_fields([(name, "must stand once")])
        found[name] = value
    return found


def _nested(row: Mapping[str, Any]) -> RefusalError:
    return refusal_of_fields([(name, "must be a plain value, got a nested one") for name in _nested_names(row)])


def _nested_names(row: Mapping[str, Any]) -> Iterator[str]:
    return (name for name, value in row.items() if not isinstance(value, PLAIN))
