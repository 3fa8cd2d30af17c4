"""One simulated world as a judgement needs it: times, labels, owners, and what fixed models say of every row.

The models were fitted once, on worlds that nobody judges. What they say of a world is kept on disk, so that a change
of a rule is judged again in seconds.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from features.encode import Encoder, fit_encoder, numbers
from features.encoding_options import EncodingConfig
from features.simulate.simulated import DAYS, START, simulate_transactions
from features.split import Folds, SplitConfig, time_folds
from features.times import DAY
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from models.baseline import LogisticBaseline, fit_logistic_baseline

ROWS = 400_000
FITTED = {"one": 90_001, "other": 90_002}
"""Two boosters of one recipe, each from a world of its own."""
CANDIDATE, CHAMPION = "candidate", "champion"
REFERENCE = tuple(range(80_001, 80_041))
"""Worlds whose test folds, taken together, are the truth of a fixed model."""
BEGIN = int(START.timestamp()) * 1_000_000
END = BEGIN + DAYS * DAY
SCORED_FROM = END - 76 * DAY
"""No fold that is judged or calibrated on begins earlier."""
RECIPE = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "learning_rate": 0.1,
    "max_depth": 6,
    "min_child_weight": 10,
    "colsample_bytree": 0.5,
    "subsample": 0.8,
    "reg_lambda": 5.0,
    "seed": 7,
    "nthread": 1,
}
ROUNDS = 150


@dataclass(frozen=True)
class World:
    """N rows in order of time.

    Attributes:
        seed: of the simulator.
        time: microseconds; `available` when the label became known.
        label: 0 or 1.
        truth: P(label = 1).
        card: code of the card; `merchant` and `category` likewise.
        amount: major units.
        one: log odds of a fixed model before any map, NaN before `SCORED_FROM`; `other` and `plain` likewise.
    """

    seed: int
    time: np.ndarray
    available: np.ndarray
    label: np.ndarray
    truth: np.ndarray
    card: np.ndarray
    merchant: np.ndarray
    category: np.ndarray
    amount: np.ndarray
    one: np.ndarray
    other: np.ndarray
    plain: np.ndarray

    def margins(self, name: str) -> np.ndarray:
        """Log odds of a model [N], float64: the plain one, or one of two equals.

        The candidate asks one booster for the cards that came up heads and the other one for the rest, the champion the
        other way round: whichever booster is better, neither of the two is.
        """
        if name == "plain":
            return self.plain.astype(np.float64)
        heads = self.coin() if name == CANDIDATE else ~self.coin()
        return np.where(heads, self.one, self.other).astype(np.float64)

    def coin(self) -> np.ndarray:
        """Heads or tails of each row's card [N]: who scores it, where two models are to be of exactly one worth."""
        found: np.ndarray = (np.random.default_rng(self.seed).random(int(self.card.max()) + 1) < 0.5)[self.card]
        return found

    def folds(self, split: SplitConfig, *, delay: int = 7 * DAY, as_of: int | None) -> Folds:
        """The folds of a configuration."""
        return time_folds(
            self.time, self.label.astype(np.float32), self.available, split=split, delay=delay, as_of=as_of
        )


def worlds(
    seeds: range | tuple[int, ...], *, folder: Path, processes: int, scenario: str = "harbor"
) -> Iterator[World]:
    """The worlds of some seeds, made where they are not on disk yet."""
    missing = [seed for seed in seeds if not world_file(folder, seed, scenario).is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        fitted_models(folder)
        with ProcessPoolExecutor(processes) as pool:
            for made, _ in enumerate(pool.map(partial(make_world, folder=folder, scenario=scenario), missing), start=1):
                if made % 20 == 0 or made == len(missing):
                    print(f"  {made} of {len(missing)} worlds made", flush=True)
    for seed in seeds:
        yield read_world(folder, seed, scenario)


def features_digest() -> str:
    """What the default features are, in eight letters: worlds kept on disk hold what models say of those columns."""
    return hashlib.sha256(FeaturesConfig().model_dump_json().encode()).hexdigest()[:8]


def world_file(folder: Path, seed: int, scenario: str = "harbor") -> Path:
    """Where a world lies."""
    return folder / f"{scenario}-{seed}.npz"


def read_world(folder: Path, seed: int, scenario: str = "harbor") -> World:
    """A world that was made."""
    with np.load(world_file(folder, seed, scenario)) as kept:
        return World(seed, **{each.name: kept[each.name] for each in fields(World) if each.name != "seed"})


def make_world(seed: int, *, folder: Path, scenario: str = "harbor") -> None:
    """Simulate, compute the windows, let the fixed models score every row, and write the rest of what is needed."""
    drawn = simulate_transactions(ROWS, seed=seed, scenario=scenario)
    table = canonical(drawn.transactions)
    boosters, baseline, encoder = fitted_models(folder)
    late = table["event_time"].cast(pa.int64()).to_numpy() > SCORED_FROM
    rows = encoder.apply(feature_table(table).filter(pa.array(late)))
    margins = {name: booster.inplace_predict(rows.numeric, predict_type="margin") for name, booster in boosters.items()}
    margins["plain"] = baseline.margins(rows)
    kept: dict[str, Any] = {
        "time": table["event_time"].cast(pa.int64()).to_numpy(),
        "available": table["label_available_at"].cast(pa.int64()).to_numpy(),
        "label": table["label"].to_numpy(),
        "truth": drawn.true_probability.astype(np.float32),
        **{name: codes(table[f"{name}_id"]) for name in ("card", "merchant")},
        "category": codes(table["merchant_category"]).astype(np.uint8),
        "amount": table["amount"].to_numpy().astype(np.float32),
        **{name: _on(late, margin) for name, margin in margins.items()},
    }
    temporary = world_file(folder, seed, scenario).with_suffix(f".{seed}.tmp.npz")
    np.savez(temporary, **kept)
    temporary.replace(world_file(folder, seed, scenario))


@cache
def fitted_models(folder: Path) -> tuple[dict[str, xgboost.Booster], LogisticBaseline, Encoder]:
    """The fixed models, from disk where they were fitted before."""
    encoder, baseline = _plain_model(FITTED["one"])
    boosters = {}
    for name, seed in FITTED.items():
        path = folder / f"{name}.ubj"
        if not path.is_file():
            _boosted(seed).save_model(path)
        boosters[name] = xgboost.Booster(model_file=path)
    return boosters, baseline, encoder


def canonical(table: pa.Table) -> pa.Table:
    """The simulator's table with the amount in whole cents beside it, as windows want it."""
    minor = np.rint(table["amount"].to_numpy() * 100).astype(np.int64)
    return table.append_column("amount_minor", pa.array(minor))


def feature_table(table: pa.Table) -> pa.Table:
    """The default features, and the event time."""
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    windows = window_features(table, spec=spec, threads=1)
    return windows.append_column("event_time", table["event_time"])


def codes(column: pa.ChunkedArray) -> np.ndarray:
    """Values as integer codes [N], int32."""
    found: np.ndarray = pc.dictionary_encode(column).combine_chunks().indices.to_numpy().astype(np.int32)
    return found


def _boosted(seed: int) -> xgboost.Booster:
    train, numeric = _training_table(seed)
    data = xgboost.QuantileDMatrix(np.column_stack([numbers(train[name]) for name in numeric]), numbers(train["label"]))
    return xgboost.train(RECIPE, data, num_boost_round=ROUNDS)


@cache
def _plain_model(seed: int) -> tuple[Encoder, LogisticBaseline]:
    train, numeric = _training_table(seed)
    rows = train.append_column("fold", pa.array(["train"] * train.num_rows))
    encoder = fit_encoder(rows, numeric=numeric, categorical=(), settings=EncodingConfig())
    return encoder, fit_logistic_baseline(encoder.apply(rows), scaling=encoder.scaling)


def _training_table(seed: int) -> tuple[pa.Table, tuple[str, ...]]:
    """Feature rows with labels of the two months that the default train fold of `harbor.toml` covers."""
    table = canonical(simulate_transactions(ROWS, seed=seed).transactions)
    time = table["event_time"].cast(pa.int64()).to_numpy()
    train = (time > BEGIN + 33 * DAY) & (time <= BEGIN + 94 * DAY)
    spec = feature_spec(FeaturesConfig(), columns=table.column_names)
    return feature_table(table).append_column("label", table["label"]).filter(pa.array(train)), spec.numeric


def _on(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    result = np.full(rows.size, np.nan, dtype=np.float32)
    result[rows] = values
    return result
