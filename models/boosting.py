"""The XGBoost path: a booster on numeric features and whatever the shared encoder adds to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost

from models.device import booster_device
from models.errors import InputError
from models.histogram_cuts import cut_rows
from models.logistic import log_odds
from models.losses import LossSettings, posterior
from models.options import BoostingConfig, TrainConfig
from models.rows import Float32s, Float64s, Floats
from models.soft_targets import soft_targets

RoundProgress = Callable[[int, int], None]
"""Called after each round with its number from 1 and the most rounds there can be."""
NATIVE = LossSettings()
"""Plain log loss, whose margins are log odds as they are."""


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

    def log_odds(self, margins: Float64s, *, floor: float) -> Float64s:
        """Log odds of P(fraud) [N] from margins, after the inverse of the loss; `floor` as in `losses.posterior`."""
        return margins if self.loss == NATIVE else posterior(margins, self.loss, floor=floor).log_odds

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
    valid: LabelledMatrix | None,
    *,
    columns: Sequence[str],
    config: BoostingConfig,
    training: TrainConfig,
    loss: LossSettings = NATIVE,
    progress: RoundProgress | None = None,
) -> Booster:
    """Gradient boosting of the log loss, stopped by valid and cut at its best round; without valid every round is kept.

    No class weight by default: the booster's probabilities are native ones, and `scale_pos_weight` would ruin them.
    With the loss of a head, trees minimise that very function instead, by soft labels and row weights in both folds.
    Where only a share s of the legitimate rows is learned from, each row of train begins ln(1/s) higher, so that what
    trees add is right for all rows (Wang, Zhang and Wang, 2021: this offset loses least); weights of 1/s would lose
    much of what the frauds say. Seed, threads and device are those of [train].

    Raises:
        InputError: a monotone column that is not there, infinite values, labels outside [0, 1], one class only, or a
            focal loss.
    """
    faults = [f"monotone names '{name}', which is no column" for name in config.monotone if name not in columns]
    for name, data in (("train", train), ("valid", valid)):
        faults += _data_faults(name, data, columns=len(columns)) if data is not None else []
    if faults:
        raise InputError(f"{len(faults)} fault{'s' * (len(faults) > 1)} in the booster's input: " + "; ".join(faults))
    prevalence = float(np.average(train.label, weights=train.weight))
    share = config.legitimate_share if loss == NATIVE else loss.kept
    if share < 1:
        train = _drawn(train, share, seed=training.seed)
    if loss != NATIVE:
        train = _softened(train, loss, prevalence=prevalence)
        valid = None if valid is None else _softened(valid, loss, prevalence=prevalence)
    borders = cut_rows(train.matrix, train.weight, cuts=config.max_bin - 1, tail=config.tail_bins)
    cuts = _binned(LabelledMatrix(borders, np.zeros(len(borders)), np.ones(len(borders))), config, training)
    learned = _binned(train, config, training, like=cuts)
    parameters = _parameters(config, columns, training)
    if share < 1 and loss == NATIVE:
        parameters["base_score"] = prevalence
        learned.set_base_margin(np.full(len(train.label), log_odds(prevalence) - np.log(share), np.float32))
    judged = None if valid is None else _binned(valid, config, training, like=learned)
    history: dict[str, dict[str, list[float]]] = {}
    model = xgboost.train(
        parameters,
        learned,
        num_boost_round=config.rounds,
        evals=[] if judged is None else [(judged, "valid")],
        early_stopping_rounds=None if judged is None else config.patience,
        evals_result=history,
        verbose_eval=False,
        callbacks=[] if progress is None else [_AfterRound(progress, config.rounds)],
    )
    best = config.rounds if judged is None else int(model.best_iteration) + 1
    kept = model[:best]
    # early stopping leaves its score in the attributes, which a reader of the bytes would take for a round to stop at
    kept.set_attr(best_iteration=None, best_score=None)
    losses = tuple(history["valid"]["logloss"]) if history else ()
    return Booster(bytes(kept.save_raw("ubj")), tuple(columns), best, losses, loss)


class _AfterRound(xgboost.callback.TrainingCallback):
    """Tells how many rounds are fitted; it stops nothing."""

    def __init__(self, progress: RoundProgress, rounds: int) -> None:
        super().__init__()
        self._progress, self._rounds = progress, rounds

    def after_iteration(self, _model: Any, epoch: int, _losses: Any) -> bool:
        self._progress(epoch + 1, self._rounds)
        return False


def _drawn(data: LabelledMatrix, share: float, *, seed: int) -> LabelledMatrix:
    """Every fraud, and so large a share of the other rows, in their order."""
    others = np.flatnonzero(data.label == 0)
    left = np.random.default_rng([seed, 17]).permutation(others)[round(share * len(others)) :]
    kept = np.ones(len(data.label), np.bool_)
    kept[left] = False
    return LabelledMatrix(data.matrix[kept], data.label[kept], data.weight[kept])


def _softened(data: LabelledMatrix, loss: LossSettings, *, prevalence: float) -> LabelledMatrix:
    soft = soft_targets(data.label, loss, prevalence=prevalence)
    return LabelledMatrix(data.matrix, soft.label, data.weight * soft.weight)


def _binned(
    data: LabelledMatrix, config: BoostingConfig, training: TrainConfig, *, like: xgboost.QuantileDMatrix | None = None
) -> xgboost.QuantileDMatrix:
    """The rows in histogram bins: one a value where there are few, or those of other rows."""
    names = [f"f{index}" for index in range(data.matrix.shape[1])]
    return xgboost.QuantileDMatrix(
        data.matrix,
        data.label,
        weight=data.weight,
        feature_names=names,
        max_bin=config.max_bin,
        nthread=training.threads,
        ref=like,
    )


def _parameters(config: BoostingConfig, columns: Sequence[str], training: TrainConfig) -> dict[str, object]:
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
        "seed": training.seed,
        "nthread": training.threads,
        "device": booster_device(training.device),
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
