"""Whose transaction it was: the transaction's own id, cards, merchants, devices and accounts."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from features.schema.values import is_number
from pipeline.inspection.interview import NONE, Interview, Question
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns

UNIQUE = 0.999
"""Share of different values from which a column may be the transaction's own id."""
REPEATING = 0.9
"""Share of different values above which nothing is gained from windows over a column."""
MANY = 20
"""Values of a column that may be ids although its name says nothing."""
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
    free = [each for each in seen.columns if each.name not in taken and each.is_id and each.time is None]
    free = [each for each in free if not pa.types.is_boolean(each.column.type) and not each.like_mail]
    entities: dict[str, SeenColumn] = {}
    for entity in ("card", "merchant"):
        left = [each for each in free if each not in entities.values()]
        if (chosen := _main(entity, left, interview)) is not None:
            entities[f"{entity}_id"] = chosen
    for entity in OTHERS:
        left = [each for each in free if each not in entities.values() and _repeats(each)]
        if found := [each for each in left if each.hints(entity) and not each.hints("property")]:
            entities[f"{entity}_id"] = found[0]
            reason = f"{found[0].name} is named for it"
            interview.settle(
                Question(f"entities.{entity}_id", f"Which column is the {entity}?", found[0].name, reason, True)
            )
    own = _transaction(free, [*entities.values()], interview)
    return IdChoice(own, {name: _keys(column) for name, column in entities.items()})


def _main(entity: str, free: list[SeenColumn], interview: Interview) -> SeenColumn | None:
    """The card or the merchant: by name, the card by its digits too, else by asking."""
    named = sorted(_named(entity, free), key=lambda column: _rank(column, entity), reverse=True)
    digits = [each for each in free if each.like_card_numbers and _repeats(each)] if entity == "card" else []
    if named or digits:
        best = (named or digits)[0]
        clear = len(named) < 2 or _rank(named[0], entity) > _rank(named[1], entity)
        reason = (
            f"{best.name} is named for it"
            if named
            else f"{best.name} holds numbers that pass the check of card numbers"
        )
        options = tuple(each.name for each in (named or digits))
    else:
        repeating = [each for each in free if _repeats(each) and each.distinct > MANY and not each.hints("property")]
        likely = [each for each in repeating if each.hints("reference")] or repeating
        if not likely:
            return None
        best, clear, options = None, False, tuple(each.name for each in likely)
        reason = f"no column is named for the {entity}; {', '.join(options[:4])} might be it"
    default = NONE if best is None else best.name
    question = Question(
        f"entities.{entity}_id", f"Which column is the {entity}?", default, reason, clear, (*options, NONE)
    )
    answer = interview.settle(question)
    return next((each for each in free if each.name == answer), None)


def _named(entity: str, free: list[SeenColumn]) -> list[SeenColumn]:
    """Columns whose name is of the entity itself, and of no property of it; accounts stand in for cards."""
    roles = ("card", "account") if entity == "card" else (entity,)
    fitting = [
        each for each in free if each.hints("reference") or not (each.hints("property") or each.hints("personal"))
    ]
    for role in roles:
        if found := [each for each in fitting if each.hints(role) and not each.hints("amount") and _repeats(each)]:
            return found
    return []


def _rank(column: SeenColumn, entity: str) -> int:
    return 2 * column.like_card_numbers + column.hints("reference") + (column.name.lower() == f"{entity}_id")


def _repeats(column: SeenColumn) -> bool:
    """Whether the same values come again; a few rows say nothing about that."""
    known = column.rows * column.filled
    return known < 100 or column.distinct <= REPEATING * known


def _transaction(free: list[SeenColumn], entities: list[SeenColumn], interview: Interview) -> Mapping[str, Any] | None:
    unique = [
        each for each in free if each not in entities and each.filled == 1.0 and each.distinct >= UNIQUE * each.rows
    ]
    if not unique:
        return None
    best = max(unique, key=lambda each: (each.hints("event"), each.hints("reference")))
    rows = "every row" if best.distinct == best.rows else "nearly every row"
    named = best.hints("reference") or best.hints("event")
    reason = f"{best.name} {'is named for it and ' if named else ''}differs in {rows}"
    text, options = "Which column is the transaction's own id?", (*(each.name for each in unique), NONE)
    answer = interview.settle(Question("transaction_id", text, best.name, reason, named, options))
    return None if answer == NONE else {"column": answer}


def _keys(column: SeenColumn) -> dict[str, Any]:
    """How to read a column of ids."""
    keys: dict[str, Any] = {"column": column.name}
    if column.placeholders:
        keys["missing"] = list(column.placeholders)
    if column.whole_text and not is_number(column.column.type):
        keys["whole_numbers"] = True
    if column.in_two_cases:
        keys["upper"] = True
    return keys
