"""What becomes of the columns that are no time, amount, id or label: inputs, leaks, personal data, or nothing."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.schema.preset import CANONICAL
from pipeline.inspection.column_words import name_words
from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns
from pipeline.sections import CANDIDATES

CATEGORIES = 1_000
"""Different texts in a sample up to which a column is a category."""
CODES = 30
"""Different whole numbers up to which they are taken for codes."""
ONE_SIDED = 0.95
"""A column that is filled for so much more of one class than of the other knows the answer."""
FEWEST_FRAUDS = 10
PURE, MOST_FRAUDS = 0.9, 0.8
"""Values of which so large a share is fraud, and that hold so many of the frauds, know the answer."""
OWN = {*CANONICAL, *CANDIDATES, "fold", "weight", "label_weight", "probability", "blocked"}


@dataclass(frozen=True)
class OtherColumns:
    """Groups of inputs by what they share in reading, and the columns that are none.

    Attributes:
        categorical: keys of the sections [[categorical]].
        numeric: keys of the sections [[numeric]].
        leaks: columns that know the answer.
        personal: personal data.
        unread: columns left out, by why.
    """

    categorical: Sequence[Mapping[str, Any]]
    numeric: Sequence[Mapping[str, Any]]
    leaks: tuple[str, ...]
    personal: tuple[str, ...]
    unread: Mapping[str, tuple[str, ...]]


def other_columns(
    seen: SeenColumns, label: LabelChoice, *, taken: Collection[str], entities: Collection[str]
) -> OtherColumns:
    """What becomes of the rest.

    Args:
        seen: all columns.
        label: the label's column and words.
        taken: columns that are something already.
        entities: names of ids in the preset, which no input may have.
    """
    rest = [each for each in seen.columns if each.name not in taken]
    answer = seen.named(label.column)
    leaks = [
        each
        for each in rest
        if each.hints("known_later") or _one_sided(each, answer, label) or _tells(each, answer, label)
    ]
    rest = [each for each in rest if each not in leaks]
    personal = [each for each in rest if _personal(each)]
    rest = [each for each in rest if each not in personal]
    groups: dict[str, dict[str, list[SeenColumn]]] = {"categorical": defaultdict(list), "numeric": defaultdict(list)}
    unread: dict[str, list[str]] = defaultdict(list)
    for column in rest:
        kind, keys = _kind(column)
        if kind in groups:
            groups[kind][repr(sorted(keys.items()))].append(column)
        else:
            unread[kind].append(column.name)
    names = {*OWN, *entities}
    return OtherColumns(
        categorical=[_group(columns, names) for columns in groups["categorical"].values()],
        numeric=[_group(columns, names) for columns in groups["numeric"].values()],
        leaks=tuple(each.name for each in leaks),
        personal=tuple(each.name for each in personal),
        unread={why: tuple(columns) for why, columns in unread.items()},
    )


def _kind(column: SeenColumn) -> tuple[str, dict[str, Any]]:
    """Whether a column is a category or a number and how it is read, or why it is neither."""
    if column.distinct <= 1:
        return "one value or none", {}
    if column.time is not None:
        return "further times", {}
    if column.number is not None and not _is_code(column):
        spelled = {name: value for name, value in column.number.keys.items() if name != "currency"}
        return ("further amounts in a currency", {}) if column.number.form.currency else ("numeric", spelled)
    if column.distinct > CATEGORIES:
        return "texts of too many kinds", {}
    keys: dict[str, Any] = {}
    if column.placeholders:
        keys["missing"] = list(column.placeholders)
    if column.whole_text:
        keys["whole_numbers"] = True
    if column.in_two_cases:
        keys["upper"] = True
    return "categorical", keys


def _is_code(column: SeenColumn) -> bool:
    assert column.number is not None
    typed = pa.types.is_boolean(column.column.type)
    few = column.number.whole and column.distinct <= CODES
    return typed or few or (column.hints("code") and column.number.whole and column.distinct <= CATEGORIES)


def _personal(column: SeenColumn) -> bool:
    """Whether the name is one of personal data; a merchant's name is none."""
    others = ("merchant", "device", "code")
    return column.like_mail or (column.hints("personal") and not any(column.hints(each) for each in others))


def _one_sided(column: SeenColumn, label: SeenColumn, words: LabelChoice) -> bool:
    """Whether a column is filled for nearly all frauds and hardly any other row, or the other way."""
    fraud = pc.is_in(label.text, pa.array(words.yes, pa.string()))
    honest = pc.is_in(label.text, pa.array(words.no, pa.string()))
    filled = [pc.is_valid(column.text.filter(rows)) for rows in (fraud, honest)]
    if min(len(each) for each in filled) < FEWEST_FRAUDS:
        return False
    shares = [pc.mean(pc.cast(each, pa.float64())).as_py() for each in filled]
    return bool(abs(shares[0] - shares[1]) >= ONE_SIDED)


def _tells(column: SeenColumn, label: SeenColumn, words: LabelChoice) -> bool:
    """Whether a few of its values hold most frauds and hardly anything else, as what became of a payment does."""
    fraud = pc.fill_null(pc.is_in(label.text, pa.array(words.yes, pa.string())), False)
    frauds = pc.sum(fraud).as_py() or 0
    if not column.values or frauds < FEWEST_FRAUDS:
        return False
    rows = [pc.fill_null(pc.equal(column.text, value), False) for value in column.values]
    held = [(pc.sum(pc.and_(each, fraud)).as_py(), pc.sum(each).as_py()) for each in rows]
    return bool(sum(own for own, total in held if own >= PURE * total) >= MOST_FRAUDS * frauds)


def _group(columns: Sequence[SeenColumn], own: Collection[str]) -> dict[str, Any]:
    """The keys of one section."""
    names = list(_canonical_names([each.name for each in columns], own))
    keys: dict[str, Any] = {"columns": [each.name for each in columns]}
    if names != keys["columns"]:
        keys["names"] = names
    return keys | _kind(columns[0])[1]


def _canonical_names(columns: Sequence[str], own: Collection[str]) -> Iterator[str]:
    """Names of letters, digits and _, none of which Harbor uses itself."""
    given: set[str] = set()
    for column in columns:
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", column) is not None
        name = column if plain else "_".join(name_words(column)) or "column"
        while name in own or name in given:
            name += "_2"
        given.add(name)
        yield name
