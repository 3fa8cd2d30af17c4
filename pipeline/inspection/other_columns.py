"""What becomes of the columns that are no time, amount, id or label: inputs, leaks, personal data, or nothing."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from features.schema.preset import CANONICAL
from pipeline.inspection.column_words import name_words
from pipeline.inspection.label_choice import LabelChoice
from pipeline.inspection.leak_signs import Outcomes, is_one_sided, outcomes, tells_frauds
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns
from pipeline.sections import CANDIDATES

CATEGORIES = 1_000
"""Different texts in a sample up to which a column is a category."""
CODES = 30
"""Different whole numbers up to which they are taken for codes."""
INPUTS = ("categorical", "numeric")
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
    known = outcomes(seen, label)
    rest = [each for each in seen.columns if each.name not in taken]
    leaks = [each for each in rest if _knows(each, known)]
    personal = [each for each in rest if each not in leaks and _personal(each)]
    kinds = _by_kind([each for each in rest if each not in leaks and each not in personal])
    names = {*OWN, *entities}
    return OtherColumns(
        categorical=[_group(columns, names) for kind, columns in kinds if kind == "categorical"],
        numeric=[_group(columns, names) for kind, columns in kinds if kind == "numeric"],
        leaks=tuple(each.name for each in leaks),
        personal=tuple(each.name for each in personal),
        unread={kind: tuple(each.name for each in columns) for kind, columns in kinds if kind not in INPUTS},
    )


def _knows(column: SeenColumn, known: Outcomes) -> bool:
    return column.hints("known_later") or is_one_sided(column, known) or tells_frauds(column, known)


def _by_kind(columns: Sequence[SeenColumn]) -> list[tuple[str, list[SeenColumn]]]:
    """Columns that share their kind and their reading, in the order of the first of each."""
    groups: dict[tuple[str, str], list[SeenColumn]] = defaultdict(list)
    for column in columns:
        kind, keys = _kind(column)
        groups[kind, repr(sorted(keys.items()))].append(column)
    return [(kind, group) for (kind, _), group in groups.items()]


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
    return "categorical", column.spelling_keys


def _is_code(column: SeenColumn) -> bool:
    assert column.number is not None
    typed = pa.types.is_boolean(column.column.type)
    few = column.number.whole and column.distinct <= CODES
    return typed or few or (column.hints("code") and column.number.whole and column.distinct <= CATEGORIES)


def _personal(column: SeenColumn) -> bool:
    """Whether the name is one of personal data, or the values look like it; a merchant's name is none."""
    others = ("merchant", "device", "code")
    return (
        column.like_mail
        or column.like_card_numbers
        or (column.hints("personal") and not any(column.hints(each) for each in others))
    )


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
