"""Golden rows: inputs whose probability is known, so that a graph can be asked whether it still says the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.bundle.bundle_terms import FEWEST
from pipeline.bundle.plain_rows import is_number, plain_rows, row_arrays
from pipeline.bundle.scorer import Scorer
from pipeline.bundle.signature import Signature
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json

TOLERANCE = 1e-5
"""What float32 sums in another order may differ by; a booster's row beyond it has flipped a tree."""
GOLDEN = "golden.jsonl"


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
    rows = zip(plain_rows(table, signature), probabilities, strict=True)
    return "".join(
        json.dumps({"inputs": inputs, "probability": float(probability)}, allow_nan=False) + "\n"
        for inputs, probability in rows
    )


def replayed_difference(scorer: Scorer, content: bytes) -> tuple[int, float]:
    """Number of golden rows and the largest difference of their probability now.

    Raises:
        InputError: a line is malformed, or there are fewer than 50.
    """
    rows = golden_rows(content, scorer.signature)
    if len(rows) < FEWEST:
        raise InputError(f"golden.jsonl must have at least {FEWEST} lines, got {len(rows)}")
    inputs = row_arrays([row["inputs"] for row in rows], scorer.signature, file=GOLDEN)
    found = scorer.outputs(inputs, rows=len(rows))["probability"]
    expected = np.array([row["probability"] for row in rows], dtype=np.float64)
    return len(rows), float(np.abs(found - expected).max())


def golden_rows(content: bytes, signature: Signature) -> list[dict[str, Any]]:
    """The lines of golden.jsonl, `inputs` and `probability` each.

    Raises:
        InputError: one is malformed.
    """
    return list(_checked_rows(content, signature))


def _checked_rows(content: bytes, signature: Signature) -> Iterator[dict[str, Any]]:
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
    return is_number(probability) and 0 <= probability <= 1 and row["inputs"].keys() == set(signature.inputs)
