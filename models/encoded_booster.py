"""The booster beside the encoder it looks through, fitted on one train fold."""

from dataclasses import dataclass

import numpy as np

from models.booster_inputs import BoosterInputs, PlainColumns
from models.boosting import NATIVE, Booster, LabelledMatrix, RoundProgress, fit_booster
from models.options import BoostingConfig, StudyForm, TrainConfig
from models.rows import Float32s, Float64s
from models.shared_encoder import HeadNetwork, NetworkUntil, fit_shared_encoder
from models.task import Task


@dataclass(frozen=True)
class Boosted:
    """A booster, what it is fitted on, its columns of train [N, P], and its margins on valid."""

    booster: Booster
    inputs: BoosterInputs
    train_columns: Float32s
    valid_margins: Float64s


@dataclass(frozen=True)
class FitCalls:
    """What a fit calls: for networks that its caller has already, and after each round of the booster.

    Attributes:
        network_until: as `fit_shared_encoder` takes it.
        progress: as `fit_booster` takes it.
    """

    network_until: NetworkUntil | None = None
    progress: RoundProgress | None = None


def fit_boosted(
    task: Task,
    *,
    head: HeadNetwork,
    plain: PlainColumns,
    boosting: BoostingConfig,
    training: TrainConfig,
    form: StudyForm | None = None,
    calls: FitCalls = FitCalls(),
) -> Boosted:
    """The shared encoder in its form, and the booster on plain columns and what the encoder adds.

    Args:
        task: labelled rows to learn from and to stop by.
        head: the network that ships.
        plain: the columns beside those of the encoder.
        boosting: [boosting].
        training: [train], threads resolved.
        form: what the booster sees of the encoder; None for that of [boosting].
        calls: what it calls on its way.
    """
    train, valid = task.train, task.valid
    encoded = fit_shared_encoder(
        task,
        head=head,
        form=form or boosting.embedding,
        boosting=boosting,
        config=training,
        network_until=calls.network_until,
    )
    inputs = BoosterInputs(plain, encoded.encoder)
    learned, judged = np.concatenate([plain.columns(train), encoded.columns], axis=1), inputs.columns(valid)
    kept = slice(None) if encoded.kept.all() else encoded.kept
    booster = fit_booster(
        LabelledMatrix(learned[kept], train.label[kept], train.weight[kept]),
        LabelledMatrix(judged, valid.label, valid.weight) if task.length is None else None,
        columns=inputs.names,
        config=boosting if task.length is None else boosting.model_copy(update={"rounds": task.length.rounds}),
        training=training,
        loss=head.loss if boosting.soft_labels else NATIVE,
        progress=calls.progress,
    )
    return Boosted(booster, inputs, learned, booster.margins(judged, threads=training.threads))
