"""reasons.json: groups of columns with their codes and sentences, and the rows that payments are compared with.

It may come from anywhere, as the bundle it is in: every key is known, every column of the graph stands in one group,
and sentences are filled in by replacing words, never by formatting.
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from pipeline.bundle.plain_rows import is_number, row_arrays
from pipeline.bundle.signature import Signature
from pipeline.storage.errors import InputError, faults_text
from pipeline.storage.masking import masked

FORMAT = 1
MOST_GROUPS = 9
"""So many make 512 coalitions, which a graph answers in milliseconds."""
FEWEST_REFERENCES, MOST_REFERENCES = 8, 16
UNKNOWN = "not known"
"""What a sentence says where a number is missing."""
LONGEST = 300
"""Characters of a sentence."""
MOST_DETAILS, LONGEST_DETAIL = 6, 40
"""Values that a sentence lists, and the characters of each."""
FAULTS_SHOWN = 5

FILE_KEYS = {"format", "top", "least_share", "counterfactual", "groups", "rule", "references"}
GROUP_KEYS = {"code", "subject", "sentence", "value", "usual", "details", "columns"}
NUMBER_KEYS = {"column", "times", "digits"}
PLACES = {"{subject}", "{without}", "{probability}"}
"""What a counterfactual sentence is filled in with, each once or more."""


@dataclass(frozen=True)
class ShownNumber:
    """A number of a row that a sentence shows: a column's, times a factor, with so many digits behind the point."""

    column: str
    times: float
    digits: int

    def of(self, found: float) -> float | None:
        """What is shown where the column holds this; None where that is missing."""
        return None if math.isnan(found) else found * self.times

    def text(self, value: float | None) -> str:
        """The value as a sentence shows it."""
        return UNKNOWN if value is None else f"{value:,.{self.digits}f}"


@dataclass(frozen=True)
class ReasonGroup:
    """Columns that give one reason together.

    Attributes:
        code: by which programs know the reason.
        subject: what the columns tell of, for counterfactual sentences.
        sentence: with places for {value}, {usual} and {details}.
        value: what is shown of a payment, if anything.
        usual: what it usually is, if the columns know.
        details: columns whose values are listed in the sentence, and what they are called there.
        columns: names, each in one group.
    """

    code: str
    subject: str
    sentence: str
    value: ShownNumber | None
    usual: ShownNumber | None
    details: Mapping[str, str]
    columns: tuple[str, ...]

    def text(self, value: float | None, usual: float | None, details: Sequence[str] = ()) -> str:
        """The sentence of a payment with these numbers, and these values of the columns of `details`."""
        named = [
            f"{name} {_printable(shown) or UNKNOWN}"
            for name, shown in zip(self.details.values(), details, strict=False)
        ]
        text = self.sentence.replace("{details}", ", ".join(named))
        for place, shown, number in (("{value}", self.value, value), ("{usual}", self.usual, usual)):
            text = text if shown is None else text.replace(place, shown.text(number))
        return text


@dataclass(frozen=True)
class ReasonTexts:
    """What reasons are given, and in which words.

    Attributes:
        groups: in order of their codes.
        top: reasons that are given at most.
        least_share: of all that raised a score, what a group must have raised of it to be a reason.
        counterfactual: the sentence on what the probability would be without a group.
    """

    groups: tuple[ReasonGroup, ...]
    top: int
    least_share: float
    counterfactual: str

    def counterfactual_text(self, group: ReasonGroup, without: float, probability: float) -> str:
        """What the probability would be without what a group adds."""
        filled = {"{subject}": group.subject, "{without}": percent(without), "{probability}": percent(probability)}
        text = self.counterfactual
        for place, words in filled.items():
            text = text.replace(place, words)
        return text


def percent(probability: float) -> str:
    """A probability as sentences show it.

    >>> percent(0.6123), percent(0.00034), percent(0.99999), percent(0.0000001)
    ('61.2 %', '0.03 %', 'more than 99.9 %', 'less than 0.01 %')
    """
    if probability > 0.999:
        return "more than 99.9 %"
    if probability < 0.0001:
        return "less than 0.01 %"
    return f"{100 * probability:.{1 if probability >= 0.01 else 2}f} %"


def _printable(text: str) -> str:
    """A category as a sentence may show it: on one line, no longer than it must, no number of a card in it."""
    shown = masked("".join(each if each.isprintable() else " " for each in text[: 4 * LONGEST_DETAIL]))
    return shown[:LONGEST_DETAIL].strip()


def references_digest(references: Any) -> str:
    """SHA-256 of reference rows as JSON values, for the manifest."""
    return hashlib.sha256(json.dumps(references, sort_keys=True).encode()).hexdigest()


def read_reasons(values: Any, signature: Signature) -> tuple[ReasonTexts, dict[str, NDArray[Any]]]:
    """Groups and sentences of reasons.json, and its references as the graph takes them [R, 1].

    Raises:
        InputError: the values are malformed or do not fit the graph: every fault, by its place.
    """
    if not isinstance(values, dict) or values.keys() != FILE_KEYS or values["format"] != FORMAT:
        raise InputError(f"reasons.json must have {', '.join(sorted(FILE_KEYS))} and nothing else, of format {FORMAT}")
    faults = [*_head_faults(values), *_groups_faults(values["groups"], signature)]
    faults += _reference_faults(values["references"], signature)
    if faults:
        raise InputError(faults_text(faults, "reasons.json", most=FAULTS_SHOWN))
    groups = tuple(_group(each) for each in values["groups"])
    texts = ReasonTexts(groups, values["top"], values["least_share"], values["counterfactual"])
    return texts, row_arrays(values["references"], signature, file="reasons.json")


def _group(values: Mapping[str, Any]) -> ReasonGroup:
    value, usual = (None if values[key] is None else ShownNumber(**values[key]) for key in ("value", "usual"))
    names = ("code", "subject", "sentence", "details")
    return ReasonGroup(
        value=value, usual=usual, columns=tuple(values["columns"]), **{name: values[name] for name in names}
    )


def _head_faults(values: Mapping[str, Any]) -> Iterator[str]:
    if not _is_whole(values["top"], 1, MOST_GROUPS):
        yield f"top: must be a whole number from 1 to {MOST_GROUPS}"
    if not is_number(values["least_share"]) or not 0 <= values["least_share"] < 1:
        yield "least_share: must be a number of at least 0 and below 1"
    if not _is_sentence(values["counterfactual"], PLACES) or any(p not in values["counterfactual"] for p in PLACES):
        yield f"counterfactual: must be a sentence with {', '.join(sorted(PLACES))}"
    if not _is_sentence(values["rule"], set()):
        yield "rule: must be a sentence"


def _groups_faults(groups: Any, signature: Signature) -> list[str]:
    if not isinstance(groups, list) or not 1 <= len(groups) <= MOST_GROUPS:
        return [f"groups: must be a list of 1 to {MOST_GROUPS}"]
    faults = [f"group {n}: {fault}" for n, group in enumerate(groups, 1) for fault in _group_faults(group, signature)]
    return faults or _fit_faults(groups, signature)


def _fit_faults(groups: Sequence[Mapping[str, Any]], signature: Signature) -> list[str]:
    """What is wrong with groups that are right by themselves: their order, and which columns they hold together."""
    codes = [group["code"] for group in groups]
    columns = [name for group in groups for name in group["columns"]]
    wanted = len(signature.inputs)
    checks = {
        "groups: must stand in order of their codes, each once": codes == sorted(set(codes)),
        f"groups: must hold each of the graph's {wanted} columns once, got {len(columns)}": sorted(columns)
        == sorted(signature.inputs),
    }
    return [fault for fault, right in checks.items() if not right]


def _group_faults(group: Any, signature: Signature) -> list[str]:
    if not isinstance(group, dict) or group.keys() != GROUP_KEYS:
        return [f"must have {', '.join(sorted(GROUP_KEYS))} and nothing else"]
    places = {f"{{{key}}}" for key in ("value", "usual", "details") if group[key]}
    shown = "must be null or have column (a numeric one), times (a number) and digits (0 to 6)"
    checks = {
        "code: must be of capital letters, digits and _": _is_code(group["code"]),
        f"sentence: must be one of at most {LONGEST} characters, with no places but those of its numbers": _is_sentence(
            group["sentence"], places
        ),
        "subject: must be words": _is_sentence(group["subject"], set()),
        f"value: {shown}": _is_shown(group["value"], signature.numeric),
        f"usual: {shown}": _is_shown(group["usual"], signature.numeric),
        f"details: must be at most {MOST_DETAILS} columns of the graph, each with its words": _are_details(
            group["details"], signature
        ),
        "columns: must be a list of names": _are_names(group["columns"]),
    }
    return [fault for fault, right in checks.items() if not right]


def _is_code(code: Any) -> bool:
    return isinstance(code, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{0,127}", code) is not None


def _are_names(names: Any) -> bool:
    return isinstance(names, list) and bool(names) and all(isinstance(name, str) for name in names)


def _are_details(details: Any, signature: Signature) -> bool:
    if not isinstance(details, dict) or len(details) > MOST_DETAILS:
        return False
    return details.keys() <= set(signature.inputs) and all(_is_sentence(words, set()) for words in details.values())


def _is_shown(number: Any, numeric: Sequence[str]) -> bool:
    if number is None:
        return True
    if not isinstance(number, dict) or number.keys() != NUMBER_KEYS or number["column"] not in numeric:
        return False
    return is_number(number["times"]) and _is_whole(number["digits"], 0, 6)


def _reference_faults(rows: Any, signature: Signature) -> Iterator[str]:
    if not isinstance(rows, list) or not FEWEST_REFERENCES <= len(rows) <= MOST_REFERENCES:
        yield f"references: must be a list of {FEWEST_REFERENCES} to {MOST_REFERENCES} rows"
        return
    wrong = [
        number for number, row in enumerate(rows, 1) if not isinstance(row, dict) or not _has_inputs(row, signature)
    ]
    if wrong:
        yield f"references: must have the graph's {len(signature.inputs)} inputs, but row {wrong[0]} has others"


def _has_inputs(row: Mapping[str, Any], signature: Signature) -> bool:
    return row.keys() == set(signature.inputs)


def _is_sentence(text: Any, places: set[str]) -> bool:
    """Words that can be printed, with no braces but those of the places."""
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST or not text.isprintable():
        return False
    return set(re.findall(r"\{[^{}]*\}", text)) <= places and not re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text))


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
