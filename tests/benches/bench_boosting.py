"""Harbor's booster against bare `xgb.train` on the same matrix, parameters and rounds, one after the other in turns.

500,000 rows of 51 columns with a twentieth of the values missing, about what the Handbook's train fold is. Both build
the quantile matrix, train, watch valid and keep their trees as bytes; ours checks its input and cuts at the best round
besides. The best of each side's tries counts. HARBOR_BENCH_ROWS and HARBOR_BENCH_THREADS change the case.
"""

import os
import time
from collections.abc import Callable

import numpy as np
import xgboost

from models.boosting import LabelledMatrix, fit_booster
from models.losses import LossSettings
from models.options import BoostingConfig, TrainConfig

ROWS = int(os.environ.get("HARBOR_BENCH_ROWS", "500000"))
THREADS = int(os.environ.get("HARBOR_BENCH_THREADS", "2"))
COLUMNS, ROUNDS, TRIES = 51, 60, 3
TRAINING = TrainConfig(seed=3, threads=THREADS, device="cpu")
CONFIG = BoostingConfig(rounds=ROUNDS, patience=ROUNDS)
NAMES = [f"f{index}" for index in range(COLUMNS)]


def bench(data: str | None) -> list[tuple[str, float, float]]:
    """Rows (name, our seconds, peer's seconds)."""
    train, valid = made_matrix(ROWS, seed=1), made_matrix(ROWS // 4, seed=2)
    ours, softened, peer = best_of(
        lambda: fit_booster(train, valid, columns=NAMES, config=CONFIG, training=TRAINING),
        lambda: fit_booster(train, valid, columns=NAMES, config=CONFIG, training=TRAINING, loss=LossSettings(0.1, 5.0)),
        lambda: bare(train, valid),
    )
    case = f"{ROWS:,} x {COLUMNS}, {ROUNDS} rounds, {THREADS} threads"
    return [(f"{case}: xgb.train", ours, peer), (f"{case}, soft labels: xgb.train", softened, peer)]


def made_matrix(rows: int, *, seed: int) -> LabelledMatrix:
    rng = np.random.default_rng(seed)
    matrix = rng.lognormal(size=(rows, COLUMNS)).astype(np.float32)
    matrix[rng.random((rows, COLUMNS), dtype=np.float32) < 0.05] = np.nan
    z = np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 1]) * np.nan_to_num(matrix[:, 2]) - 7.5
    label = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.float32)
    return LabelledMatrix(matrix, label, np.ones(rows, dtype=np.float32))


def bare(train: LabelledMatrix, valid: LabelledMatrix) -> bytes:
    """What anybody would write."""
    shared = {"feature_names": NAMES, "max_bin": CONFIG.max_bin, "nthread": THREADS}
    learned = xgboost.QuantileDMatrix(train.matrix, train.label, weight=train.weight, **shared)
    judged = xgboost.QuantileDMatrix(valid.matrix, valid.label, weight=valid.weight, ref=learned, **shared)
    parameters = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "learning_rate": CONFIG.learning_rate,
        "max_depth": CONFIG.max_depth,
        "min_child_weight": CONFIG.min_child_weight,
        "subsample": CONFIG.subsample,
        "colsample_bytree": CONFIG.colsample,
        "reg_lambda": CONFIG.reg_lambda,
        "max_bin": CONFIG.max_bin,
        "seed": 3,
        "nthread": THREADS,
    }
    model = xgboost.train(
        parameters,
        learned,
        num_boost_round=ROUNDS,
        evals=[(judged, "valid")],
        early_stopping_rounds=CONFIG.patience,
        verbose_eval=False,
    )
    return bytes(model.save_raw("ubj"))


def best_of(*sides: Callable[[], object]) -> list[float]:
    """Least seconds of each side, the sides taking turns."""
    seconds = [[] for _ in sides]
    for _ in range(TRIES):
        for place, side in enumerate(sides):
            start = time.perf_counter()
            side()
            seconds[place].append(time.perf_counter() - start)
    return [min(each) for each in seconds]
