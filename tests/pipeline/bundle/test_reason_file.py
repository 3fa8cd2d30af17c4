"""reasons.json: what it may hold, and how its sentences are filled in."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.bundle.reason_file import ReasonGroup, ReasonTexts, ShownNumber, percent, read_reasons, references_digest
from pipeline.bundle.signature import Signature

SHOWN = ShownNumber("amount", 1.0, 2)
GROUP = ReasonGroup("A", "the amount", "It is {value}, not {usual}.", SHOWN, SHOWN, {"channel": "by"}, ("amount",))


@pytest.fixture(scope="module")
def signature(reasoned: Path) -> Signature:
    return Signature.from_dict(json.loads((reasoned / "signature.json").read_text()))


@pytest.fixture
def values(reasoned: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((reasoned / "reasons.json").read_text())
    return found


def test_a_sentence_shows_numbers_with_their_digits_and_says_what_is_not_known() -> None:
    assert GROUP.text(1234.567, None) == "It is 1,234.57, not not known."
    assert SHOWN.of(float("nan")) is None
    assert ShownNumber("n", 100.0, 1).text(ShownNumber("n", 100.0, 1).of(0.125)) == "12.5"


def test_details_are_on_one_line_and_hold_no_number_of_a_card() -> None:
    group = ReasonGroup("A", "s", "Seen: {details}.", None, None, {"a": "by", "b": "in"}, ("a",))
    assert group.text(None, None, ["web\nshop", ""]) == "Seen: by web shop, in not known."
    assert "4539" not in group.text(None, None, ["4539 5787 6362 1486", "x"])


def test_a_counterfactual_names_both_probabilities_and_replaces_no_word_of_a_value() -> None:
    words = ReasonTexts((GROUP,), 4, 0.05, "Without {subject}: {without}, not {probability}.")
    assert words.counterfactual_text(GROUP, 0.021, 0.6123) == "Without the amount: 2.1 %, not 61.2 %."


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.5, "50.0 %"),
        (0.01, "1.0 %"),
        (0.0099, "0.99 %"),
        (0.0001, "0.01 %"),
        (1.0, "more than 99.9 %"),
        (0.0, "less"),
    ],
)
def test_a_probability_is_never_shown_as_certain(probability: float, text: str) -> None:
    assert percent(probability).startswith(text)


def test_the_digest_of_references_depends_on_every_value_and_not_on_the_order_of_keys(values: dict[str, Any]) -> None:
    references = values["references"]
    assert references_digest([dict(reversed(row.items())) for row in references]) == references_digest(references)
    changed = copy.deepcopy(references)
    changed[3]["category_0"] += "x"
    assert references_digest(changed) != references_digest(references)


def test_what_export_wrote_is_read(values: dict[str, Any], signature: Signature) -> None:
    words, arrays = read_reasons(values, signature)
    assert [group.code for group in words.groups] == ["A_FEW", "B_REST", "C_FIRST", "D_SECOND"]
    assert {array.shape for array in arrays.values()} == {(16, 1)}


def in_group(number: int, **changed: object) -> Callable[[dict[str, Any]], None]:
    return lambda values: values["groups"][number].update(changed)


FAULTY: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda v: v.update(more=1), "must have counterfactual, format, .* and nothing else"),
    (lambda v: v.update(format=2), "of format 1"),
    (lambda v: v.update(top=0), "top: must be a whole number from 1 to 9"),
    (lambda v: v.update(top=True), "top: must be a whole number"),
    (lambda v: v.update(least_share=1.0), "least_share: must be a number of at least 0 and below 1"),
    (lambda v: v.update(counterfactual="Without {subject}: {without}."), "counterfactual: must be a sentence with"),
    (lambda v: v.update(rule="a\nb"), "rule: must be a sentence"),
    (lambda v: v.update(groups=[]), "groups: must be a list of 1 to 9"),
    (lambda v: v["groups"].reverse(), "groups: must stand in order of their codes"),
    (lambda v: v["groups"].pop(), "groups: must hold each of the graph's 8 columns once, got 7"),
    (in_group(1, code="a few"), "group 2: code: must be of capital letters"),
    (in_group(0, sentence="{value} {0.__class__}"), "group 1: sentence: must be one of at most 300 characters"),
    (in_group(1, sentence="{value}"), "group 2: sentence: .* with no places but those of its numbers"),
    (in_group(1, sentence="a { b"), "group 2: sentence"),
    (in_group(1, sentence="x" * 301), "group 2: sentence"),
    (in_group(1, subject=""), "group 2: subject: must be words"),
    (in_group(0, value={"column": "category_0", "times": 1.0, "digits": 2}), "group 1: value: must be null or have"),
    (in_group(0, value={"column": "number_1", "times": 1.0, "digits": 7}), "group 1: value"),
    (in_group(2, details={"card": "card"}), "group 3: details: must be at most 6 columns of the graph"),
    (in_group(1, columns="all"), "group 2: columns: must be a list of names"),
    (lambda v: v["references"].__delitem__(slice(7, None)), "references: must be a list of 8 to 16 rows"),
    (lambda v: v["references"][2].pop("number_1"), "references: must have the graph's 8 inputs, but row 3 has others"),
    (lambda v: v["references"][2].update(number_1="4929"), "reasons.json must have numbers in numeric"),
]


@pytest.mark.parametrize(("change", "fault"), FAULTY)
def test_what_does_not_fit_is_refused_by_its_place(
    values: dict[str, Any], signature: Signature, change: Callable[[dict[str, Any]], object], fault: str
) -> None:
    change(values)
    with pytest.raises(ValueError, match=fault) as caught:
        read_reasons(values, signature)
    assert "4929" not in str(caught.value)
