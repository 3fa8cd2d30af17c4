"""Simulated worlds with a fixed champion: a booster of other seeds, its map fitted on each world's first days."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from features.simulate.simulated import simulate_transactions
from features.windows.feature_options import FeaturesConfig
from features.windows.spec import feature_spec
from features.windows.window_table import window_features
from models.calibration import fit_affine
from models.options import CalibrationConfig

ROWS = 400_000
DAY = 86_400_000_000
TRAINED_ON = (2001, 2002)
"""Seeds of the booster; no world that is judged has one of them."""
MAP_DAYS = 21
"""Days of a world on which the champion's map is fitted; the detector watches those after."""
PARAMETERS = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.15, "tree_method": "hist", "max_bin": 64}
ROUNDS = 120
CATEGORICAL = ("merchant_category", "merchant_region", "channel")


@dataclass(frozen=True)
class ChampionWorld:
    """Rows [N] in order of time: day from the first, times in microseconds from its start, label, and P(fraud)."""

    event_time: np.ndarray
    available_at: np.ndarray
    label: np.ndarray
    probability: np.ndarray


def fixed_booster(seeds: Iterable[int] = TRAINED_ON, *, rows: int = ROWS, threads: int = 1) -> xgboost.Booster:
    """The champion before its map."""
    parts = [_inputs(_transactions(seed, "harbor", rows), threads) for seed in seeds]
    x, y = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    return xgboost.train({**PARAMETERS, "nthread": threads}, xgboost.QuantileDMatrix(x, y, max_bin=64), ROUNDS)


def champion_world(
    booster: xgboost.Booster, seed: int, *, scenario: str = "harbor", rows: int = ROWS, threads: int = 1
) -> ChampionWorld:
    """One world, scored by the booster and a map that its own first days set the level and slope of."""
    table = _transactions(seed, scenario, rows)
    x, label = _inputs(table, threads)
    logits = booster.inplace_predict(x, predict_type="margin").astype(np.float64)
    event_time, available_at = (
        table[name].cast(pa.int64()).to_numpy() for name in ("event_time", "label_available_at")
    )
    start = int(event_time.min()) // DAY * DAY
    event_time, available_at = event_time - start, available_at - start
    first = event_time < MAP_DAYS * DAY
    calibrator = fit_affine(label[first], logits[first], config=CalibrationConfig())
    return ChampionWorld(event_time, available_at, label, calibrator.apply(logits))


def _transactions(seed: int, scenario: str, rows: int) -> pa.Table:
    table = simulate_transactions(rows, seed=seed, scenario=scenario).transactions
    minor = np.rint(table["amount"].to_numpy() * 100).astype(np.int64)
    return table.append_column("amount_minor", pa.array(minor))


def _inputs(table: pa.Table, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Every numeric feature and a column for each value of the small categories [N, D]; labels [N]."""
    spec = feature_spec(FeaturesConfig(), columns=table.column_names, numeric=("distance_km",))
    features = window_features(table, spec=spec, threads=threads)
    columns = [pc.fill_null(features[name].cast(pa.float32()), np.nan).to_numpy() for name in spec.numeric]
    for name in CATEGORICAL:
        codes = table[name].combine_chunks().dictionary_encode()
        values = codes.dictionary.to_pylist()
        columns += [(codes.indices.to_numpy() == values.index(each)).astype(np.float32) for each in sorted(values)]
    return np.column_stack(columns), table["label"].to_numpy().astype(np.float64)
