"""What history can tell of the simulated world: `python -m tests.benches.history_limit [--learn 10]`.

A booster learns from the true probabilities, free of label noise, of ten times the rows of `harbor.toml`, all before
its test fold, and is judged on the test folds of other seeds. What it reaches is a lower bound of what history can
tell; the true probabilities themselves know more. Writes features/simulate/history_limit.json, which the report of a
simulated run quotes. Eight worlds take some ten minutes of one core.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xgboost

from evaluation.report.limit_section import STATISTICS
from features.encode import numbers
from features.simulate import history_limit
from features.simulate.simulated import simulate_transactions
from features.split import time_folds
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from pipeline.config import load_config
from tests.benches.worlds.world import BEGIN, canonical, feature_table

CATEGORICAL = ("merchant_category", "merchant_region", "channel")
ROWS = 400_000
LEARNED, STOPPED, JUDGED = 50_001, 50_101, 50_201
"""First seed of the worlds to learn from, to stop by, and to be judged on."""
WARM = 33
"""Days before which windows are not full."""
RECIPE = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    "learning_rate": 0.1,
    "max_depth": 7,
    "min_child_weight": 10,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
    "reg_lambda": 5.0,
    "max_bin": 256,
    "seed": 7,
}


def main() -> None:
    """Learn, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", type=int, default=10, help="worlds to learn from")
    parser.add_argument("--judge", type=int, default=5, help="worlds to be judged on")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    learned = [world(LEARNED + each, before_test=True) for each in range(asked.learn)]
    matrix, truth, _ = (np.concatenate(parts) for parts in zip(*learned, strict=True))
    learned.clear()
    print(f"{len(matrix):,} rows of {asked.learn} worlds, {matrix.shape[1]} columns", flush=True)
    model = fitted(matrix, truth, world(STOPPED, before_test=False), threads=asked.threads)
    found = [scores(model, *world(JUDGED + each, before_test=False)) for each in range(asked.judge)]
    mean = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
    text = (
        f"A booster of {len(matrix):,} rows that learned from the truth itself ({asked.learn} other seeds, judged on "
        f"{asked.judge} more)"
    )
    history = {"text": text, **{key: mean[f"history_{key}"] for key in STATISTICS}, "trees": model.best_iteration + 1}
    print(json.dumps({**mean, "trees": history["trees"]}, indent=1))
    file = Path(history_limit.__file__).with_name(history_limit.FILE)
    file.write_text(json.dumps(history, indent=2) + "\n", encoding="utf-8")


def world(seed: int, *, before_test: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns [N, P], true probabilities [N] and labels [N] of the rows before a world's test fold, or of the fold."""
    config, simulated = load_config("harbor.toml", environment={}), simulate_transactions(ROWS, seed=seed)
    table = canonical(simulated.transactions)
    time, available = (table[name].cast("int64").to_numpy() for name in ("event_time", "label_available_at"))
    label = table["label"].to_numpy().astype(np.float32)
    folds = time_folds(time, label, available, split=config.split, delay=config.labels.delay, as_of=None)
    test = folds.rows("test")
    kept = (time > BEGIN + WARM * DAY) & (time < time[test].min()) if before_test else test
    features = feature_table(table)
    numeric = feature_spec(FeaturesConfig(), columns=table.column_names).numeric
    columns = [numbers(features[name])[kept] for name in numeric]
    columns += list(one_hot(table[name].to_numpy()[kept] for name in CATEGORICAL))
    return np.stack(columns, axis=1).astype(np.float32), simulated.true_probability[kept], label[kept]


def one_hot(values: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """A column a value, in alphabetical order: every world has them all."""
    for of_rows in values:
        for value in np.unique(of_rows.astype(str)):
            yield of_rows == value


def fitted(
    matrix: np.ndarray, truth: np.ndarray, stop: tuple[np.ndarray, np.ndarray, np.ndarray], *, threads: int
) -> xgboost.Booster:
    """A booster of the truth, stopped by the truth of another world."""
    learned = xgboost.QuantileDMatrix(matrix, truth, nthread=threads)
    judged = xgboost.QuantileDMatrix(stop[0], stop[1], nthread=threads, ref=learned)
    return xgboost.train(
        {**RECIPE, "nthread": threads},
        learned,
        num_boost_round=1500,
        evals=[(judged, "other")],
        early_stopping_rounds=30,
        verbose_eval=100,
    )


def scores(model: xgboost.Booster, matrix: np.ndarray, truth: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """Statistics of what history tells and of the truth, on the rows of a test fold."""
    told = model.inplace_predict(matrix, iteration_range=(0, model.best_iteration + 1)).astype(np.float64)
    return {
        f"{name}_{statistic}": of(label, p)
        for name, p in (("truth", truth), ("history", told))
        for statistic, of in STATISTICS.items()
    }


if __name__ == "__main__":
    main()
