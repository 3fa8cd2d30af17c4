"""Golden reasons: what each group of columns added to golden rows, so that a bundle can be asked whether it still does.

Effects are compared within a tolerance, since another machine sums floats in another order; sentences to the letter.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.bundle.golden import GOLDEN, golden_rows
from pipeline.bundle.plain_rows import is_number, row_arrays
from pipeline.bundle.reasons import SERVED, USUAL_REFERENCES, Reasons
from pipeline.bundle.scorer import Scorer
from pipeline.storage.errors import InputError
from pipeline.storage.untrusted import parsed_json

GOLDEN_REASONS = "golden_reasons.jsonl"
EXPLAINED = 8
"""Golden rows that are explained: those of the highest probability, as alerts have."""
TOLERANCE = 1e-3
"""Log odds; one of the thousands of rows behind an effect that flips a tree moves it by less."""
KEYS = {"row", "references", "probability", "groups"}
NUMBERS, SENTENCES = ("effect", "without"), ("sentence", "counterfactual")


def golden_reason_lines(reasons: Reasons, scorer: Scorer, golden: bytes) -> str:
    """golden_reasons.jsonl: what each group adds to a golden row, compared with one reference and with several.

    Args:
        reasons: of the bundle.
        scorer: of its graph.
        golden: content of its golden.jsonl.
    """
    rows = golden_rows(golden, scorer.signature)
    order = np.argsort([-row["probability"] for row in rows], kind="stable")[:EXPLAINED]
    lines = (
        {"row": place + 1, "references": references, **_explained(reasons, scorer, rows[place], references)}
        for place in order.tolist()
        for references in (1, USUAL_REFERENCES)
    )
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)


def replayed_reasons(reasons: Reasons, scorer: Scorer, content: bytes, golden: bytes) -> tuple[int, float]:
    """Number of explained rows, and the largest difference of an effect now, in log odds.

    Raises:
        InputError: a line is malformed, none is there, or a sentence reads otherwise.
    """
    rows = golden_rows(golden, scorer.signature)
    lines = [_checked(line, number, len(rows), reasons) for number, line in enumerate(content.splitlines(), 1)]
    if not lines:
        raise InputError(f"{GOLDEN_REASONS} must have a line at least, got none")
    largest = 0.0
    for number, line in enumerate(lines, 1):
        now = _explained(reasons, scorer, rows[line["row"] - 1], line["references"])
        for group in reasons.groups:
            one, other = now["groups"][group.code], line["groups"][group.code]
            largest = max(largest, abs(one["effect"] - other["effect"]))
            text = reasons.words.counterfactual_text(group, other["without"], line["probability"])
            if (one["sentence"], text) != (other["sentence"], other["counterfactual"]):
                raise InputError(
                    f"line {number} of {GOLDEN_REASONS}: the sentences of {group.code} must read as before"
                )
    return len({line["row"] for line in lines}), largest


def _explained(reasons: Reasons, scorer: Scorer, row: Mapping[str, Any], references: int) -> dict[str, Any]:
    """What a line says of a golden row beside its place."""
    arrays = row_arrays([row["inputs"]], scorer.signature, file=GOLDEN)
    columns = [arrays[name] for name in scorer.signature.numeric]
    numbers = np.concatenate([np.zeros((1, 0), np.float32), *columns], axis=1)
    texts = {name: arrays[name] for name in scorer.signature.categorical}
    found = reasons.effects(numbers, texts, scorer, SERVED, references=references)
    groups = {}
    for place, group in enumerate(reasons.groups):
        reason = reasons.reason(place, found, numbers, texts)
        groups[group.code] = {
            "effect": reason.effect,
            "without": float(found.without[place]),
            "sentence": reason.text,
            "counterfactual": reason.counterfactual,
        }
    return {"probability": found.probability, "groups": groups}


def _checked(content: bytes, number: int, rows: int, reasons: Reasons) -> Mapping[str, Any]:
    line = parsed_json(content, name=f"line {number} of {GOLDEN_REASONS}")
    codes, held = {group.code for group in reasons.groups}, len(reasons.numbers)
    if not _is_golden(line, codes) or not 1 <= line["row"] <= rows or not 1 <= line["references"] <= held:
        raise InputError(
            f"line {number} of {GOLDEN_REASONS} must have a golden row, references, a probability, and effect, "
            f"without, sentence and counterfactual of each of the {len(codes)} groups"
        )
    found: Mapping[str, Any] = line
    return found


def _is_golden(line: Any, codes: set[str]) -> bool:
    if not isinstance(line, dict) or line.keys() != KEYS or not isinstance(line["groups"], dict):
        return False
    whole = all(isinstance(line[key], int) and not isinstance(line[key], bool) for key in ("row", "references"))
    groups = line["groups"]
    return whole and is_number(line["probability"]) and groups.keys() == codes and all(map(_is_group, groups.values()))


def _is_group(group: Any) -> bool:
    if not isinstance(group, dict) or group.keys() != {*NUMBERS, *SENTENCES}:
        return False
    return all(is_number(group[key]) for key in NUMBERS) and all(isinstance(group[key], str) for key in SENTENCES)
