"""What a scoring graph must say, from the models' own code; and small parts to make a graph of."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import xgboost

from features.encode import Encoder, Matrix
from features.scaling import fit_scaling
from features.vocabulary import Vocabulary
from models.baseline import fit_logistic_baseline
from models.booster_inputs import PlainColumns, plain_columns
from models.boosting import NATIVE, Booster
from models.calibration import Affine, Beta, Temperature
from models.hybrid import Hybrid, member_map
from models.losses import LossSettings, posterior
from models.network import Architecture, constant_arrays, embeddings, initial_arrays, margins, network_architecture
from models.options import StudyForm
from models.pca import principal_directions
from models.shared_encoder import encoder_columns
from pipeline.stages.export.graph.scoring_graph import BoosterPart, GraphParts, NetworkPart

KNOTS = 12
FORMS: dict[str, StudyForm] = {
    "logit": "logit",
    "embedding": "later",
    "reduced": "pca",
    "logit_reduced": "aligned_logit",
}


def python_probabilities(parts: GraphParts, encoder: Encoder, table: pa.Table) -> dict[str, np.ndarray]:
    rows = encoder.apply(table)
    log_odds = {name: each.margins(rows) for name, each in parts.baselines.items()}
    for name, network in parts.networks.items():
        log_odds[name] = posterior(margins(network.state, rows), network.loss, floor=parts.posterior_floor).log_odds
    for name, part in parts.boosters.items():
        matrix = booster_matrix(part, rows)
        names = tuple(f"f{column}" for column in range(matrix.shape[1]))
        trees = Booster(part.model, names, 1, (), part.loss)
        log_odds[name] = trees.log_odds(trees.margins(matrix), floor=parts.posterior_floor)
    members = {name: member_map(parts.calibrators[name]).log_odds(z) for name, z in log_odds.items()}
    result = {name: parts.calibrators[name].apply(z) for name, z in log_odds.items()}
    return result | {name: each.apply(members) for name, each in parts.hybrids.items()}


def booster_matrix(part: BoosterPart, rows: Matrix) -> np.ndarray:
    plain = PlainColumns((), part.one_hot).columns(rows)
    if part.encoder is None:
        return plain
    return np.concatenate([plain, encoder_columns(FORMS[part.form], part.encoder, rows)], axis=1)


@dataclass(frozen=True)
class Small:
    """Parts of a graph, the encoder they need, rows of train and rows that no fit has seen."""

    parts: GraphParts
    encoder: Encoder
    train: pa.Table
    table: pa.Table

    def expected(self) -> dict[str, np.ndarray]:
        return python_probabilities(self.parts, self.encoder, self.table)

    def changed(self, **values: object) -> "Small":
        return replace(self, parts=replace(self.parts, **values))  # type: ignore[arg-type]


def small(
    *,
    seed: int = 0,
    rows: int = 1500,
    numeric: int = 6,
    categories: int = 2,
    form: str = "logit",
    loss: LossSettings = NATIVE,
    one_hot: int = 0,
) -> Small:
    rng = np.random.default_rng(seed)
    train, table = (feature_rows(rng, rows=rows, numeric=numeric, categories=categories) for _ in range(2))
    names = tuple(f"number_{i}" for i in range(numeric))
    vocabularies = tuple(_vocabulary(column) for column in range(categories))
    scaling = fit_scaling([np.asarray(train[name], dtype=np.float32) for name in names], knots=KNOTS)
    encoder = Encoder(names, tuple(f"category_{i}" for i in range(categories)), vocabularies, scaling)
    folded = [min(size, 5) for size in encoder.sizes]
    architecture = network_architecture(
        scaling, cardinalities=encoder.sizes, lookup_rows=folded, embedding=16, hidden=8
    )
    states = [_state(architecture, rng) for _ in range(3)]
    matrix = encoder.apply(train)
    if form in ("reduced", "logit_reduced"):
        states[2] |= principal_directions(embeddings(states[2], matrix), components=3)
    small_categories = plain_columns(names, encoder.categorical, encoder.sizes, limit=one_hot).one_hot
    booster = BoosterPart(b"", form, None if form == "none" else states[2], loss, small_categories)
    booster = replace(booster, model=_booster(booster_matrix(booster, matrix), matrix.label))
    return Small(
        GraphParts(
            numeric=names,
            categorical=encoder.categorical,
            vocabularies=vocabularies,
            networks={
                "mlp": NetworkPart(states[0], LossSettings(0.1, 7.3)),
                "mlp_unsmoothed": NetworkPart(states[1], LossSettings(0.0, 7.3)),
            },
            boosters={"xgboost": booster},
            baselines={"logistic": fit_logistic_baseline(matrix, scaling=scaling, cardinalities=encoder.sizes)},
            calibrators={
                "logistic": Affine(1.1, 0.1),
                "mlp": Affine(0.9, -0.4),
                "mlp_unsmoothed": Beta(0.8, 1.1, 0.2),
                "xgboost": Temperature(1.2),
            },
            hybrids={"hybrid": Hybrid(("mlp", "xgboost"), (0.4, 0.7), 0.05, True, "")},
            posterior_floor=1e-3,
            shipped="hybrid",
        ),
        encoder,
        train,
        table,
    )


def feature_rows(rng: np.random.Generator, *, rows: int, numeric: int, categories: int) -> pa.Table:
    values = np.exp(rng.normal(0, 2, size=(rows, numeric))).astype(np.float32)
    values[:, : numeric // 2] = rng.integers(0, 4, size=(rows, numeric // 2))
    values[rng.random((rows, numeric)) < 0.1] = np.nan
    columns: dict[str, object] = {f"number_{i}": values[:, i] for i in range(numeric)}
    for column in range(categories):
        codes = rng.integers(0, 9, size=rows)
        columns[f"category_{column}"] = pa.array([None if code == 8 else f"v{code}" for code in codes], pa.string())
    score = np.nan_to_num(np.log1p(values)).sum(1) if numeric else np.zeros(rows)
    noise = rng.logistic(size=rows)
    label = (score - score.mean() - 2 + noise > 0).astype(np.int8)
    return pa.table({"transaction_id": np.arange(rows), **columns, "label": label, "fold": ["train"] * rows})


def _vocabulary(column: int) -> Vocabulary:
    """Seven of the eight values; a null has a code of its own in every second column."""
    codes = {f"v{code}": code + 1 for code in range(7)}
    return Vocabulary(codes | ({"": 8} if column % 2 else {}), 9)


def _state(architecture: Architecture, rng: np.random.Generator) -> dict[str, np.ndarray]:
    state = {**constant_arrays(architecture), **initial_arrays(architecture, rng=rng)}
    state["output_weight"] = state["output_weight"] * np.float32(10)
    return state


def _booster(matrix: np.ndarray, labels: np.ndarray) -> bytes:
    names = [f"f{column}" for column in range(matrix.shape[1])]
    data = xgboost.QuantileDMatrix(matrix, labels, feature_names=names, nthread=1)
    settings = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1, "seed": 3}
    return bytes(xgboost.train(settings, data, num_boost_round=20).save_raw("ubj"))
