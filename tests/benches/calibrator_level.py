"""How far late labels move the level of a calibrator, over simulated worlds: python -m tests.benches.calibrator_level.

In each world an affine map of one fixed score is fitted on the calib rows whose labels were known by the deadline,
with and without their weights, and on all calib rows with the labels that the world came to know in the end. The
level is log(Σp / Σp') over all calib rows, p' by the map that knew everything; its mean over the worlds is what the
late labels cost. The score is a logistic line on a few columns of the row itself, fitted in a world that is not among
the others.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.simulate.simulated import simulate_transactions
from features.split import time_folds
from models.calibration import fit_affine
from models.logistic import fit_logistic
from pipeline.config import load_config
from pipeline.stages.features.label_weights import LabelTimes, label_weights

FIRST_SEED = 1_000
ARMS = ("dropped", "weighted")


def levels(config: str, *, worlds: int, rows: int) -> Iterator[tuple[float, float]]:
    """log(Σp / Σp') of the maps on dropped and on weighted rows, one pair a world."""
    settings = load_config(config, environment={})
    coefficients = _score_coefficients(rows)
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        table = simulate_transactions(rows, seed=seed).transactions
        labels, logit = _labels(table), _columns(table) @ coefficients
        folds = time_folds(
            labels.event_time,
            labels.label,
            labels.available_at,
            split=settings.split,
            delay=settings.labels.delay,
            as_of=None,
        )
        weighed = label_weights(labels, folds, as_of=None)
        every = folds.rows("calib")
        used = every & weighed.folds.usable
        whole = fit_affine(labels.label[every], logit[every]).apply(logit[every]).sum()
        dropped = fit_affine(labels.label[every & folds.usable], logit[every & folds.usable])
        weighted = fit_affine(labels.label[used], logit[used], weights=weighed.weight[used])
        yield tuple(float(np.log(one.apply(logit[every]).sum() / whole)) for one in (dropped, weighted))


def _score_coefficients(rows: int) -> np.ndarray:
    table = simulate_transactions(rows, seed=FIRST_SEED - 1).transactions
    return fit_logistic(_columns(table), table["label"].to_numpy()).coefficients


def _columns(table: pa.Table) -> np.ndarray:
    """Amount, distance, night and the categories of each row as numbers [N, P], the last column 1."""
    night = pc.less(pc.hour(table["event_time"]), 6).to_numpy().astype(float)
    distance = pc.fill_null(table["distance_km"], 0.0).to_numpy()
    parts = [np.log(table["amount"].to_numpy()), np.log1p(distance), night]
    for name in ("merchant_category", "channel"):
        values = table[name].to_numpy()
        parts += [(values == value).astype(float) for value in sorted(set(values))[1:]]
    return np.column_stack([*parts, np.ones(table.num_rows)])


def _labels(table: pa.Table) -> LabelTimes:
    moments = (table[name].cast(pa.int64()).to_numpy() for name in ("event_time", "label_available_at"))
    return LabelTimes(table["label"].to_numpy().astype(np.float32), *moments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--config", nargs="+", default=["harbor.toml", "retrain.toml"])
    arguments = parser.parse_args()
    for config in arguments.config:
        found = np.array(list(levels(config, worlds=arguments.worlds, rows=arguments.rows)))
        for arm, values in zip(ARMS, found.T, strict=True):
            half = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
            spread = f"{values.min():+.2%} to {values.max():+.2%}"
            print(f"{config:<14} {arm:<9} {values.mean():+.3%} ± {half:.3%} (95 %), worlds {spread}", flush=True)


if __name__ == "__main__":
    main()
