"""A scheduled retrain from raw file to bundle: the full sweep, the nightly recheck on it, and the same once more.

Each is the command itself in a process of its own, so that import, tracking and promotion count. DATA is a file in the
Handbook's columns (PRESET=name changes that); without it 300,000 rows are simulated. The first retrain is without a
champion and therefore tries the whole grid; the gate lets it pass, so that the next, a day later, rechecks it. What the
command says of itself, memory included, is printed above the table.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.stages import STAGES
from pipeline.storage.done import read_done

ALLOWED_FULL, ALLOWED_RECHECK = 15 * 60.0, 4 * 60.0
PASSING = (
    "gate.ece_tolerance=100",
    "gate.observed_expected_low=0.01",
    "gate.observed_expected_high=99",
    "gate.min_champion_frauds=1000000",
)
DATES = {True: ("2018-09-22", "2018-09-23"), False: ("2024-06-22", "2024-06-23")}


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, the seconds allowed or of the full sweep)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full_day, next_day = DATES[data is not None]
        full = retrained(folder, data, full_day)
        recheck = retrained(folder, data, next_day)
        again = retrained(folder, data, next_day)
        rows = [
            ("full sweep, against 15 minutes allowed", full, ALLOWED_FULL),
            ("recheck, against 4 minutes allowed", recheck, ALLOWED_RECHECK),
            ("recheck, against the full sweep", recheck, full),
            ("the same retrain again, against the recheck", again, recheck),
        ]
        for stage in STAGES:
            seconds = [stage_seconds(folder, stage.name, day) for day in (next_day, full_day)]
            rows.append((f"  {stage.name}: recheck, against the full sweep", seconds[0], seconds[1]))
        return rows


def retrained(folder: Path, data: str | None, day: str) -> float:
    """Seconds of one `harbor retrain`."""
    source = () if data is None else (f"data.source='{Path(data).resolve()}'",)
    preset = "harbor" if data is None else os.environ.get("PRESET", "handbook")
    threads = f"train.threads={os.environ.get('HARBOR_BENCH_THREADS', '0')}"
    assignments = (*source, f"data.preset='{preset}'", threads, *PASSING)
    line = [sys.executable, "-m", "pipeline.cli", "retrain", "--config", "retrain.toml", "--as-of", day]
    begun = time.perf_counter()
    outcome = subprocess.run(
        [*line, *(part for each in assignments for part in ("--set", each))], cwd=folder, check=False
    )
    if outcome.returncode != 0:
        raise RuntimeError(f"the retrain as of {day} must end in 0, got {outcome.returncode}")
    return time.perf_counter() - begun


def stage_seconds(folder: Path, stage: str, day: str) -> float:
    """What a stage took, as its DONE file says."""
    done = read_done(folder / "runs" / f"retrain-{day.replace('-', '')}T000000Z" / stage)
    if done is None:
        raise RuntimeError(f"{stage} of {day} must have finished")
    return float(done.details["seconds"])
