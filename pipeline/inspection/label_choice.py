"""Which column says what was fraud, and by which words."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipeline.inspection.interview import Interview, Question
from pipeline.inspection.seen_columns import SeenColumn, SeenColumns
from pipeline.storage.errors import InputError
from pipeline.storage.masking import masked

YES_WORDS = "1 true yes y tak ano j ja oui o si sí s sim t fraud fraudulent fraude betrug confirmed bad 1.0"
NO_WORDS = "0 false no n nie ne nein non f legit legitimate genuine good ok normal clean nonfraud 0.0"
UNKNOWN_WORDS = "-1 u unknown pending open undetermined unconfirmed ? na n/a null none"
YES, NO, UNKNOWN = (frozenset(words.split()) for words in (YES_WORDS, NO_WORDS, UNKNOWN_WORDS))
FEWEST, MOST = 1, 6
"""Values of a label, the unknown ones among them."""
CLEAR = 3
"""What must speak for a column: its name, and words that can be read or are rare."""
RARE = 0.5
"""Share of the rows above which a class cannot be fraud."""


@dataclass(frozen=True)
class LabelChoice:
    """The label's column and its words, as the file spells them."""

    column: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    unknown: tuple[str, ...]


def label_choice(seen: SeenColumns, interview: Interview, *, taken: Collection[str]) -> LabelChoice:
    """The label.

    Args:
        seen: all columns.
        interview: settles what is not sure.
        taken: columns that are something else.

    Raises:
        InputError: no column has few enough values to be one.
    """
    possible = [each for each in seen.columns if each.name not in taken and _may_be_label(each)]
    _check_blanks(seen, possible)
    if not possible:
        raise InputError(
            "no column of two values can be the label: a preset written by hand can name one, or a file of chargebacks "
            "(data/README.md)"
        )
    ranked = sorted(possible, key=_rank, reverse=True)
    best = ranked[0]
    sure = _rank(best) >= CLEAR and (len(ranked) == 1 or _rank(best) > _rank(ranked[1]))
    name = interview.settle(
        Question(
            "label",
            "Which column says what was fraud?",
            best.name,
            _why(best, ranked, sure=sure),
            sure,
            tuple(each.name for each in ranked),
        )
    )
    return _with_words(seen.named(name), interview)


def _may_be_label(column: SeenColumn) -> bool:
    if column.time is not None:
        return False
    if not FEWEST < len(column.values) <= MOST or not all(masked(value) == value for value in column.values):
        return False
    return len(column.values) == FEWEST + 1 or column.hints("label") or bool(_meaning(column.values, YES))


def _check_blanks(seen: SeenColumns, possible: Sequence[SeenColumn]) -> None:
    """Refuse a label that names frauds and nothing else: its blanks would be unknown, and nobody legitimate."""
    alone = [each for each in seen.columns if each.hints("label") and len(each.values) == 1 and 0 < each.filled < RARE]
    if alone and not any(_rank(each) >= CLEAR for each in possible):
        raise InputError(
            f"{masked(alone[0].name)} holds one word and blanks, and a blank means that the label is not known: "
            "the export must write a word for legitimate rows too, or give the frauds as a file of chargebacks "
            "(data/README.md)"
        )


def _rank(column: SeenColumn) -> int:
    """How much speaks for a column: its name, readable words, and that one of them is rare."""
    yes, no = _meaning(column.values, YES), _meaning(column.values, NO)
    readable = bool(yes) and bool(no)
    rare = _rare(column, yes)
    named = 2 * column.hints("label") - 2 * column.hints("rule")
    return named + readable + (readable and rare)


def _with_words(column: SeenColumn, interview: Interview) -> LabelChoice:
    yes, no = _meaning(column.values, YES), _meaning(column.values, NO)
    unknown = _meaning(column.values, UNKNOWN - YES - NO)
    clear = bool(yes and no) and _rare(column, yes)
    if clear and len(yes) + len(no) + len(unknown) == len(column.values):
        return LabelChoice(column.name, yes, no, unknown)
    words = tuple(sorted(column.values, key=lambda word: column.values[word]))
    known = tuple(word for word in words if word not in unknown)
    fraud = interview.settle(
        Question(
            "label",
            f"Which value of {column.name} means fraud?",
            yes[0] if clear else known[0],
            f"which of {', '.join(words)} means fraud? {f'{yes[0]} reads as it' if clear else 'the rarest is taken'}",
            options=words,
        )
    )
    return LabelChoice(column.name, (fraud,), tuple(word for word in known if word != fraud), unknown)


def _rare(column: SeenColumn, words: Collection[str]) -> bool:
    return sum(column.values[word] for word in words) < RARE * sum(column.values.values())


def _meaning(values: Collection[str], words: Collection[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value.lower() in words)


def _why(best: SeenColumn, ranked: Sequence[SeenColumn], *, sure: bool) -> str:
    others = ", ".join(each.name for each in ranked[1:4])
    if sure:
        return f"{best.name} is named for it and has {len(best.values)} values, one of them rare"
    doubt = f"; it might be {others} as well" if others else ""
    return f"does {best.name} say what was fraud? it has {len(best.values)} values{doubt}"
