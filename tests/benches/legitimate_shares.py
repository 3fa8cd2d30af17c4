"""What a share of the legitimate rows costs and saves: `python -m tests.benches.legitimate_shares RUN`.

On the features of a run, one booster on plain columns (`share:learning rate`) and one head without smoothing or class
weights (`share:epochs:batch size`) a variant, stopped by valid and judged on calib: average precision, log loss and
Brier skill after an affine map, observed/expected before it, and CPU seconds. The test fold is not read.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from scipy.special import expit

from evaluation.statistics.ranking import average_precision
from evaluation.statistics.scores import brier_skill, log_loss
from features.encode import Encoder
from models.booster_inputs import plain_columns
from models.boosting import LabelledMatrix, fit_booster
from models.calibration import fit_affine
from models.losses import LossSettings, posterior
from models.network import margins
from models.rows import Float64s, RowArrays, labelled_rows
from models.task import Task, labelled_task
from models.training.loop import configured_architecture, fit_networks
from pipeline.config import Config
from pipeline.storage.content import read_json, read_table


def main() -> None:
    """One line a variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder with the stages ingest and features")
    parser.add_argument("--boosters", default="1,0.3,0.1,1:0.02,0.3:0.02")
    parser.add_argument("--heads", default="1,0.5:24,0.25:24")
    asked = parser.parse_args()
    config = Config.model_validate(read_json(asked.run / "config.json")["config"])
    encoder = Encoder.from_dict(read_json(asked.run / "features" / "encoder.json"))
    task, judged = _rows(asked.run, config, encoder)
    for variant in filter(None, asked.boosters.split(",")):
        share, *rate = map(float, variant.split(":"))
        print(f"booster {variant:>10}  {_booster(task, judged, config, encoder, share, *rate)}", flush=True)
    for variant in filter(None, asked.heads.split(",")):
        share, *sizes = variant.split(":")
        print(f"head    {variant:>10}  {_head(task, judged, config, float(share), *map(int, sizes))}", flush=True)


def _rows(run: Path, config: Config, encoder: Encoder) -> tuple[Task, RowArrays]:
    train, valid, calib = (
        encoder.apply(read_table(run / "features" / "features.parquet", filters=pc.field("fold") == name))
        for name in ("train", "valid", "calib")
    )
    rows = int(np.isfinite(train.label).sum())
    architecture = configured_architecture(encoder.scaling, cardinalities=encoder.sizes, rows=rows, config=config.train)
    return labelled_task(train, valid, architecture=architecture), labelled_rows(calib, name="calib")


def _booster(task: Task, judged: RowArrays, config: Config, encoder: Encoder, share: float, rate: float = 0.05) -> str:
    began = time.process_time()
    plain = plain_columns(encoder.numeric, encoder.categorical, encoder.sizes, limit=config.boosting.one_hot)
    train, valid = (LabelledMatrix(plain.columns(rows), rows.label, rows.weight) for rows in (task.train, task.valid))
    boosting = config.boosting.model_copy(update={"legitimate_share": share, "learning_rate": rate})
    booster = fit_booster(train, valid, columns=plain.names, config=boosting, training=config.train)
    log_odds = booster.margins(plain.columns(judged))
    return _told(judged, log_odds, log_odds, began, f"{booster.best_round} trees")


def _head(task: Task, judged: RowArrays, config: Config, share: float, epochs: int = 0, batch: int = 0) -> str:
    began, loss, train = time.process_time(), LossSettings(kept=share), config.train
    sizes = {"epochs": epochs or train.epochs, "batch_size": batch or train.batch_size}
    training = train.model_copy(update={"legitimate_share": share, **sizes})
    (fit,) = fit_networks(task, settings=[loss], repeats=[0], config=training)
    found = margins(fit.state, judged)
    return _told(judged, found, posterior(found, loss).log_odds, began, f"epoch {fit.best_epoch} of {training.epochs}")


def _told(judged: RowArrays, found: Float64s, log_odds: Float64s, began: float, size: str) -> str:
    labels = judged.label.astype(np.float64)
    mapped = fit_affine(labels, found).apply(found)
    ratio = labels.sum() / expit(log_odds).sum()
    return (
        f"AP {average_precision(labels, found):.4f}  log loss {log_loss(labels, mapped):.5f}  "
        f"Brier skill {brier_skill(labels, mapped):.4f}  observed/expected {ratio:.3f}  "
        f"{time.process_time() - began:.0f} CPU s  {size}"
    )


if __name__ == "__main__":
    main()
