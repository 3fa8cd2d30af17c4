"""The XGBoost path: a booster on numeric features and whatever the shared encoder adds to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xgboost
from pydantic import BaseModel, ConfigDict, Field

from models.errors import InputError
from models.losses import LossSettings, posterior
from models.rows import Float32s, Float64s, Floats
from models.soft_targets import soft_targets

EmbeddingForm = Literal["none", "same_rows", "later", "missing_earlier", "prequential", "pca", "logit", "out_of_time"]
NATIVE = LossSettings()
"""Plain log loss, whose margins are log odds as they are."""


class BoostingConfig(BaseModel):
    """How the booster is fitted ([boosting])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rounds: int = Field(1500, ge=1, description="trees at most; the valid fold stops earlier")
    learning_rate: float = Field(0.05, gt=0, le=1, description="shrinkage of a tree")
    max_depth: int = Field(6, ge=1, description="depth of a tree")
    min_child_weight: float = Field(10.0, ge=0, description="smallest sum of curvature in a leaf")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows each tree sees")
    colsample: float = Field(0.5, gt=0, le=1, description="share of columns each tree sees")
    reg_lambda: float = Field(5.0, ge=0, description="L2 penalty of leaf values")
    max_bin: int = Field(256, ge=2, description="histogram bins a column")
    patience: int = Field(50, ge=1, description="rounds without a better valid log loss before it stops")
    monotone: dict[str, Literal[-1, 1]] = Field(
        default_factory=dict, description="columns P(fraud) may only rise (1) or fall (-1) with"
    )
    embedding: EmbeddingForm = Field(
        "out_of_time",
        description="what the booster sees of the encoder: out_of_time, logit, pca, prequential, missing_earlier, "
        "later, none, same_rows",
    )
    encoder_share: float = Field(
        0.5, gt=0, lt=1, description="earlier share of train that the booster's encoder learns from"
    )
    blocks: int = Field(4, ge=2, description="time blocks of train with embedding = out_of_time or prequential")
    components: int = Field(8, ge=1, le=128, description="principal components with embedding = pca")
    soft_labels: bool = Field(
        default=False,
        description="learn from the head's smoothed and weighted targets, and invert them as the head does",
    )


@dataclass(frozen=True)
class Booster:
    """A booster cut at its best round.

    Attributes:
        model: UBJ bytes; the columns are called f0, f1, ... inside.
        columns: the names of those columns.
        best_round: trees kept.
        valid_log_loss: per round, those after the best included; of soft labels where the booster had them.
        loss: what was minimised; the margins are log odds only with the plain one.
    """

    model: bytes
    columns: tuple[str, ...]
    best_round: int
    valid_log_loss: tuple[float, ...]
    loss: LossSettings = NATIVE

    def log_odds(self, matrix: Float32s, *, floor: float, threads: int = 1) -> Float64s:
        """Log odds of P(fraud) [N] of rows [N, P], after the inverse of the loss; `floor` as in `losses.posterior`."""
        margin = self.margins(matrix, threads=threads)
        return margin if self.loss == NATIVE else posterior(margin, self.loss, floor=floor).log_odds

    def margins(self, matrix: Float32s, *, threads: int = 1) -> Float64s:
        """The sum of the leaves [N] of rows [N, P].

        Raises:
            ValueError: the matrix has another number of columns.
        """
        if matrix.shape[1] != len(self.columns):
            raise ValueError(f"the booster takes {len(self.columns)} columns, got {matrix.shape[1]}")
        model = xgboost.Booster({"nthread": threads}, model_file=bytearray(self.model))
        margin: Float64s = model.inplace_predict(matrix, predict_type="margin").astype(np.float64)
        return margin


@dataclass(frozen=True)
class LabelledMatrix:
    """Columns [N, P], NaN where missing, labels [N] in [0, 1], and row weights [N]."""

    matrix: Float32s
    label: Floats
    weight: Floats


def fit_booster(
    train: LabelledMatrix,
    valid: LabelledMatrix,
    *,
    columns: Sequence[str],
    config: BoostingConfig,
    seed: int,
    threads: int,
    loss: LossSettings = NATIVE,
) -> Booster:
    """Gradient boosting of the log loss, stopped by valid and cut at its best round.

    No class weight by default: the booster's probabilities are native ones, and `scale_pos_weight` would ruin them.
    With the loss of a head, trees minimise that very function instead, by soft labels and row weights in both folds.

    Raises:
        InputError: a monotone column that is not there, infinite values, labels outside [0, 1], one class only, or a
            focal loss.
    """
    faults = [f"monotone names '{name}', which is no column" for name in config.monotone if name not in columns]
    for name, data in (("train", train), ("valid", valid)):
        faults += _data_faults(name, data, columns=len(columns))
    if faults:
        raise InputError(f"{len(faults)} faults in the booster's input: " + "; ".join(faults))
    if loss != NATIVE:
        prevalence = float(np.average(train.label, weights=train.weight))
        train, valid = (_softened(data, loss, prevalence=prevalence) for data in (train, valid))
    names = [f"f{index}" for index in range(len(columns))]
    learned = xgboost.QuantileDMatrix(
        train.matrix, train.label, weight=train.weight, feature_names=names, max_bin=config.max_bin, nthread=threads
    )
    judged = xgboost.QuantileDMatrix(
        valid.matrix,
        valid.label,
        weight=valid.weight,
        feature_names=names,
        max_bin=config.max_bin,
        nthread=threads,
        ref=learned,
    )
    history: dict[str, dict[str, list[float]]] = {}
    model = xgboost.train(
        _parameters(config, columns, seed=seed, threads=threads),
        learned,
        num_boost_round=config.rounds,
        evals=[(judged, "valid")],
        early_stopping_rounds=config.patience,
        evals_result=history,
        verbose_eval=False,
    )
    best = int(model.best_iteration) + 1
    kept = model[:best]
    # early stopping leaves its score in the attributes, which a reader of the bytes would take for a round to stop at
    kept.set_attr(best_iteration=None, best_score=None)
    return Booster(bytes(kept.save_raw("ubj")), tuple(columns), best, tuple(history["valid"]["logloss"]), loss)


def _softened(data: LabelledMatrix, loss: LossSettings, *, prevalence: float) -> LabelledMatrix:
    soft = soft_targets(data.label, loss, prevalence=prevalence)
    return LabelledMatrix(data.matrix, soft.label, data.weight * soft.weight)


def _parameters(config: BoostingConfig, columns: Sequence[str], *, seed: int, threads: int) -> dict[str, object]:
    # constraints that constrain nothing would still send every split the slow way
    monotone = {"monotone_constraints": tuple(config.monotone.get(name, 0) for name in columns)}
    return {
        **(monotone if config.monotone else {}),
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "learning_rate": config.learning_rate,
        "max_depth": config.max_depth,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample,
        "reg_lambda": config.reg_lambda,
        "max_bin": config.max_bin,
        "seed": seed,
        "nthread": threads,
    }


def _data_faults(name: str, data: LabelledMatrix, *, columns: int) -> list[str]:
    faults = []
    if data.matrix.shape[1] != columns:
        faults.append(f"{name} has {data.matrix.shape[1]} columns, {columns} are named")
    if infinite := int(np.isinf(data.matrix).sum()):
        faults.append(f"{name} has {infinite} infinite values")
    if not ((data.label >= 0) & (data.label <= 1)).all():
        faults.append(f"labels of {name} must lie in [0, 1], all known")
    elif len(data.label) == 0 or data.label.min() == data.label.max():
        faults.append(f"{name} must hold both classes, got {len(data.label)} rows of one")
    return faults
