"""A request's row as ingest reads it, or the fields that are wrong: unknown, of another type, or a card's number."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from features.schema.canonical_columns import Reading
from features.schema.column_plan import column_plan, named_columns
from features.schema.one_row import MOST_SHAPES, RowReader
from pipeline.serve.refusal import refusal_of_fields
from pipeline.serve.sure_faults import sure_faults

MARKS = re.compile(r"^[^0-9]+|\.0+$|[\s.:;,'_*|/\-]|[^0-9]+$")
FEWEST_DIGITS, MOST_DIGITS = 13, 19
NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}"
    r"|(?:6011|6[245]\d\d|35\d\d)\d{12,15}"
)
"""First digits and lengths that networks give out: other numbers of that length are seldom cards."""
DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
WITHOUT_ID = "must be given, or nobody could tell whether the row came before"
IS_CARD = "must not be a card number, which stands in the log for anybody to read"


@dataclass(frozen=True)
class _Shape:
    unknown: tuple[str, ...]
    looked_at: tuple[str, ...]
    columns: Mapping[str, str]
    is_plain: bool
    has_id: bool


@dataclass(frozen=True)
class RawFields:
    """Reads one request's row after the other.

    Attributes:
        reader: reads rows as those of the state were read.
        refuse_cards: whether a value may not be a card's number.
    """

    reader: RowReader
    refuse_cards: bool = True
    _shapes: dict[tuple[str, ...], _Shape] = field(default_factory=dict, init=False, repr=False, compare=False)

    def values(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """The canonical row.

        Raises:
            RefusalError: 422, with every field that is wrong and what must hold.
        """
        shape = self._shape(tuple(row))
        if shape.unknown:
            raise refusal_of_fields([(name, "is a field that nobody reads") for name in shape.unknown])
        if not shape.has_id:
            raise refusal_of_fields([("transaction_id", WITHOUT_ID)])
        if self.refuse_cards:
            cards = [name for name in shape.looked_at if is_card_number(row[name])]
            if cards:
                raise refusal_of_fields([(name, IS_CARD) for name in cards])
        values = self.reader.plain_values(row)
        if values is None:
            values = self._odd_values(row, shape)
        if values.get("transaction_id") is None:
            raise refusal_of_fields([("transaction_id", WITHOUT_ID)])
        return values

    def _odd_values(self, row: Mapping[str, Any], shape: _Shape) -> Mapping[str, Any]:
        if shape.is_plain and (faults := sure_faults(row, shape.columns)):
            raise refusal_of_fields(faults)
        found = self.reader.read(row)
        if found.reasons:
            raise refusal_of_fields([_parted(reason) for reason in found.reasons])
        return found.values

    def _shape(self, names: tuple[str, ...]) -> _Shape:
        found = self._shapes.get(names)
        if found is None:
            found = _shape_of(names, self.reader)
            if len(self._shapes) < MOST_SHAPES and not found.unknown:
                self._shapes[names] = found
        return found


def is_card_number(value: object) -> bool:
    """Whether a value is a card's number: the length and first digits of a network, and the check digit (Luhn, 1960).

    >>> is_card_number("4111-1111-1111-1111"), is_card_number(4111111111111112), is_card_number("c17")
    (True, False, False)
    """
    if type(value) is str:
        if not FEWEST_DIGITS <= len(value) <= 4 * MOST_DIGITS:
            return False
        digits = MARKS.sub("", value)
    elif type(value) is int or (type(value) is float and value.is_integer()):
        digits = str(int(value))
    else:
        return False
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS or not (digits.isascii() and digits.isdecimal()):
        return False
    return NETWORKS.fullmatch(digits) is not None and _checks(digits)


def _checks(digits: str) -> bool:
    numbers = [ord(digit) - ord("0") for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(DOUBLED[number] for number in numbers[1::2])) % 10 == 0


def _shape_of(names: tuple[str, ...], reader: RowReader) -> _Shape:
    reading = reader.reading
    preset = reading.preset.of_live_rows(names)
    plan = column_plan(preset, named_columns(preset, names))
    known = set(plan.needed)
    apart = {source for role, source in plan.columns.items() if role.partition(".")[0] in _apart(reading)}
    unknown = tuple(name for name in names if name not in known)
    looked_at = tuple(name for name in names if name not in apart)
    has_id = any(role.partition(".")[0] == "transaction_id" for role in plan.columns)
    return _Shape(unknown, looked_at, plan.columns, not unknown and reader.reads_plainly(names), has_id)


def _apart(reading: Reading) -> Iterator[str]:
    """Roles that are not looked at: a time of 14 digits is no card's number, and hashed cards may be numbers."""
    yield from ("event_time", "label_available_at", "amount")
    if reading.hash_key is not None:
        yield "card_id"


def _parted(reason: str) -> tuple[str, str]:
    """A reason of ingest as a field and what must hold."""
    name, _, problem = reason.partition(": ")
    return (name, problem) if problem else ("", reason)
