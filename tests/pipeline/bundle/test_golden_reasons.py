"""Golden reasons: replayed as they were, and whatever changed is seen."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.bundle.golden_reasons import golden_reason_lines, replayed_reasons
from pipeline.bundle.manifest import checked_bundle
from pipeline.bundle.reason_file import references_digest
from pipeline.bundle.reasons import Reasons, loaded_reasons
from pipeline.bundle.scorer import Scorer, loaded_scorer
from pipeline.bundle.verify import verify_bundle
from tests.fixtures.bundles import edited, golden, listed


@pytest.fixture(scope="module")
def served(reasoned: Path) -> tuple[Reasons, Scorer]:
    checked = checked_bundle(reasoned)
    scorer = loaded_scorer(checked)
    reasons = loaded_reasons(checked, scorer.signature)
    assert reasons is not None
    return reasons, scorer


def lines_of(bundle: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (bundle / "golden_reasons.jsonl").read_text().splitlines()]


def test_the_rows_of_highest_probability_are_explained_by_medians_and_by_several(reasoned: Path) -> None:
    lines, rows = lines_of(reasoned), golden(reasoned)
    highest = sorted((row["probability"] for row in rows), reverse=True)[:8]
    assert [rows[line["row"] - 1]["probability"] for line in lines[::2]] == highest
    assert [line["references"] for line in lines] == [1, 8] * 8
    for line in lines:
        assert line["probability"] == pytest.approx(rows[line["row"] - 1]["probability"], abs=1e-6)


def test_they_replay_as_they_were_written(reasoned: Path, served: tuple[Reasons, Scorer]) -> None:
    content, rows = ((reasoned / name).read_bytes() for name in ("golden_reasons.jsonl", "golden.jsonl"))
    assert golden_reason_lines(*served, rows).encode() == content
    assert replayed_reasons(*served, content, rows) == (8, 0.0)


def in_line(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def changed(bundle: Path) -> None:
        lines = lines_of(bundle)
        change(lines[2])
        listed(bundle, "golden_reasons.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())

    return changed


def in_file(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Changes reasons.json and whatever names it by digest, as someone might who can write all of a bundle."""

    def changed(bundle: Path) -> None:
        values = json.loads((bundle / "reasons.json").read_text())
        change(values)
        listed(bundle, "reasons.json", json.dumps(values).encode())
        digest = references_digest(values["references"])
        edited(bundle, lambda manifest: manifest["reasons"].update(references=digest))

    return changed


def moved_reference(values: dict[str, Any]) -> None:
    for row in values["references"]:
        row["number_3"] = (row["number_3"] or 0.0) + 50.0


CHANGES = {
    "an effect": (in_line(lambda line: line["groups"]["A_FEW"].update(effect=9.0)), "must keep their effects to 1e-03"),
    "a probability": (in_line(lambda line: line.update(probability=0.123)), r"line 3 .*: the sentences of A_FEW must"),
    "a sentence of old": (
        in_line(lambda line: line["groups"]["B_REST"].update(sentence="No.")),
        "the sentences of B_R",
    ),
    "a row": (in_line(lambda line: line.update(row=65)), "line 3 of golden_reasons.jsonl must have a golden row"),
    "references": (in_line(lambda line: line.update(references=17)), "line 3 of golden_reasons.jsonl must have"),
    "a group": (
        in_line(lambda line: line["groups"].pop("A_FEW")),
        "sentence and counterfactual of each of the 4 groups",
    ),
    "a kind": (in_line(lambda line: line["groups"]["A_FEW"].update(effect="1")), "line 3 of golden_reasons.jsonl must"),
    "a sentence": (in_file(lambda v: v["groups"][1].update(sentence="All.")), "the sentences of B_REST must read as"),
    "a number": (in_file(lambda v: v["groups"][0]["value"].update(times=3.0)), "the sentences of A_FEW must read as"),
    "a subject": (in_file(lambda v: v["groups"][2].update(subject="all")), "the sentences of C_FIRST must read as"),
    "counterfactual": (
        in_file(lambda v: v.update(counterfactual="{subject}: {without}, {probability}")),
        "the sentences of A_FEW must read as before",
    ),
    "a reference": (in_file(moved_reference), "must keep their effects to 1e-03 in log odds"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_bundle_is_refused_though_its_checksums_are_right(reasoned: Path, tmp_path: Path, name: str) -> None:
    change, fault = CHANGES[name]
    copied = Path(shutil.copytree(reasoned, tmp_path / "bundle"))
    change(copied)
    with pytest.raises(ValueError, match=fault):
        verify_bundle(copied)


def test_no_golden_reasons_are_none_that_were_kept(reasoned: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(reasoned, tmp_path / "bundle"))
    listed(copied, "golden_reasons.jsonl", b"")
    with pytest.raises(ValueError, match="must have a line at least, got none"):
        verify_bundle(copied)
    edited(copied, lambda manifest: manifest["files"].pop("golden_reasons.jsonl"))
    (copied / "golden_reasons.jsonl").unlink()
    with pytest.raises(ValueError, match=r"golden_reasons\.jsonl must be listed"):
        verify_bundle(copied)
