"""Which models were judged on a test fold before: a fold that was used to choose is no longer an unseen one."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipeline.stages.stage import StageContext
from pipeline.storage.errors import InputError
from pipeline.storage.json_lines import append_lines, read_objects
from pipeline.storage.locks import held

PATIENCE = 60.0
"""Seconds that a run waits for another one to write its line."""
LEDGER = "looks.jsonl"
"""Beside the runs of a folder: a line for every model that was judged there on a test fold."""


@dataclass(frozen=True)
class Judgement:
    """Models judged on a test fold.

    Attributes:
        test: digest of the fold's ids and labels.
        models: digest of the models judged.
        run: name of the run that judged them.
    """

    test: str
    models: str
    run: str

    def to_dict(self) -> dict[str, str]:
        """A line of the ledger."""
        return {"test": self.test, "judged": self.models, "run": self.run}

    @classmethod
    def from_dict(cls, line: Mapping[str, str]) -> "Judgement":
        """The inverse of `to_dict`."""
        return cls(line["test"], line["judged"], line["run"])


def record_judgement(runs: Path, judgement: Judgement) -> tuple[Judgement, ...]:
    """Add a judgement to the ledger of a folder of runs; returns those of other models on the same test rows before it.

    The same models judged again are the same judgement: nothing is added, and what came before it is what came before
    it the first time.

    Raises:
        InputError: a line of the ledger is not one of a ledger.
    """
    path = runs / LEDGER
    message = f"another evaluation holds the ledger {path}"
    with held(path.with_suffix(".lock"), message, patience=PATIENCE):
        same_rows = [each for each in _judgements(path) if each.test == judgement.test]
        earlier = tuple(takewhile(lambda each: each.models != judgement.models, same_rows))
        if len(earlier) == len(same_rows):
            append_lines(path, judgement.to_dict())
    return earlier


def reuse_warnings(earlier: Sequence[Judgement]) -> tuple[str, ...]:
    """What a reader must know of earlier judgements on the same test rows, in words; nothing where there are none."""
    if not earlier:
        return ()
    runs = sorted({each.run for each in earlier})
    return (
        f"{len(earlier)} other model{'s' * (len(earlier) > 1)} had been judged on these test rows before "
        f"({', '.join(runs)}): the more looks, the less the best of them is worth.",
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
        yield Judgement.from_dict(line)
