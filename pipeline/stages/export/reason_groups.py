"""Which columns give one reason together, and in which words: groups of a specification by entity and kind.

Windows of several lengths, means and ratios of the same payments share one cause, so they share one reason; of nine
groups a graph is asked 512 rows a reference. Where a specification has more, kinds are told apart less, from the end.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any, Literal

from features.times import DAY, HOUR
from features.windows.spec import FeatureColumn, FeatureSpec
from pipeline.bundle.reason_file import LONGEST, MOST_DETAILS, MOST_GROUPS

TOP = 4
"""Reasons a payment: credit practice has four or five at most, and a reader no time for more."""
LEAST_SHARE = 0.05
"""Of all that raised a score, what a group must have raised of it to be a reason: less depends on the references."""
COUNTERFACTUAL = (
    "Had {subject} been as in ordinary payments, the probability would be {without} instead of {probability}."
)
WHOLE, MONEY = 0, 2
"""Digits behind the point."""
ENTITIES_APART = MOST_GROUPS - 3
"""So many have a group of their own beside amount, circumstances and all others."""

Kind = Literal["amount", "time", "details", "circumstances", "amounts", "activity", "frauds", "use", "history"]
Shown = dict[str, Any]


@dataclass(frozen=True, order=True)
class _Key:
    """What a group is about: the payment itself where `entity` is empty; `detail` tells declared columns apart."""

    entity: tuple[str, ...]
    kind: Kind
    detail: str = ""


OTHERS = ("others_id",)
"""The entity that stands for those without a group of their own."""


def reason_groups(spec: FeatureSpec) -> list[dict[str, Any]]:
    """The groups of a specification as reasons.json has them: at most nine, in order of their codes."""
    keys = {column: _key(column, spec) for column in spec.columns}
    for merged in _mergers(spec):
        if len(set(keys.values())) <= MOST_GROUPS:
            break
        keys = {column: merged(key) for column, key in keys.items()}
    groups = [
        _group(key, [column for column, own in keys.items() if own == key], spec)
        for key in dict.fromkeys(keys.values())
    ]
    return sorted(_with_codes_of_their_own(groups), key=lambda group: str(group["code"]))


def _key(column: FeatureColumn, spec: FeatureSpec) -> _Key:
    if column.entity:
        return _Key(column.entity, _kind(column))
    if column.aggregate != "value":
        return _Key((), "time")
    if column.of == "amount":
        return _Key((), "amount")
    own = (str(column.of),)
    return _Key(own, "activity") if own in spec.entities else _Key((), "details", column.name)


def _kind(column: FeatureColumn) -> Kind:
    """What a window's column tells of; who is met counts as activity."""
    if column.of == "label" or column.needs == "all":
        return "frauds"
    return "amounts" if column.of == "amount" else "activity"


def _mergers(spec: FeatureSpec) -> Iterator[Callable[[_Key], _Key]]:
    """What is told apart no more, one step after the other; after all of them there are nine groups at most."""
    yield lambda key: replace(key, detail="")
    yield lambda key: replace(key, kind="history") if len(key.entity) > 1 else key
    if any(_key(column, spec).kind == "details" for column in spec.columns):
        yield _merged((), "circumstances", ("time", "details"))
    for entity in reversed([each for each in spec.entities if len(each) == 1]):
        yield _merged(entity, "use", ("amounts", "activity"))
        yield _merged(entity, "history", ("use", "frauds"))
    apart = {(), *spec.entities[:ENTITIES_APART]}
    yield lambda key: key if key.entity in apart else _Key(OTHERS, "history")


def _merged(entity: tuple[str, ...], kind: Kind, kinds: Collection[Kind]) -> Callable[[_Key], _Key]:
    return lambda key: replace(key, kind=kind) if key.entity == entity and key.kind in kinds else key


def _group(key: _Key, columns: Sequence[FeatureColumn], spec: FeatureSpec) -> dict[str, Any]:
    words = _payment_words(key, columns, spec) if not key.entity else _entity_words(key, columns, spec)
    return {
        "code": words.code,
        "subject": words.subject,
        "sentence": words.sentence,
        "value": words.value,
        "usual": words.usual,
        "details": dict(words.details),
        "columns": [column.name for column in columns],
    }


@dataclass(frozen=True)
class _Words:
    code: str
    subject: str
    sentence: str
    value: Shown | None = None
    usual: Shown | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def _payment_words(key: _Key, columns: Sequence[FeatureColumn], spec: FeatureSpec) -> _Words:
    """Of what stands in the payment itself."""
    if key.kind == "amount":
        return _amount_words(spec)
    if key.kind == "time":
        hour = next((column for column in columns if column.aggregate == "hour"), None)
        subject = "the time of day and week"
        if hour is None:
            return _Words("TIME", subject, "The day and time at which the payment was made.")
        return _Words("TIME", subject, "The payment was made at hour {value} of the day (UTC).", _shown(hour, WHOLE))
    details, subject = _details(columns), "the other details of the payment"
    listed = ": {details}." if details else "."
    if key.kind == "circumstances":
        subject = "the time and the other details of the payment"
        return _Words("CIRCUMSTANCES", subject, f"{_capital(subject)}{listed}", details=details)
    if not key.detail:
        return _Words("DETAILS", subject, f"{_capital(subject)}{listed}", details=details)
    text = "Of the payment itself: {details}." if details else f"The {_plain(key.detail)} of the payment."
    return _Words(f"DETAIL_{_code(key.detail)}", f"the {_plain(key.detail)} of the payment", text, details=details)


def _details(columns: Sequence[FeatureColumn]) -> dict[str, str]:
    """Which values a sentence lists, and their names: of the clock the hour, of the rest no ids."""
    hour = {column.name: "hour (UTC)" for column in columns if column.aggregate == "hour"}
    rest = [column.name for column in columns if column.aggregate == "value" and not column.name.endswith("_id")]
    named = hour | {name: _plain(name) for name in rest}
    return dict(list(named.items())[:MOST_DETAILS])


def _amount_words(spec: FeatureSpec) -> _Words:
    """The amount beside what is usual for the first entity that has a mean."""
    (amount,) = _own_amount(spec)
    mean = next((found for entity in spec.entities if (found := _widest(spec, entity, "amount_mean"))), None)
    if mean is None:
        return _Words("AMOUNT", "the amount", "The amount is {value}.", _shown(amount, MONEY))
    text = f"The amount is {{value}}; the average of {_party(mean.entity)} over {_span(mean)} is {{usual}}."
    return _Words("AMOUNT", "the amount", text, _shown(amount, MONEY), _shown(mean, MONEY))


def _entity_words(key: _Key, columns: Sequence[FeatureColumn], spec: FeatureSpec) -> _Words:
    """Of a card, a merchant or a pair of them: by their code, what is counted, and how often that is usual."""
    code, party = "_".join(_code(name.removesuffix("_id")) for name in key.entity), _party(key.entity)
    if key.entity == OTHERS:
        return _Words(code, "the history of further parties", "What is known of further parties of the payment.")
    if key.kind == "amounts":
        return replace(_compared_amount(key, party, spec), code=f"{code}_AMOUNTS")
    if key.kind == "frauds":
        return replace(_counted_frauds(columns, party), code=f"{code}_FRAUDS")
    if key.kind == "activity":
        return replace(_counted_payments(columns, party), code=f"{code}_ACTIVITY")
    if key.kind == "use":
        return replace(
            _counted_payments(columns, party), code=f"{code}_USE", subject=f"how {party} was used, and for what"
        )
    return replace(_counted_payments(columns, party), code=code, subject=f"the history of {party}")


def _compared_amount(key: _Key, party: str, spec: FeatureSpec) -> _Words:
    (amount,), mean = _own_amount(spec), _widest(spec, key.entity, "amount_mean")
    subject, value = f"the amounts of {party}", _shown(amount, MONEY)
    if mean is None:
        return _Words("", subject, f"The amount is {{value}}, compared with earlier amounts of {party}.", value)
    text = f"The amount is {{value}}, compared with {{usual}} on average of {party} over {_span(mean)}."
    return _Words("", subject, text, value, _shown(mean, MONEY))


def _counted_payments(columns: Sequence[FeatureColumn], party: str) -> _Words:
    counts = _by_window(columns, "count")
    subject = f"how {party} was used lately"
    if not counts:
        return _Words("", subject, f"How often and where {party} was used lately.")
    short, long = counts[0], counts[-1]
    text, value = f"Payments of {party} in the {_span(short)} before: {{value}}", _shown(short, WHOLE)
    if short.window == long.window:
        return _Words("", subject, f"{text}.", value)
    times = (short.window or 0) / (long.window or 1)
    usual = {"column": long.name, "times": times, "digits": 1}
    return _Words("", subject, f"{text}; by its last {_span(long)}, {{usual}} are usual.", value, usual)


def _counted_frauds(columns: Sequence[FeatureColumn], party: str) -> _Words:
    subject = f"what is known of frauds of {party}"
    for name, digits, times, words in (
        ("fraud_count", WHOLE, 1.0, "Frauds of {party} that became known in the {span} before: {{value}}."),
        ("fraud_rate", 1, 100.0, "Frauds among what became known of {party} in the {span} before: {{value}} %."),
    ):
        if found := _by_window(columns, name):
            text = words.format(party=party, span=_span(found[-1]))
            return _Words("", subject, text, _shown(found[-1], digits) | {"times": times})
    return _Words("", subject, f"{_capital(subject)}.")


def _own_amount(spec: FeatureSpec) -> list[FeatureColumn]:
    return [column for column in spec.columns if not column.entity and column.of == "amount"]


def _widest(spec: FeatureSpec, entity: tuple[str, ...], aggregate: str) -> FeatureColumn | None:
    found = _by_window([column for column in spec.columns if column.entity == entity], aggregate)
    return found[-1] if found else None


def _by_window(columns: Sequence[FeatureColumn], aggregate: str) -> list[FeatureColumn]:
    """Those of an aggregate, the shortest window first."""
    found = [column for column in columns if column.entity and column.aggregate == aggregate]
    return sorted(found, key=lambda column: column.window or 0)


def _shown(column: FeatureColumn, digits: int) -> Shown:
    return {"column": column.name, "times": 1.0, "digits": digits}


def _span(column: FeatureColumn) -> str:
    """The length of a column's window in words.

    >>> from types import SimpleNamespace
    >>> [_span(SimpleNamespace(window=hours * HOUR)) for hours in (1, 36, 24, 720)]
    ['hour', '36 hours', 'day', '30 days']
    """
    length = column.window or 0
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (HOUR // 60, "minute"), (HOUR // 3600, "second")):
        if length and length % unit == 0:
            return name if length == unit else f"{length // unit} {name}s"
    return f"{length / (HOUR // 3600):g} seconds"


def _party(entity: tuple[str, ...]) -> str:
    """An entity in a sentence: "this card", "this card with this merchant"."""
    return " with ".join(f"this {_plain(name.removesuffix('_id'))}" for name in entity)


def _plain(name: str) -> str:
    """A column's name as words, without what sentences cannot hold."""
    kept = "".join(each for each in name.replace("_", " ") if each.isprintable() and each not in "{}")
    return kept[: LONGEST // 8].strip() or "column"


def _code(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:24] or "COLUMN"


def _capital(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def _with_codes_of_their_own(groups: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Names that differ in odd characters alone may come to one code: the later ones are numbered."""
    seen: set[str] = set()
    for group in groups:
        code = str(group["code"])
        numbered = chain([code], (f"{code}_{number}" for number in count(2)))
        free = next(each for each in numbered if each not in seen)
        seen.add(free)
        yield {**group, "code": free}
