"""The train stage against the bare matrix products of its networks, which no arrangement of the work can do without.

DATA is a file in the Handbook's columns (PRESET=name changes that); without it 100,000 rows are simulated.
HARBOR_BENCH_MODE is "full" or "race". The stage is the command itself, with ranking, booster, baseline and all that is
written. The floor counts the products of the epochs that every setting really had, of the looks at valid after them,
and of the networks of earlier blocks (all their epochs); each thread does its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import torch
from safetensors.numpy import load_file

from models.training.loop import torch_threads
from pipeline.config import Config
from pipeline.storage.content import read_json, read_table
from pipeline.storage.done import read_done

THREADS = int(os.environ.get("HARBOR_BENCH_THREADS", "2"))
MODE = os.environ.get("HARBOR_BENCH_MODE", "full")
EMBEDDING, HIDDEN = 128, 64


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, seconds of the stage, seconds of the products)."""
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        trained(run, data)
        done = read_done(run / "train")
        if done is None:
            raise RuntimeError("train must have finished")
        floor = floor_seconds(run)
        return [(f"train ({MODE}), {THREADS} threads: products alone", float(done.details["seconds"]), floor)]


def trained(run: Path, data: str | None) -> None:
    """The first three stages as commands."""
    source = ("data.rows=100000",) if data is None else (f"data.source='{Path(data).resolve()}'",)
    preset = "harbor" if data is None else os.environ.get("PRESET", "handbook")
    assignments = (
        *source,
        f"data.preset='{preset}'",
        f"train.threads={THREADS}",
        f"sweep.mode='{MODE}'",
        "tracking.enabled=false",
    )
    given = [part for each in assignments for part in ("--set", each)]
    for stage in ("ingest", "features", "train"):
        line = [sys.executable, "-m", "pipeline.cli", stage, "--run", str(run), "--config", "harbor.toml"]
        subprocess.run([*line, *given], check=True)


def floor_seconds(run: Path) -> float:
    """Seconds of all products of a run's networks."""
    config = Config.model_validate(read_json(run / "config.json")["config"])
    rows, valid, inputs = sizes(run)
    learned, judged = epochs(read_json(run / "train" / "sweep.json")["settings"], config)
    forward, whole = (pace(inputs, config.train.batch_size, backward=backward) for backward in (False, True))
    return (learned * rows * whole + judged * valid * forward) / THREADS


def sizes(run: Path) -> tuple[int, int, int]:
    """Labelled rows of train and of valid, and the inputs of the projection."""
    features = read_table(run / "features" / "features.parquet")
    counts = []
    for fold in ("train", "valid"):
        rows = features.filter(pc.field("fold") == fold)
        counts.append(len(rows) - rows["label"].null_count)
    state = load_file(run / "train" / "network.safetensors")
    return counts[0], counts[1], len(next(array for name, array in state.items() if name.endswith("projection_weight")))


def epochs(settings: list[dict[str, Any]], config: Config) -> tuple[float, float]:
    """Epochs over train and looks at valid of all fits, networks of earlier blocks included."""
    fits = {
        str((each["loss"]["smoothing"], each["loss"]["ratio"], weighting(each), each["repeat"])): each
        for each in settings
    }
    sweep = sum(len(each["valid_log_loss"]) for each in fits.values())
    blocks = config.boosting.blocks - 1
    return sweep + config.train.epochs * blocks / 2, sweep + config.train.epochs * blocks


def weighting(setting: dict[str, Any]) -> str:
    """How rows are weighted where that matters; without smoothing or weights both ways are one fit."""
    loss = setting["loss"]
    return "example" if loss["smoothing"] == 0 or loss["ratio"] == 1 else str(loss["weighting"])


def pace(inputs: int, batch: int, *, backward: bool, steps: int = 40) -> float:
    """Seconds a row of the products of one network, every thread at work on products of its own."""
    x, projection, hidden = (
        torch.randn(*shape) for shape in ((batch, inputs), (inputs, EMBEDDING), (EMBEDDING, HIDDEN))
    )

    def work(_: int) -> None:
        embedding, outputs = torch.empty(batch, EMBEDDING), torch.empty(batch, HIDDEN)
        slopes = torch.empty(inputs, EMBEDDING), torch.empty(EMBEDDING, HIDDEN)
        for _ in range(steps):
            torch.mm(x, projection, out=embedding)
            torch.mm(embedding, hidden, out=outputs)
            if backward:
                torch.mm(embedding.T, outputs, out=slopes[1])
                torch.mm(outputs, hidden.T, out=embedding)
                torch.mm(x.T, embedding, out=slopes[0])

    with torch_threads(1), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
        start = time.perf_counter()
        list(pool.map(work, range(THREADS)))
        return (time.perf_counter() - start) / (steps * batch)
