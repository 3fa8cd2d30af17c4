"""Reasons: Shapley values over the served graph, by their laws, by every order, and by a score that is known."""

import copy
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.reasons import Reasons, loaded_reasons, reasons_from
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature, feature_arrays
from tests.fixtures.bundles import edited, listed
from tests.oracles.python_path import Small

SIGNATURE = Signature(("a", "b", "c"), ("kind",), ("probability",))
Texts = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class KnownScore(Scorer):
    """A scorer whose log odds are a function of numbers [N, F] and kinds [N]; it keeps what it was asked."""

    log_odds: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda numbers, kinds: numbers.sum(1)
    asked: list[int] = None  # type: ignore[assignment]

    def matrix_outputs(self, numbers: np.ndarray, texts: Texts, names: Sequence[str]) -> list[Any]:
        assert names == ["probability"]
        self.asked.append(len(numbers))
        z = self.log_odds(numbers.astype(np.float64), texts["kind"][:, 0])
        return [(1 / (1 + np.exp(-z)))[:, None]]


def known(log_odds: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> KnownScore:
    return KnownScore(None, SIGNATURE, None, log_odds, [])


def group(code: str, columns: Sequence[str], **changed: object) -> dict[str, Any]:
    words = {"subject": "it", "sentence": "It.", "value": None, "usual": None, "details": {}}
    return {"code": code, "columns": list(columns), **words, **changed}


def small_reasons(*groups: dict[str, Any], top: int = 4, least_share: float = 0.0) -> Reasons:
    rows = [{"a": float(n), "b": float(n % 3), "c": None if n % 2 else 1.0, "kind": "xy"[n % 2]} for n in range(8)]
    return reasons_from(
        {
            "format": 1,
            "top": top,
            "least_share": least_share,
            "counterfactual": "Without {subject}: {without}, not {probability}.",
            "groups": list(groups),
            "rule": "None.",
            "references": rows,
        },
        SIGNATURE,
    )


APART = [group("A", "a"), group("B", "b"), group("C", "c"), group("KIND", ["kind"])]
ROW = np.array([[9.0, 5.0, 2.0]], np.float32)
KIND = {"kind": np.array([["z"]], dtype=object)}


@pytest.fixture(scope="module")
def served(reasoned: Path) -> tuple[Reasons, Scorer]:
    checked = checked_bundle(reasoned)
    scorer = loaded_scorer(checked)
    reasons = loaded_reasons(checked, scorer.signature)
    assert reasons is not None
    return reasons, scorer


def row_of(case: Small, scorer: Scorer, place: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    arrays = feature_arrays(case.table.slice(place, 1), scorer.signature)
    names = scorer.signature
    return np.concatenate([arrays[name] for name in names.numeric], 1), {
        name: arrays[name] for name in names.categorical
    }


@pytest.mark.parametrize("references", [1, 3, 16])
@pytest.mark.parametrize("place", [0, 7, 11])
def test_base_and_effects_sum_to_the_served_log_odds(
    case: Small, served: tuple[Reasons, Scorer], place: int, references: int
) -> None:
    reasons, scorer = served
    found = reasons.effects(*row_of(case, scorer, place), scorer, "probability", references=references)
    p = scorer.probabilities(case.table.slice(place, 1))["probability"][0]
    assert found.base + found.effects.sum() == pytest.approx(np.log(p / (1 - p)), abs=1e-5)
    assert found.probability == pytest.approx(p, abs=1e-9)


def test_effects_are_what_each_group_adds_over_every_order(case: Small, served: tuple[Reasons, Scorer]) -> None:
    reasons, scorer = served
    numbers, texts = row_of(case, scorer, 4)
    row = {name: numbers[:, [n]] for n, name in enumerate(scorer.signature.numeric)} | texts
    added = np.zeros((16, 4))
    for r in range(16):
        rest = {name: reasons.numbers[[r]][:, [n]] for n, name in enumerate(scorer.signature.numeric)}
        rest |= {name: column[[r]][:, None] for name, column in reasons.texts.items()}
        for order in permutations(range(4)):
            inputs, before = dict(rest), log_odds_of(scorer, rest)
            for place in order:
                inputs |= {name: row[name] for name in reasons.groups[place].columns}
                now = log_odds_of(scorer, inputs)
                added[r, place] += (now - before) / 24
                before = now
    found = reasons.effects(numbers, texts, scorer, "probability", references=16)
    np.testing.assert_allclose(found.effects, added.mean(0), atol=1e-5)


def log_odds_of(scorer: Scorer, inputs: Mapping[str, np.ndarray]) -> float:
    p = scorer.outputs(inputs, rows=1)["probability"][0]
    return float(np.log(p) - np.log1p(-p))


def test_a_linear_score_is_shared_by_how_far_each_column_is_from_the_references() -> None:
    reasons = small_reasons(*APART)
    score = known(lambda numbers, kinds: 0.5 * numbers[:, 0] - numbers[:, 1] + (kinds == "z"))
    found = reasons.effects(ROW, KIND, score, "probability", references=8)
    expected = [0.5 * (9 - 3.5), -(5 - np.mean([n % 3 for n in range(8)])), 0.0, 1.0]
    np.testing.assert_allclose(found.effects, expected, atol=1e-9)
    assert found.without[0] == pytest.approx(1 / (1 + np.exp(-(found.log_odds - expected[0]))))


def test_a_group_that_the_graph_does_not_ask_adds_nothing_and_is_no_reason() -> None:
    score = known(lambda numbers, kinds: np.sin(numbers[:, 0]) * numbers[:, 1] + numbers[:, 1])
    found = small_reasons(*APART).effects(ROW, KIND, score, "probability", references=8)
    assert found.effects[2:] == pytest.approx([0, 0], abs=1e-9)
    assert not {"C", "KIND"} & {reason.code for reason in small_reasons(*APART).of(ROW, KIND, score, "probability")}


def test_a_group_that_is_as_the_references_adds_exactly_nothing_and_costs_no_row() -> None:
    reasons = small_reasons(*APART)
    score = known(lambda numbers, kinds: np.nan_to_num(numbers).sum(1))
    medians = reasons.effects(ROW, {"kind": np.array([["x"]], dtype=object)}, score, "probability", references=1)
    assert medians.effects[3] == 0.0
    assert score.asked == [8]


def test_groups_that_do_the_same_add_the_same() -> None:
    score = known(lambda numbers, kinds: np.minimum(numbers[:, 0] - 3, numbers[:, 0] * 0 + (kinds == "z") * 6))
    reasons = small_reasons(*APART)
    one = replace(reasons, numbers=np.tile(np.array([[3.0, 0, 0]], np.float32), (8, 1)))
    found = one.effects(ROW, KIND, score, "probability", references=8)
    assert found.effects[0] == pytest.approx(found.effects[3]) == pytest.approx(3.0)


def test_reasons_come_strongest_first_and_the_lower_code_first_among_equals() -> None:
    score = known(lambda numbers, kinds: (numbers[:, 0] == 9) * 2.0 + (numbers[:, 1] == 5) * 3.0 + (kinds == "z") * 2.0)
    given = small_reasons(*APART).of(ROW, KIND, score, "probability")
    assert [reason.code for reason in given] == ["B", "A", "KIND"]
    assert [reason.effect for reason in given] == pytest.approx([3, 2, 2])


def test_a_service_asks_the_graph_once_for_all_coalitions_against_the_medians() -> None:
    score = known(lambda numbers, kinds: np.nan_to_num(numbers).sum(1))
    small_reasons(*APART).of(ROW, KIND, score, "probability")
    assert score.asked == [16]


def test_groups_that_lower_or_hardly_raise_a_score_are_no_reasons_and_no_more_than_top_are_given() -> None:
    score = known(lambda numbers, kinds: (numbers[:, 0] == 9) * 5.0 - (numbers[:, 1] == 5) * 3.0 + (kinds == "z") * 0.2)
    named = [
        [
            reason.code
            for reason in small_reasons(*APART, top=top, least_share=share).of(ROW, KIND, score, "probability")
        ]
        for top, share in ((4, 0.0), (4, 0.05), (1, 0.0))
    ]
    assert named == [["A", "KIND"], ["A"], ["A"]]


def test_one_reference_is_the_lower_medians_and_the_commonest_text() -> None:
    seen: list[np.ndarray] = []

    def log_odds(numbers: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        seen.append(numbers[0])
        assert kinds[0] == "x"
        return np.nan_to_num(numbers).sum(1)

    small_reasons(*APART).of(ROW, KIND, known(log_odds), "probability")
    np.testing.assert_array_equal(seen[0], [3.0, 1.0, np.nan])


def test_a_reason_says_the_payments_own_numbers_and_what_would_be_without() -> None:
    shown = {"column": "a", "times": 2.0, "digits": 1}
    usual = {"column": "c", "times": 1.0, "digits": 0}
    words = group("A", "abc", sentence="{value} now, {usual} before, {details}.", details={"kind": "by", "b": "b"})
    reasons = small_reasons(words | {"value": shown, "usual": usual}, group("KIND", ["kind"]))
    score = known(lambda numbers, kinds: np.where(numbers[:, 0] == 9, 0.0, -np.log(9)))
    (reason,) = reasons.of(np.array([[9, 0.5, np.nan]], np.float32), KIND, score, "probability")
    assert reason.text == "18.0 now, not known before, by z, b 0.5."
    assert (reason.value, reason.usual) == (18.0, None)
    assert reason.counterfactual == "Without it: 10.0 %, not 50.0 %."


def test_a_probability_of_one_or_nothing_has_finite_effects() -> None:
    score = known(lambda numbers, kinds: np.where(numbers[:, 0] == 9, 800.0, -800.0))
    with np.errstate(over="ignore"):
        found = small_reasons(*APART).effects(ROW, KIND, score, "probability", references=1)
    assert found.effects[0] == pytest.approx(2 * np.log(1e15), rel=1e-3)


@pytest.mark.parametrize("references", [0, 17])
def test_references_that_a_bundle_does_not_have_are_refused(served: tuple[Reasons, Scorer], references: int) -> None:
    with pytest.raises(ValueError, match=f"references must be from 1 to 16, as the bundle has, got {references}"):
        served[0].check_references(references)


def test_a_bundle_of_before_has_no_reasons_and_verifies(bundle: Path) -> None:
    checked = checked_bundle(bundle)
    assert loaded_reasons(checked, loaded_scorer(checked).signature) is None


def test_reasons_and_what_the_manifest_says_of_them_come_together(reasoned: Path, tmp_path: Path) -> None:
    signature = loaded_scorer(checked_bundle(reasoned)).signature
    alone = Path(shutil.copytree(reasoned, tmp_path / "alone"))
    edited(alone, lambda manifest: manifest.pop("reasons"))
    changed = Path(shutil.copytree(reasoned, tmp_path / "changed"))
    values = json.loads((changed / "reasons.json").read_text())
    values = copy.deepcopy(values)
    values["references"][0]["number_1"] = 3.25
    listed(changed, "reasons.json", json.dumps(values).encode())
    with pytest.raises(ValueError, match=r"must have both reasons\.json and what its manifest says of it, or neither"):
        loaded_reasons(checked_bundle(alone), signature)
    with pytest.raises(ValueError, match="must have the references that the manifest names by digest"):
        loaded_reasons(checked_bundle(changed), signature)
