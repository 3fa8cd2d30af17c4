"""Golden rows: chosen over all probabilities, written with their gaps, replayed to the last one."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.bundle.golden import chosen_rows, golden_lines, parity, replayed_difference
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.signature import Signature
from tests.fixtures.bundles import golden
from tests.oracles.python_path import Small

SIGNATURE = Signature(("amount",), ("country",), ("probability",))


@pytest.fixture(scope="module")
def scorer(bundle: Path) -> Scorer:
    return loaded_scorer(checked_bundle(bundle))


def lines_with(bundle: Path, **inputs: object) -> bytes:
    """The golden rows, the first with other inputs."""
    rows = golden(bundle)
    rows[0]["inputs"] |= inputs
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_rows_within_the_tolerance_count_by_their_difference_and_others_as_flipped() -> None:
    expected = {"a": np.array([0.1, 0.2, 0.3, 0.4])}
    found = parity({"a": expected["a"] + [0.0, 4e-6, 0.1, np.nan], "b": np.zeros(4)}, expected)
    assert (found.rows, found.flipped) == (4, {"a": 2})
    assert found.largest["a"] == pytest.approx(4e-6)


def test_an_output_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match=r"missing: \['b'\]"):
        parity({"a": np.zeros(1)}, {"a": np.zeros(1), "b": np.zeros(1)})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(2, 70))
def test_chosen_rows_are_different_ones_and_hold_both_extremes(probabilities: list[float], rows: int) -> None:
    values = np.array(probabilities)
    chosen = chosen_rows(values, rows=rows)
    assert len(set(chosen)) == len(chosen) == min(rows, len(values))
    assert {values.min(), values.max()} <= set(values[chosen])


def test_a_missing_number_is_null_and_a_missing_string_is_empty() -> None:
    table = pa.table({"amount": pa.array([1.5, None]), "country": pa.array(["NL", None])})
    rows = [json.loads(line) for line in golden_lines(table, np.array([0.25, 0.5]), SIGNATURE).splitlines()]
    assert rows == [
        {"inputs": {"amount": 1.5, "country": "NL"}, "probability": 0.25},
        {"inputs": {"amount": None, "country": ""}, "probability": 0.5},
    ]


def test_golden_rows_replay_as_the_table_they_were_taken_from(case: Small, scorer: Scorer) -> None:
    rows = case.table.slice(0, 60)
    probabilities = scorer.probabilities(rows)["probability"]
    content = golden_lines(rows, probabilities, scorer.signature).encode()
    assert replayed_difference(scorer, content) == (60, 0.0)


def test_a_probability_that_moved_is_the_largest_difference(bundle: Path, scorer: Scorer) -> None:
    rows = golden(bundle)
    rows[5]["probability"] = 0.5 if rows[5]["probability"] < 0.4 else 0.1
    moved = abs(rows[5]["probability"] - golden(bundle)[5]["probability"])
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    assert replayed_difference(scorer, content)[1] == pytest.approx(moved)


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"number_1": "4929"}, "numbers in numeric"),
        ({"number_1": True}, "numbers in numeric"),
        ({"number_1": 10**400}, "numbers in numeric"),
        ({"number_1": 1e300}, "finite in single precision"),
        ({"category_0": 4929}, "strings in categorical"),
        ({"other": 1.0}, "line 1 of golden.jsonl must have the graph's 8 inputs"),
    ],
)
def test_inputs_of_the_wrong_kind_are_refused_without_their_values(
    bundle: Path, scorer: Scorer, inputs: dict[str, object], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        replayed_difference(scorer, lines_with(bundle, **inputs))
    assert "4929" not in str(caught.value)
