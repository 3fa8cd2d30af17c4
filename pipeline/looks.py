"""Who has looked at a test fold before: a second look at the same data is no longer a first one, and is told."""

import json
import os
from pathlib import Path

from filelock import FileLock

LEDGER = "looks.jsonl"


def earlier_looks(run: Path, *, test: str, judged: str) -> tuple[str, ...]:
    """Sentences on other models judged on these test rows from this folder of runs; this look is added to the ledger.

    The same model judged again is the same look.

    Args:
        run: the run folder; the ledger lies beside it.
        test: digest of the test fold's ids and labels.
        judged: digest of the models judged.
    """
    path = run.parent / LEDGER
    with FileLock(path.with_suffix(".lock"), timeout=60):
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        looks = [json.loads(line) for line in lines]
        same = [look for look in looks if look["test"] == test]
        before = [look for look in same[: _own_place(same, judged)] if look["judged"] != judged]
        if all(look["judged"] != judged for look in same):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"test": test, "judged": judged, "run": run.name}) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
    if not before:
        return ()
    names = sorted({look["run"] for look in before})
    return (
        f"{len(before)} other model{'s' * (len(before) > 1)} had been judged on these test rows before "
        f"({', '.join(names)}): the more looks, the less the best of them is worth.",
    )


def _own_place(looks: list[dict[str, str]], judged: str) -> int:
    """Where this model first looked; a repeat tells what the first telling told."""
    return next((place for place, look in enumerate(looks) if look["judged"] == judged), len(looks))
