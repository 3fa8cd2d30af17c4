"""Aggregates by the names that configurations and specifications use, numbers and entities in the names included.

A number that decides a value stands in the name, and with it in the column's name, so that a specification says all
that another system needs and two of them can stand side by side.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from features.windows.aggregates import AGGREGATES, Aggregate, Values

if TYPE_CHECKING:
    from features.windows.chunk import Chunk, Window

FORMS = ("previous_{k}_amount_ratio", "previous_{k}_seconds", "fraud_rate_{labels}_at_{rate}bp")
"""Names that carry a number, as messages show them."""
BASIS_POINTS = 10_000
"""A rate of 1 in basis points, the unit in which card fraud is quoted."""


def aggregate_named(name: str, *, entities: tuple[str, ...]) -> Aggregate | None:
    """The aggregate of a name; None where there is none.

    >>> aggregate_named("amount_sum", entities=()).meaning
    'sum of amount over {rows}, 0 where none'
    >>> aggregate_named("merchants", entities=("merchant",)).meaning
    'number of different merchant_id, nulls not counted, in {rows}'
    >>> aggregate_named("fraud_rate_20_at_50bp", entities=()).meaning
    '(fraud labels + 20 * 0.0050) / (labels + 20) of {rows}'

    Args:
        name: a key of `AGGREGATES`, one of `FORMS` with numbers in it, an entity's plural for the number of its
            different ids, `previous_{k}_same_{entity}`, `compromised_{entity}s` or `compromised_{entity}_share`.
        entities: whose ids can be counted and compared.
    """
    if name in AGGREGATES:
        return AGGREGATES[name]
    for entity in entities:
        if name in (of_entity := _of_entity(entity)):
            return of_entity[name]
    for pattern, made in _WITH_NUMBERS.items():
        found = re.fullmatch(pattern, name)
        if found:
            return made(*map(int, found.groups()))
    return None


def known_names(entities: tuple[str, ...]) -> tuple[str, ...]:
    """What `aggregate_named` knows, for messages."""
    of_entities = (form.format(entity) for entity in entities for form in _OF_ENTITIES)
    return (*AGGREGATES, *FORMS, *of_entities)


def distinct(entity: str) -> Aggregate:
    """How many different ids of another entity the window holds; nulls do not count."""
    return Aggregate(
        lambda chunk, window: chunk.distinct(window, entity),
        f"number of different {entity}_id, nulls not counted, in {{rows}}",
        of=f"{entity}_id",
        dtype="int32",
        online="distinct",
    )


def shrunken_fraud_rate(labels: int, basis_points: int) -> Aggregate:
    """(frauds + mπ) / (n + m): the fraud rate as if `labels` more had been known, at a rate that is set beforehand.

    A rate of few labels is drawn to π, so that one fraud in one label is not what forty in forty are, and a group of
    which nothing is known has π itself. π is a number of the configuration: taken from the data it would have to be
    what was known of all groups by then, which no single group's history tells. Numerator and denominator are whole
    numbers (of basis points), divided once.
    """

    def rates(chunk: "Chunk", window: "Window") -> Values:
        frauds = np.multiply(chunk.frauds(window), BASIS_POINTS, out=chunk.empty(np.int64), dtype=np.int64)
        seen = np.multiply(chunk.labels(window), BASIS_POINTS, out=chunk.empty(np.int64), dtype=np.int64)
        frauds += labels * basis_points
        seen += labels * BASIS_POINTS
        return chunk.quotients(frauds, seen)

    return Aggregate(
        rates,
        f"(fraud labels + {labels} * {basis_points / BASIS_POINTS:.4f}) / (labels + {labels}) of {{rows}}",
        of="label",
        past_only=True,
        clock="label_available_at",
        online="shrunken_rate",
        numbers=(labels, basis_points),
    )


def previous_ratio(k: int) -> Aggregate:
    """The amount over the largest one of the k-th last moment, NaN where that is 0 or unknown."""
    return Aggregate(
        lambda chunk, past: chunk.quotients(chunk.amount, chunk.previous_amounts(k, past)),
        f"amount / largest amount at {_moment(k)}, missing where that is 0 or unknown",
        of="amount",
        windowed=False,
        past_only=True,
        online="previous_ratio",
        numbers=(k,),
        moments=k,
    )


def previous_seconds(k: int) -> Aggregate:
    """Seconds since the k-th last moment."""
    return Aggregate(
        lambda chunk, past: chunk.seconds_since_previous(k, past),
        f"seconds since {_moment(k)}, missing where there are fewer",
        windowed=False,
        past_only=True,
        online="seconds_since",
        numbers=(k,),
        moments=k,
    )


def previous_same(k: int, entity: str) -> Aggregate:
    """Whether the row's own id of another entity is among those of the k-th last moment."""
    return Aggregate(
        lambda chunk, past: chunk.same_as_previous(k, entity, past),
        f"1 where {entity}_id is that of a row at {_moment(k)}, else 0, missing where there are fewer or it is null",
        of=f"{entity}_id",
        windowed=False,
        past_only=True,
        online="previous_same",
        numbers=(k,),
        moments=k,
    )


def compromised(entity: str) -> Aggregate:
    """How many different ids of another entity the window holds that are known to have had a fraud elsewhere since."""
    return Aggregate(
        lambda chunk, window: chunk.compromised(window, entity),
        f"number of different {entity}_id, nulls not counted, {_tapped(entity)}, in {{rows}}",
        of=f"{entity}_id",
        past_only=True,
        dtype="int32",
        needs="all",
    )


def compromised_share(entity: str) -> Aggregate:
    """Which share of its different ids these are, NaN where it holds none."""
    return Aggregate(
        lambda chunk, window: chunk.quotients(chunk.compromised(window, entity), chunk.distinct(window, entity)),
        f"share of those {_tapped(entity)}, among different {entity}_id, nulls not counted, missing where none, in "
        "{rows}",
        of=f"{entity}_id",
        past_only=True,
        needs="all",
    )


def _of_entity(entity: str) -> dict[str, Aggregate]:
    """Every aggregate that follows the ids of another entity, by its name."""
    return {
        f"{entity}s": distinct(entity),
        f"compromised_{entity}s": compromised(entity),
        f"compromised_{entity}_share": compromised_share(entity),
        **{f"previous_{k}_same_{entity}": previous_same(k, entity) for k in range(1, 10)},
    }


def _tapped(entity: str) -> str:
    return (
        f"of which a fraud label became available before t of a row of the same {entity}_id, later than one of these "
        "rows and not of the same, nor of a null, {same}"
    )


def _moment(k: int) -> str:
    return f"the last{f' but {k - 1}' if k > 1 else ''} of the different event_time of {{rows}}"


_OF_ENTITIES = ("{}s", "previous_{{k}}_same_{}", "compromised_{}s", "compromised_{}_share")
_WITH_NUMBERS: dict[str, Callable[..., Aggregate]] = {
    r"previous_([1-9])_amount_ratio": previous_ratio,
    r"previous_([1-9])_seconds": previous_seconds,
    r"fraud_rate_([1-9]\d{0,5})_at_(\d|[1-9]\d{1,3})bp": shrunken_fraud_rate,
}
