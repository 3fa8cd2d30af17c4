"""A finished run against plain XGBoost on the same feature rows: `python -m tests.benches.peer_quality RUN`.

The peer is what anybody would try first: `xgb.train` on the numeric feature columns, stopped by valid, the best on
valid of a few settings drawn at random. Its probabilities on test stand beside the run's own, and differences are on
the same resamples, so that one fold of few frauds still tells more than two intervals side by side.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost

from evaluation.options import BootstrapSettings
from evaluation.statistics.dependence import cluster_codes
from evaluation.statistics.intervals import Interval, paired_bootstrap
from features.encode import Encoder, Matrix
from pipeline.storage.content import read_json

CANDIDATES = ("mlp", "xgboost", "hybrid")
STATISTICS = ("roc_auc", "average_precision", "brier_skill")
FIXED = {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist", "seed": 7}
STOCK = {"learning_rate": 0.1}
DRAWN = {
    "learning_rate": (0.03, 0.05, 0.1),
    "max_depth": (3, 4, 5, 6, 8),
    "min_child_weight": (1, 5, 10, 20),
    "subsample": (0.7, 0.8, 1.0),
    "colsample_bytree": (0.3, 0.5, 0.8, 1.0),
    "reg_lambda": (1, 5, 10),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tries", type=int, default=12, help="settings drawn for the peer; 0 takes stock ones")
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    scores = pq.read_table(arguments.run / "evaluate" / "scores.parquet")
    known = scores["label"].is_valid().to_numpy()
    labels = scores["label"].to_numpy()[known].astype(np.float64)
    found = {name: scores[name].to_numpy()[known] for name in CANDIDATES}
    found["peer"] = peer_probabilities(arguments.run, tries=arguments.tries, threads=arguments.threads)[known]
    card = scores["card_id"].to_pandas()
    codes = None if card.isna().all() else np.unique(card[known].astype(str), return_inverse=True)[1]
    times = scores["event_time"].cast("int64").to_numpy()[known]
    drawn = paired_bootstrap(
        labels,
        found,
        clusters=cluster_codes(codes, times, by="card"),
        rng=np.random.default_rng(7),
        settings=BootstrapSettings(resamples=arguments.resamples),
    )
    print(f"{int(labels.sum())} frauds in {labels.size:,} test rows; {drawn.clusters:,} clusters drawn")
    for name in found:
        print(f"{name:<8}", "  ".join(f"{each} {text(drawn.interval(name, each))}" for each in STATISTICS))
    for name in CANDIDATES:
        differences = (f"{each} {text(drawn.difference(name, 'peer', each), '+')}" for each in STATISTICS)
        print(f"{name} - peer", "  ".join(differences))


def peer_probabilities(run: Path, *, tries: int, threads: int) -> np.ndarray:
    """P(fraud) of the peer on every test row."""
    encoder = Encoder.from_dict(read_json(run / "features" / "encoder.json"))
    train, valid, test = (fold_rows(run, encoder, name) for name in ("train", "valid", "test"))
    known, judged = np.isfinite(train.label), np.isfinite(valid.label)
    learned = xgboost.QuantileDMatrix(train.numeric[known], train.label[known], nthread=threads)
    watched = xgboost.QuantileDMatrix(valid.numeric[judged], valid.label[judged], nthread=threads, ref=learned)
    rng, models = np.random.default_rng(7), []
    settings = [{name: values[rng.integers(len(values))] for name, values in DRAWN.items()} for _ in range(tries)]
    for drawn in settings or [STOCK]:
        model = xgboost.train(
            {**FIXED, **drawn, "nthread": threads},
            learned,
            num_boost_round=2000,
            evals=[(watched, "valid")],
            early_stopping_rounds=50,
            verbose_eval=False,
        )
        models.append((model.best_score, model, drawn))
    score, model, drawn = min(models, key=lambda each: each[0])
    trees = model.best_iteration + 1
    print(f"peer: {trees} trees on {train.numeric.shape[1]} columns, valid log loss {score:.5f}, {drawn}")
    return model.inplace_predict(test.numeric, iteration_range=(0, trees)).astype(np.float64)


def fold_rows(run: Path, encoder: Encoder, name: str) -> Matrix:
    return encoder.apply(pq.read_table(run / "features" / "features.parquet", filters=pc.field("fold") == name))


def text(interval: Interval, sign: str = "") -> str:
    return f"{interval.value:{sign}.4f} ({interval.low:{sign}.4f} to {interval.high:{sign}.4f})"


if __name__ == "__main__":
    main()
