"""The booster beside the encoder it looks through, fitted on one train fold."""

from dataclasses import dataclass

import numpy as np

from models.boosting import NATIVE, Booster, BoostingConfig, LabelledMatrix, fit_booster
from models.losses import LossSettings
from models.network import Architecture, State
from models.rows import Float64s, RowArrays
from models.shared_encoder import NetworkUntil, SharedEncoder, fit_shared_encoder
from models.training.loop import TrainConfig


@dataclass(frozen=True)
class Boosted:
    """A booster, the encoder that adds to its columns, and its log odds of P(fraud) on the rows of train and valid."""

    booster: Booster
    encoder: SharedEncoder
    train_log_odds: Float64s
    valid_log_odds: Float64s


def fit_boosted(
    train: RowArrays,
    valid: RowArrays,
    *,
    head: State,
    loss: LossSettings,
    architecture: Architecture,
    numeric: tuple[str, ...],
    boosting: BoostingConfig,
    training: TrainConfig,
    floor: float,
    network_until: NetworkUntil | None = None,
) -> Boosted:
    """The shared encoder in the form of [boosting], and the booster on numeric columns and what it adds.

    Args:
        train: labelled rows.
        valid: labelled rows to stop by.
        head: the network that ships.
        loss: what it minimised.
        architecture: of every encoder.
        numeric: names of the numeric columns.
        boosting: [boosting].
        training: [train], threads resolved.
        floor: where the inverse of soft labels goes on as a tail.
        network_until: as `fit_shared_encoder` takes it.
    """
    encoded = fit_shared_encoder(
        train,
        valid,
        head=head,
        architecture=architecture,
        loss=loss,
        config=training,
        boosting=boosting,
        network_until=network_until,
    )
    learned = np.concatenate([train.numeric, encoded.columns], axis=1)
    judged = np.concatenate([valid.numeric, encoded.encoder.columns(valid)], axis=1)
    kept = slice(None) if encoded.kept.all() else encoded.kept
    booster = fit_booster(
        LabelledMatrix(learned[kept], train.label[kept], train.weight[kept]),
        LabelledMatrix(judged, valid.label, valid.weight),
        columns=(*numeric, *encoded.encoder.names),
        config=boosting,
        seed=training.seed,
        threads=training.threads,
        loss=loss if boosting.soft_labels else NATIVE,
    )
    on_train, on_valid = (
        booster.log_odds(matrix, floor=floor, threads=training.threads) for matrix in (learned, judged)
    )
    return Boosted(booster, encoded.encoder, on_train, on_valid)
