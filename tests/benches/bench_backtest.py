"""A walk over past dates against what it may cost: train to evaluate at every date, ingest and features paid once.

The walk is the command itself. Peers are made of the seconds that its own stages took: the parts that no date can do
without; and whole runs, each of which would have read the file and made the windows itself. DATA is a file in the
Handbook's columns; without it 300,000 rows are simulated. HARBOR_BENCH_DATES (8) sets the number of weekly dates.
"""

import datetime
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.storage.done import read_done

LAST = {True: "2018-09-29", False: "2024-06-29"}
JUDGED = ("train", "calibrate", "evaluate")
NEEDED = (*JUDGED, "export")


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, the peer's seconds)."""
    dates = int(os.environ.get("HARBOR_BENCH_DATES", "8"))
    last = datetime.date.fromisoformat(LAST[data is not None])
    first = last - datetime.timedelta(days=7 * (dates - 1))
    with tempfile.TemporaryDirectory() as name:
        seconds = walked(Path(name), data, str(first), str(last))
        (folder,) = Path(name, "runs").glob("backtest-*")
        runs = [each for each in sorted(folder.iterdir()) if (each / "evaluate").is_dir()]
        shared = sum(stage_seconds(folder / "shared", stage) for stage in ("ingest", "features"))
        judged, needed = (sum(stage_seconds(run, stage) for run in runs for stage in part) for part in (JUDGED, NEEDED))
        own = sum(stage_seconds(run, stage) for run in runs for stage in ("ingest", "features"))
    return [
        (f"{dates} dates, against ingest and features once + train to evaluate", seconds, shared + judged),
        (f"{dates} dates, against ingest and features once + train to export", seconds, shared + needed),
        (f"{dates} dates, against {dates} whole runs", seconds, dates * shared + needed),
        ("  ingest and features of a date, against those of a run", own / dates, shared),
    ]


def walked(folder: Path, data: str | None, first: str, last: str) -> float:
    """Seconds of one `harbor backtest`."""
    source = () if data is None else (f"data.source='{Path(data).resolve()}'",)
    preset = "harbor" if data is None else os.environ.get("PRESET", "handbook")
    threads = f"train.threads={os.environ.get('HARBOR_BENCH_THREADS', '0')}"
    assignments = (*source, f"data.preset='{preset}'", threads)
    line = [sys.executable, "-m", "pipeline.cli", "backtest", "--config", "retrain.toml", "--from", first, "--to", last]
    begun = time.perf_counter()
    subprocess.run([*line, *(part for each in assignments for part in ("--set", each))], cwd=folder, check=True)
    return time.perf_counter() - begun


def stage_seconds(run: Path, stage: str) -> float:
    """What a stage took, as its DONE file says."""
    done = read_done(run / stage)
    if done is None:
        raise RuntimeError(f"{stage} of {run.name} must have finished")
    return float(done.details["seconds"])
