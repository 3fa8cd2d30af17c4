"""One device beside another: `python -m tests.benches.devices RUN --device cpu`, then `cuda`, then `--compare`.

Each device fits the sweep of the run's own configuration (20 settings × 12 epochs by default) on the run's features,
then its booster on the numeric columns, and what it gives is kept in `RUN/devices`. `--compare` tables what was
measured and the differences of test AP with their paired interval, cards drawn as a whole. Only the fits are timed:
features are read and the device is warm before.
"""

import argparse
import json
import resource
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
import xgboost

from evaluation.options import BootstrapSettings
from evaluation.selection import rank_sweep
from evaluation.statistics.dependence import cluster_codes
from evaluation.statistics.intervals import paired_bootstrap
from features.encode import Encoder, Matrix
from models.boosting import LabelledMatrix, fit_booster
from models.calibration import fit_calibrator
from models.device import booster_device
from models.losses import tail_floor
from models.network import margins
from models.options import TrainConfig
from models.rows import taken_rows
from models.sweep import fit_sweep
from models.task import Task, labelled_task
from models.training.loop import configured_architecture
from pipeline.config import Config
from pipeline.stages.artifacts.sweep_files import position, sweep_outcomes
from pipeline.storage.content import read_json

DEVICES = ("cpu", "cuda")


def main() -> None:
    """Measure one device, or compare those that were measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="run folder whose features stage is done")
    parser.add_argument("--device", choices=DEVICES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compare", action="store_true")
    asked = parser.parse_args()
    if asked.device:
        measure(asked.run, asked.device, threads=asked.threads)
    if asked.compare:
        compare(asked.run)


def measure(run: Path, device: str, *, threads: int) -> None:
    """Fit on the device, print and keep what that took and gave."""
    config = Config.model_validate(read_json(run / "config.json")["config"])
    training = config.train.model_copy(update={"device": device, "threads": threads})
    encoder = Encoder.from_dict(read_json(run / "features" / "encoder.json"))
    train, valid, test = (encoder.apply(fold_table(run, name)) for name in ("train", "valid", "test"))
    rows = int(np.isfinite(train.label).sum())
    architecture = configured_architecture(encoder.scaling, cardinalities=encoder.sizes, rows=rows, config=training)
    task = labelled_task(train, valid, architecture=architecture)
    warm_up(task, config, training)
    taken: dict[str, Any] = {"device": device_name(device, threads)}
    found = measured_sweep(task, test, config, training, taken)
    found |= measured_booster(task, test, encoder, config, training, taken)
    (run / "devices").mkdir(exist_ok=True)
    np.savez(run / "devices" / f"{device}.npz", **found)
    text = json.dumps(taken, indent=1)
    (run / "devices" / f"{device}.json").write_text(text)
    print(text, flush=True)


def warm_up(task: Task, config: Config, training: TrainConfig) -> None:
    """A few steps of one setting, so that what a device does once is not timed."""
    few = np.arange(len(task.train.label)) < 20 * training.batch_size
    grid = config.sweep.model_copy(update={"smoothing": (0.0,), "class_weight": ("none",), "mode": "full"})
    short = replace(task, train=taken_rows(task.train, few))
    fit_sweep(short, sweep=grid, config=training.model_copy(update={"epochs": 1}))


def measured_sweep(
    task: Task, test: Matrix, config: Config, training: TrainConfig, taken: dict[str, Any]
) -> dict[str, np.ndarray]:
    """P(fraud) on test of the selected network and of ε = 0; `taken` gains seconds, memory and the selection."""
    start = time.perf_counter()
    sweep = fit_sweep(task, sweep=config.sweep.model_copy(update={"mode": "full"}), config=training)
    seconds = time.perf_counter() - start
    floor = tail_floor(config.calibration.posterior_floor, prevalence=task.prevalence)
    outcomes = sweep_outcomes(sweep, floor=floor)
    ranking = rank_sweep(task.valid.label, outcomes, event_time=task.valid.time, bins=config.evaluation.bins)
    taken |= {
        "settings": len(sweep.settings),
        "epochs": max(len(fit.valid_log_loss) for fit in sweep.fits),
        "rows": len(task.train.label),
        "sweep_seconds": seconds,
        "device_gib": torch.cuda.max_memory_allocated() / 2**30 if training.device == "cuda" else None,
        "process_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "selected": ranking.selected.text,
        "smallest_mean": ranking.smallest_mean.text,
        "torch": torch.__version__,
    }
    found = {}
    for name, setting in (("network selected", ranking.selected), ("network of smallest mean", ranking.smallest_mean)):
        fit = sweep.fits[position(sweep, setting)]
        line = fit_calibrator(task.valid.label, fit.valid_margins, method="affine")
        found[name] = line.apply(margins(fit.state, test))
    return found


def measured_booster(
    task: Task, test: Matrix, encoder: Encoder, config: Config, training: TrainConfig, taken: dict[str, Any]
) -> dict[str, np.ndarray]:
    """P(fraud) on test of the booster; `taken` gains its seconds and where it was fitted."""
    learned, judged = (LabelledMatrix(rows.numeric, rows.label, rows.weight) for rows in (task.train, task.valid))
    start = time.perf_counter()
    booster = fit_booster(learned, judged, columns=encoder.numeric, config=config.boosting, training=training)
    taken |= {
        "booster_seconds": time.perf_counter() - start,
        "booster_device": booster_device(training.device),
        "trees": booster.best_round,
        "xgboost": xgboost.__version__,
    }
    z = booster.margins(test.numeric, threads=training.threads)
    return {"booster": 1.0 / (1.0 + np.exp(-z))}


def compare(run: Path) -> None:
    """What was measured side by side, and differences of test AP with their interval."""
    for name in DEVICES:
        print(json.dumps(read_json(run / "devices" / f"{name}.json")))
    test = fold_table(run, "test").select(["transaction_id", "label", "event_time"]).to_pandas()
    owners = pq.read_table(run / "ingest" / "transactions.parquet", columns=["transaction_id", "card_id"]).to_pandas()
    test["card_id"] = test["transaction_id"].map(owners.set_index("transaction_id")["card_id"])
    label = test["label"].to_numpy(dtype=np.float64)
    known = np.isfinite(label)
    card = np.unique(test["card_id"][known].astype(str), return_inverse=True)[1]
    time_of = test["event_time"].astype("datetime64[us, UTC]").astype("int64").to_numpy()[known]
    cpu, cuda = (np.load(run / "devices" / f"{name}.npz") for name in DEVICES)
    for name in cpu.files:
        found: Mapping[str, np.ndarray] = {"cpu": cpu[name][known], "cuda": cuda[name][known]}
        drawn = paired_bootstrap(
            label[known],
            found,
            clusters=cluster_codes(card, time_of, by="card"),
            rng=np.random.default_rng(7),
            settings=BootstrapSettings(resamples=1000),
        )
        apart = drawn.difference("cuda", "cpu", "average_precision")
        values = (drawn.interval(each, "average_precision").value for each in DEVICES)
        print(
            f"{name}: AP {' and '.join(f'{value:.4f}' for value in values)}; "
            f"cuda - cpu {apart.value:+.4f} ({apart.low:+.4f} to {apart.high:+.4f})"
        )


def fold_table(run: Path, name: str) -> Any:
    """The feature rows of a fold."""
    return pq.read_table(run / "features" / "features.parquet", filters=pc.field("fold") == name)


def device_name(device: str, threads: int) -> str:
    """A device in words."""
    return torch.cuda.get_device_name() if device == "cuda" else f"{threads} CPU threads"


if __name__ == "__main__":
    main()
