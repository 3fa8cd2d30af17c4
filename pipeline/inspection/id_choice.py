"""Whose transaction it was: the transaction's own id, cards, merchants, devices and accounts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.inspection.interview import NONE, Interview, Question
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns

UNIQUE = 0.999
"""Share of different values from which a column may be the transaction's own id."""
REPEATING = 0.9
"""Share of different values above which nothing is gained from windows over a column."""
MANY = 20
"""Values of a column that may be ids although its name says nothing."""
MAIN = ("card", "merchant")
OTHERS = ("account", "device")


@dataclass(frozen=True)
class IdChoice:
    """Keys of the sections [transaction_id] (None where there is none) and [entities.NAME], and their columns."""

    transaction: Mapping[str, Any] | None
    entities: Mapping[str, Mapping[str, Any]]

    @property
    def columns(self) -> Iterator[str]:
        """The columns that are ids."""
        for keys in ([] if self.transaction is None else [self.transaction], self.entities.values()):
            yield from (each["column"] for each in keys)


def id_choice(seen: SeenColumns, interview: Interview, *, taken: Collection[str]) -> IdChoice:
    """The ids.

    Args:
        seen: all columns.
        interview: settles what is not sure.
        taken: columns that are something else.
    """
    free = [each for each in seen.columns if each.name not in taken and _may_be_id(each)]
    entities: dict[str, SeenColumn] = {}
    for entity in MAIN:
        left = [each for each in free if each not in entities.values()]
        if (chosen := _main(entity, left, interview)) is not None:
            entities[f"{entity}_id"] = chosen
    for entity in OTHERS:
        left = [each for each in free if each not in entities.values()]
        if (chosen := _further(entity, left, interview)) is not None:
            entities[f"{entity}_id"] = chosen
    own = _transaction([each for each in free if each not in entities.values()], interview)
    return IdChoice(own, {name: {"column": each.name, **each.spelling_keys} for name, each in entities.items()})


def _may_be_id(column: SeenColumn) -> bool:
    typed = pa.types.is_boolean(column.column.type)
    return column.is_id and column.time is None and not typed and not column.like_mail


def _main(entity: str, free: list[SeenColumn], interview: Interview) -> SeenColumn | None:
    """The card or the merchant: by name, the card by its digits too, else by asking."""
    named = sorted(_named(entity, free), key=lambda column: _rank(column, entity), reverse=True)
    digits = [each for each in free if entity == "card" and each.like_card_numbers and _repeats(each)]
    if named:
        clear = len(named) < 2 or _rank(named[0], entity) > _rank(named[1], entity)
        reason = f"{named[0].name} is named for it" if clear else _doubt(entity, named, "is named for it")
        return _settled(entity, named, named[0].name, reason, clear, interview)
    if digits:
        evidence, clear = "holds numbers that pass the check of card numbers", len(digits) == 1
        reason = f"{digits[0].name} {evidence}" if clear else _doubt(entity, digits, evidence)
        return _settled(entity, digits, digits[0].name, reason, clear, interview)
    repeating = [each for each in free if _repeats(each) and each.distinct > MANY and not each.hints("property")]
    likely = [each for each in repeating if each.hints("reference")] or repeating
    if not likely:
        return None
    reason = f"is the {entity} in {', '.join(each.name for each in likely[:4])}? no column is named for it"
    return _settled(entity, likely, NONE, reason, False, interview)


def _doubt(entity: str, options: list[SeenColumn], evidence: str) -> str:
    others = ", ".join(each.name for each in options[1:4])
    return f"is {options[0].name} the {entity}? it {evidence}, but {others} may be it as well"


def _settled(
    entity: str, options: list[SeenColumn], default: str, reason: str, sure: bool, interview: Interview
) -> SeenColumn | None:
    names = (*(each.name for each in options), NONE)
    text = f"Which column is the {entity}?"
    answer = interview.settle(Question(f"entities.{entity}_id", text, default, reason, sure, names))
    return next((each for each in options if each.name == answer), None)


def _further(entity: str, free: list[SeenColumn], interview: Interview) -> SeenColumn | None:
    """An account or a device beside the card, by name alone."""
    found = [each for each in free if each.hints(entity) and not each.hints("property") and _repeats(each)]
    if not found:
        return None
    return _settled(entity, found, found[0].name, f"{found[0].name} is named for it", True, interview)


def _named(entity: str, free: list[SeenColumn]) -> list[SeenColumn]:
    """Columns whose name is of the entity itself, and of no property of it; accounts stand in for cards."""
    fitting = [each for each in free if _of_itself(each) and _repeats(each)]
    for role in ("card", "account") if entity == "card" else (entity,):
        if found := [each for each in fitting if each.hints(role)]:
            return found
    return []


def _of_itself(column: SeenColumn) -> bool:
    """Whether a name is of a thing and not of a property, an amount or a person."""
    other = column.hints("property") or column.hints("amount")
    return not other and (column.hints("reference") or not column.hints("personal"))


def _rank(column: SeenColumn, entity: str) -> int:
    return 2 * column.like_card_numbers + column.hints("reference") + (column.name.lower() == f"{entity}_id")


def _repeats(column: SeenColumn) -> bool:
    """Whether the same values come again; a few rows say nothing about that."""
    known = column.rows * column.filled
    return known < 100 or column.distinct <= REPEATING * known


def _transaction(free: list[SeenColumn], interview: Interview) -> Mapping[str, Any] | None:
    unique = [each for each in free if each.filled == 1.0 and each.distinct >= UNIQUE * each.rows]
    if not unique:
        return None
    best = max(unique, key=lambda each: (each.hints("event"), each.hints("reference")))
    named = best.hints("reference") or best.hints("event")
    rows = "every row" if best.distinct == best.rows else "nearly every row"
    evidence = f"differs in {rows}"
    reason = (
        f"{best.name} is named for it and {evidence}"
        if named
        else f"is {best.name} the transaction's own id? it {evidence}"
    )
    text, options = "Which column is the transaction's own id?", (*(each.name for each in unique), NONE)
    answer = interview.settle(Question("transaction_id", text, best.name, reason, named, options))
    return None if answer == NONE else {"column": answer}
