"""How much a transaction was about, in which unit and in which currency."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.column_plan import CURRENCY_NAMES
from pipeline.inspection.column_words import name_words
from pipeline.inspection.interview import Interview, Question
from pipeline.inspection.number_spelling import CURRENCY_CODES
from pipeline.inspection.rate_answer import CONVERTED, rate_answer
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns
from pipeline.storage.errors import InputError

CENT_WORDS = {"cents", "cent", "minor", "pence", "centimes", "centavos"}
ROUND = 0.5
"""Share of whole amounts that end in 00: so many do where they are cents of round prices."""
MOST_CURRENCIES = 40
NAMED = 3
"""A rank that only the name of an amount gives."""
OFTEN = 0.3
"""Share of negative amounts above which they may be purchases and no refunds."""


@dataclass(frozen=True)
class AmountChoice:
    """Keys of the sections [amount] and [currency], and rates that somebody must still give, by currency."""

    column: str
    keys: Mapping[str, Any]
    currency: Mapping[str, Any] | None
    rates: Mapping[str, str] = field(default_factory=dict)


def amount_choice(seen: SeenColumns, interview: Interview, *, taken: Collection[str]) -> AmountChoice:
    """The amount.

    Args:
        seen: all columns.
        interview: settles what is not sure.
        taken: columns that are something else.

    Raises:
        InputError: no column holds numbers.
    """
    possible = [each for each in seen.columns if each.name not in taken and each.number and each.filled > 0.9]
    if not possible:
        raise InputError("no column holds numbers that can be the amount: a preset written by hand can say which")
    ranked = sorted(possible, key=_rank, reverse=True)
    best = ranked[0]
    sure = best.hints("amount") and not any(_rank(each) >= NAMED for each in ranked[1:])
    reason = (
        f"{best.name} is named for it"
        if sure
        else f"is {best.name} the amount? it is taken of {len(possible)} that hold numbers"
    )
    names = tuple(each.name for each in ranked)
    name = interview.settle(Question("amount", "Which column is the amount?", best.name, reason, sure, names))
    column = seen.named(name)
    return _with_currency(column, _spelled(column, interview), seen, interview)


def _rank(column: SeenColumn) -> int:
    """Its name, a fraction of cents, and no name of a fee, a balance or a sum over others."""
    assert column.number is not None
    plain = len(name_words(column.name)) == 1
    return 4 * column.hints("amount") + plain - 4 * column.hints("side_amount") + 1 * (not column.number.whole) - 1


def _spelled(column: SeenColumn, interview: Interview) -> dict[str, Any]:
    assert column.number is not None
    keys: dict[str, Any] = {"column": column.name, **column.number.keys}
    if not column.number.certain:
        mark = interview.settle(
            Question(
                "amount",
                f"What does the mark in {column.name} part?",
                "thousands" if "thousands" in keys else "fraction",
                f"does the mark in {column.name} part thousands or a fraction? every amount has three digits behind it",
                options=("thousands", "fraction"),
            )
        )
        keys |= _marked(column, mark)
    if column.number.negative:
        keys["refund"] = "is_refund"
    if column.number.negative > OFTEN:
        reason = f"are negative amounts purchases? {column.number.negative:.0%} are negative, and taken for refunds"
        interview.leave_open(Question("amount", "Are negative amounts refunds?", "refunds", reason))
    if column.number.whole and _in_cents(column, interview):
        keys["unit"] = "minor"
    return keys


def _marked(column: SeenColumn, meaning: str) -> dict[str, str]:
    comma = bool(pc.any(pc.match_substring(column.text, ",")).as_py())
    if meaning == "thousands":
        return {"thousands": ",", "decimal": "."} if comma else {"thousands": ".", "decimal": ","}
    return {"decimal": ","} if comma else {"decimal": "."}


def _in_cents(column: SeenColumn, interview: Interview) -> bool:
    named = bool(set(name_words(column.name)) & CENT_WORDS)
    ends = pc.mean(pc.cast(pc.match_substring_regex(column.text, r"00(?:\.0+)?$"), "float64")).as_py() or 0.0
    reason = (
        "its name says that it counts cents"
        if named
        else f"are the amounts cents? all are whole numbers, {ends:.0%} end in 00; whole units are assumed"
    )
    default = "cents" if named else "units"
    question = Question(
        "amount", f"Are the amounts in {column.name} cents or whole units?", default, reason, named, ("cents", "units")
    )
    return interview.settle(question) == "cents"


def _with_currency(
    amount: SeenColumn, keys: Mapping[str, Any], seen: SeenColumns, interview: Interview
) -> AmountChoice:
    found = next((each for each in seen.columns if _holds_currencies(each)), None)
    if found is None:
        return AmountChoice(amount.name, keys, None)
    codes = sorted({value.upper() for value in _codes(found)}, key=lambda code: -_codes(found).get(code, 0))
    if len(codes) == 1:
        reason = f"{found.name} names one currency, {codes[0]}"
        interview.settle(Question("currency", "Which currency?", codes[0], reason, sure=True))
        return AmountChoice(amount.name, keys, {"column": found.name})
    rates = _rates(codes, interview)
    if CONVERTED in rates.values():
        return AmountChoice(amount.name, keys, {"column": found.name, "target": codes[0], "converted": True})
    return AmountChoice(amount.name, keys, {"column": found.name, "target": codes[0]}, rates)


def _rates(codes: Sequence[str], interview: Interview) -> dict[str, str]:
    """What each currency is worth in the first, until one answer says that all amounts are in that already."""
    rates = {codes[0]: "1"}
    for code in codes[1:]:
        rates[code] = _rate(code, codes[0], interview, alone=not any([*rates.values()][1:]))
        if rates[code] == CONVERTED:
            break
    return rates


def _rate(code: str, target: str, interview: Interview, *, alone: bool) -> str:
    return interview.settle(
        Question(
            "currency",
            f"What is one {code} worth in {target}? (a number, or `converted` where amounts are in {target} already)",
            "",
            f"amounts in {code} need a rate to {target} before they can be added up: fill it in beside the preset, or "
            "say converted = true instead of rates",
            reading=partial(rate_answer, alone=alone),
        )
    )


def _holds_currencies(column: SeenColumn) -> bool:
    known = bool(pc.all(pc.is_in(pc.utf8_upper(column.text.drop_null()), pa.array(sorted(CURRENCY_CODES)))).as_py())
    named = column.name.lower() in CURRENCY_NAMES or column.hints("currency") or known
    codes = pc.all(pc.match_substring_regex(column.text, r"^(?:[A-Za-z]{3}|\d{3})$")).as_py()
    return bool(named and codes and 0 < column.distinct <= MOST_CURRENCIES)


def _codes(column: SeenColumn) -> dict[str, int]:
    counted = pc.value_counts(pc.utf8_upper(column.text.drop_null())).to_pylist()
    return {each["values"]: each["counts"] for each in counted}
