"""Reasons by what one group alone takes away, against the graph asked row by row and against Shapley values."""

import numpy as np
import pytest

from pipeline.serve.deployment import PROBABILITY, deployed
from pipeline.state.state_files import checked_state


@pytest.fixture(scope="module")
def deployment(small_run):
    state = checked_state(small_run / "export" / "state")
    sha256 = state.manifest["features_sha256"]
    return deployed(small_run / "export" / "bundle", spec=state.spec, features_sha256=sha256, key=None)


@pytest.fixture(scope="module")
def usual(deployment):
    """Medians and commonest texts of the references, by hand."""
    reasons = deployment.reasons.reasons
    numbers = np.array([[sorted(c, key=lambda v: (not np.isnan(v), v))[(len(c) - 1) // 2] for c in reasons.numbers.T]])
    texts = {}
    for name, column in reasons.texts.items():
        values, counts = np.unique(column.astype(str), return_counts=True)
        texts[name] = np.array([[str(values[counts.argmax()])]], object)
    return numbers.astype(np.float32), texts


def log_odds(deployment, numbers, texts):
    p = deployment.probability(numbers, texts)
    return np.log(p / (1 - p))


def payment(deployment, usual, seed):
    """A payment that differs from what is usual in about half of its columns."""
    rng, reasons = np.random.default_rng(seed), deployment.reasons.reasons
    other = reasons.numbers[rng.integers(len(reasons.numbers), size=usual[0].shape[1]), np.arange(usual[0].shape[1])]
    numbers = np.where(rng.random(usual[0].shape) < 0.5, other * 3, usual[0]).astype(np.float32)
    return numbers, {name: np.array([["odd"]], object) for name in usual[1]}


@pytest.mark.parametrize("seed", range(3))
def test_an_effect_is_what_the_score_loses_with_the_group_as_usual(deployment, usual, seed):
    numbers, texts = payment(deployment, usual, seed)
    reasons, whole = deployment.reasons.reasons, log_odds(deployment, numbers, texts)
    expected = {}
    for group in reasons.groups:
        places = [place for place, name in enumerate(reasons.signature.numeric) if name in group.columns]
        changed = numbers.copy()
        changed[0, places] = usual[0][0, places]
        named = {name: usual[1][name] if name in group.columns else text for name, text in texts.items()}
        expected[group.code] = whole - log_odds(deployment, changed, named)
    found = deployment.reasons.of(numbers, texts, deployment.scorer, PROBABILITY)
    assert [each.effect for each in found] == pytest.approx([expected[each.code] for each in found], abs=1e-4)
    assert {code for code, effect in expected.items() if effect == max(expected.values()) > 0.1} <= {
        found[0].code if found else ""
    }


def test_where_one_group_alone_is_unusual_its_effect_is_its_shapley_value(deployment, usual):
    reasons = deployment.reasons.reasons
    for group in reasons.groups:
        places = [place for place, name in enumerate(reasons.signature.numeric) if name in group.columns]
        numbers = usual[0].copy()
        numbers[0, places] = np.nan_to_num(numbers[0, places]) * 5 + 3
        quick = deployment.reasons.of(numbers, usual[1], deployment.scorer, PROBABILITY)
        exact = reasons.of(numbers, usual[1], deployment.scorer, PROBABILITY)
        assert [(each.code, each.text) for each in quick] == [(each.code, each.text) for each in exact]
        assert [each.effect for each in quick] == pytest.approx([each.effect for each in exact], abs=1e-5)


def test_a_payment_as_usual_has_no_reasons(deployment, usual):
    assert deployment.reasons.of(*usual, deployment.scorer, PROBABILITY) == []
