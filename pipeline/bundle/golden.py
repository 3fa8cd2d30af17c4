"""Golden rows: inputs whose probability is known, so that a graph can be asked whether it still says the same."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.bundle.bundle_terms import FEWEST
from pipeline.bundle.scorer import Scorer
from pipeline.bundle.signature import Signature, feature_arrays
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json

TOLERANCE = 1e-5
"""What float32 sums in another order may differ by; a booster's row beyond it has flipped a tree."""
WRONG_KIND = "golden.jsonl must have numbers in numeric and strings in categorical columns"


@dataclass(frozen=True)
class Parity:
    """How a graph and the Python path compare on some rows.

    Attributes:
        rows: rows compared.
        largest: per output, the largest difference among the rows within the tolerance.
        flipped: per output, rows beyond the tolerance: a value on a tree's border went the other way.
    """

    rows: int
    largest: Mapping[str, float]
    flipped: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"rows": self.rows, "tolerance": TOLERANCE, "largest": dict(self.largest), "flipped": dict(self.flipped)}


def parity(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> Parity:
    """How outputs [N] compare under the names of `expected`.

    Raises:
        ValueError: an output is missing.
    """
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise ValueError(f"the graph must have an output for every candidate, missing: {missing}")
    apart = {name: np.abs(found[name] - values) for name, values in expected.items()}
    return Parity(
        rows=len(next(iter(expected.values()), ())),
        largest={name: float(each[each <= TOLERANCE].max(initial=0)) for name, each in apart.items()},
        flipped={name: int((~(each <= TOLERANCE)).sum()) for name, each in apart.items()},
    )


def chosen_rows(probabilities: np.ndarray, *, rows: int) -> np.ndarray:
    """Positions spread evenly over the ranks of the probabilities, the extremes among them [≤ rows]."""
    order = np.argsort(probabilities, kind="stable")
    places = np.linspace(0, max(len(order) - 1, 0), min(rows, len(order))).round().astype(int)
    chosen: np.ndarray = order[places]
    return chosen


def golden_lines(table: pa.Table, probabilities: np.ndarray, signature: Signature) -> str:
    """golden.jsonl: a missing number is null, a missing string is ""."""
    arrays = feature_arrays(table, signature)
    lines = []
    for row, probability in enumerate(probabilities):
        inputs = {name: _plain(column[row, 0]) for name, column in arrays.items()}
        lines.append(json.dumps({"inputs": inputs, "probability": float(probability)}, allow_nan=False) + "\n")
    return "".join(lines)


def _plain(value: Any) -> float | str | None:
    if isinstance(value, str):
        return value
    return None if np.isnan(value) else float(value)


def replayed_difference(scorer: Scorer, content: bytes) -> tuple[int, float]:
    """Number of golden rows and the largest difference of their probability now.

    Raises:
        InputError: a line is malformed, or there are fewer than 50.
    """
    rows = list(_golden_rows(content, scorer.signature))
    if len(rows) < FEWEST:
        raise InputError(f"golden.jsonl must have at least {FEWEST} lines, got {len(rows)}")
    found = scorer.outputs(_input_arrays(rows, scorer.signature), rows=len(rows))["probability"]
    expected = np.array([row["probability"] for row in rows], dtype=np.float64)
    return len(rows), float(np.abs(found - expected).max())


def _golden_rows(content: bytes, signature: Signature) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(content.splitlines(), start=1):
        row = parsed_json(line, name=f"line {number} of golden.jsonl")
        if not _is_golden(row, signature):
            raise InputError(
                f"line {number} of golden.jsonl must have the graph's {len(signature.inputs)} inputs and a probability "
                "inside [0, 1]"
            )
        yield row


def _is_golden(row: Any, signature: Signature) -> bool:
    if not isinstance(row, dict) or row.keys() != {"inputs", "probability"} or not isinstance(row["inputs"], dict):
        return False
    probability = row["probability"]
    return _is_number(probability) and 0 <= probability <= 1 and row["inputs"].keys() == set(signature.inputs)


def _input_arrays(rows: Sequence[Mapping[str, Any]], signature: Signature) -> dict[str, np.ndarray]:
    """The inputs of rows as the graph takes them, as `feature_arrays`; no table, so that nothing of pandas is loaded.

    pyarrow imports pandas, where that is installed, as soon as it turns Python values into arrays.
    """
    columns = {name: [row["inputs"][name] for row in rows] for name in signature.inputs}
    arrays = {name: _numbers(columns[name]) for name in signature.numeric}
    return arrays | {name: _strings(columns[name]) for name in signature.categorical}


def _numbers(values: Sequence[Any]) -> np.ndarray:
    """Single precision [N, 1], NaN where missing."""
    if not all(value is None or _is_number(value) for value in values):
        raise InputError(WRONG_KIND)
    with np.errstate(over="ignore"):
        numbers = np.array([math.nan if value is None else value for value in values]).astype(np.float32)
    if np.isinf(numbers).any():
        raise InputError("golden.jsonl must have numbers that are finite in single precision")
    return numbers[:, None]


def _strings(values: Sequence[Any]) -> np.ndarray:
    """Texts [N, 1], "" where missing."""
    if not all(value is None or isinstance(value, str) for value in values):
        raise InputError(WRONG_KIND)
    return np.array([value or "" for value in values], dtype=object)[:, None]


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a number that a double can hold."""
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
