"""Which models were judged on a test fold before: a fold that was used to choose is no longer an unseen one."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from pipeline.stages.evaluate.row_sketch import RowSketch
from pipeline.stages.stage import StageContext
from pipeline.storage.errors import InputError
from pipeline.storage.json_lines import append_lines, read_objects
from pipeline.storage.locks import held

PATIENCE = 60.0
"""Seconds that a run waits for another one to write its line."""
NAMED = 8
"""Runs that a warning names."""
LEDGER = "looks.jsonl"
"""Beside the runs of a folder: a line for every model that was judged there on a test fold."""


@dataclass(frozen=True)
class Judgement:
    """Models judged on a test fold.

    Attributes:
        test: digest of the fold's ids and labels.
        models: digest of the models judged.
        run: name of the run that judged them.
        rows: what tells the fold's rows from others; None in the lines of older ledgers.
    """

    test: str
    models: str
    run: str
    rows: RowSketch | None = None

    def share_in(self, other: "Judgement") -> float:
        """Share of these test rows that the other judgement saw; all or none, by digest, where no rows are kept."""
        if self.rows is None or other.rows is None:
            return float(self.test == other.test)
        return self.rows.share_in(other.rows)

    def to_dict(self) -> dict[str, Any]:
        """A line of the ledger."""
        line = {"test": self.test, "judged": self.models, "run": self.run}
        return line if self.rows is None else line | {"rows": self.rows.rows, "sketch": self.rows.to_text()}

    @classmethod
    def from_dict(cls, line: Mapping[str, Any]) -> "Judgement":
        """The inverse of `to_dict`; raises ValueError where the sketch is none."""
        sketch = (
            RowSketch.from_text(int(line["rows"]), str(line["sketch"])) if line.keys() >= {"rows", "sketch"} else None
        )
        return cls(line["test"], line["judged"], line["run"], sketch)


@dataclass(frozen=True)
class SharedJudgement:
    """Other models that were judged before, and the share of tonight's test rows that they were judged on."""

    judgement: Judgement
    share: float


def record_judgement(runs: Path, judgement: Judgement) -> tuple[SharedJudgement, ...]:
    """Add a judgement to the ledger of a folder of runs; returns those of other models on rows of it before.

    The same models judged again are the same judgement: nothing is added, and what came before it is what came before
    it the first time.

    Raises:
        InputError: a line of the ledger is not one of a ledger.
    """
    path = runs / LEDGER
    message = f"another evaluation holds the ledger {path}"
    with held(path.with_suffix(".lock"), message, patience=PATIENCE):
        lines = list(_judgements(path))
        earlier = list(takewhile(lambda each: (each.test, each.models) != (judgement.test, judgement.models), lines))
        if len(earlier) == len(lines):
            append_lines(path, judgement.to_dict())
    others = [SharedJudgement(each, judgement.share_in(each)) for each in earlier if each.models != judgement.models]
    return tuple(each for each in others if each.share > 0)


def reuse_warnings(earlier: Sequence[SharedJudgement]) -> tuple[str, ...]:
    """What a reader must know of earlier judgements on these test rows, in words; nothing where there are none.

    Models count by the rows they share, so that folds that move on by a day each night count as what they are: thirteen
    nights with most of their rows in common are nearly thirteen looks.
    """
    if not earlier:
        return ()
    largest: dict[str, float] = {}
    for each in earlier:
        largest[each.judgement.models] = max(each.share, largest.get(each.judgement.models, 0.0))
    runs = sorted({each.judgement.run for each in earlier})
    named = ", ".join(runs[:NAMED]) + (f" and {len(runs) - NAMED} more" if len(runs) > NAMED else "")
    return (
        f"{len(largest)} other model{'s' * (len(largest) > 1)} had been judged on these test rows before ({named}), "
        f"counted by shared rows {sum(largest.values()):.1f} looks: the more looks, the less the best of them is "
        "worth.",
    )


def rows_digest(table: pa.Table) -> str:
    """What the test data are: ids and labels."""
    digest = hashlib.sha256()
    for name in ("transaction_id", "label"):
        values = pd.util.hash_array(table[name].to_pandas().to_numpy(object, na_value="")).tobytes()
        digest.update(values)
    return digest.hexdigest()[:16]


def judged_digest(context: StageContext) -> str:
    """What the judged models are: networks, booster and calibrators."""
    names = [("train", "network.safetensors"), ("train", "booster.ubj"), ("calibrate", "calibrators.json")]
    digest = hashlib.sha256()
    for stage, name in names:
        digest.update(context.path(stage, name).read_bytes())
    return digest.hexdigest()[:16]


def _judgements(path: Path) -> Iterator[Judgement]:
    for number, line in enumerate(read_objects(path), start=1):
        if not line.keys() >= {"test", "judged", "run"}:
            raise InputError(
                f"{path} must have test, judged and run in every line, got {sorted(line)} in line {number}"
            )
        try:
            yield Judgement.from_dict(line)
        except ValueError as error:
            raise InputError(f"{path} must hold a sketch of rows in line {number}, but {error}") from error
