"""Who has looked at a test fold before: a second look at the same data is no longer a first one, and is told."""

import hashlib
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pyarrow as pa
from filelock import FileLock

from pipeline.stages.stage import StageContext
from pipeline.storage.json_lines import append_lines, read_objects

LEDGER = "looks.jsonl"


def earlier_looks(run: Path, *, test: str, judged: str) -> tuple[str, ...]:
    """Sentences on other models judged on these test rows from this folder of runs; this look is added to the ledger.

    The same model judged again is the same look: it tells what the first telling told.

    Args:
        run: the run folder; the ledger lies beside it.
        test: digest of the test fold's ids and labels.
        judged: digest of the models judged.

    Raises:
        InputError: a line of the ledger is not one of a ledger.
    """
    path = run.parent / LEDGER
    with FileLock(path.with_suffix(".lock"), timeout=60):
        same = [look for look in read_objects(path) if look["test"] == test]
        before = list(takewhile(lambda look: look["judged"] != judged, same))
        if len(before) == len(same):
            append_lines(path, {"test": test, "judged": judged, "run": run.name})
    if not before:
        return ()
    names = sorted({look["run"] for look in before})
    return (
        f"{len(before)} other model{'s' * (len(before) > 1)} had been judged on these test rows before "
        f"({', '.join(names)}): the more looks, the less the best of them is worth.",
    )


def test_digest(table: pa.Table) -> str:
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
