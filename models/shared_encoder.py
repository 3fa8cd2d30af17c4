"""What the booster sees of the shared encoder, without seeing labels through it.

An embedding knows the labels it was trained on. A booster that meets it on those same rows trusts it far too much, so
every form but the naive one shows the booster only what an encoder says of rows later than all it learned from.
Columns of separately trained encoders cannot be mixed, but their logits can: a logit means the same in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.boosting import BoostingConfig, EmbeddingForm
from models.losses import LossSettings
from models.network import Architecture, State, embeddings, margins
from models.rows import Float32s, Rows, fraud_rate, labelled_rows, taken_rows
from models.training import TrainConfig, fit_networks

GRID = 64.0
"""Values are rounded to 1 / GRID: the booster's cuts are training values, and runtimes differ in the last bit."""


@dataclass(frozen=True)
class SharedEncoder:
    """The encoder that serves, and what its form makes of rows.

    Attributes:
        form: which values the booster gets.
        state: the network they come from; empty with form "none".
        names: names of the columns.
    """

    form: EmbeddingForm
    state: dict[str, np.ndarray]
    names: tuple[str, ...]

    def columns(self, rows: Rows) -> Float32s:
        """The columns of rows that no label of the encoder came from [N, E]."""
        if self.form == "none":
            return np.empty((len(rows.numeric), 0), dtype=np.float32)
        return encoder_columns(self.form, self.state, rows)


@dataclass(frozen=True)
class EncodedTrain:
    """The encoder beside the train fold as the booster may see it.

    Attributes:
        encoder: what serves.
        columns: [N, E] of the rows of train, NaN where nothing may be shown.
        kept: [N], the rows the booster may learn from.
    """

    encoder: SharedEncoder
    columns: Float32s
    kept: NDArray[np.bool_]


def encoder_columns(form: EmbeddingForm, state: State, rows: Rows) -> Float32s:
    """The 128 values of a row, or the head's logit, rounded to the grid."""
    values = margins(state, rows)[:, None] if form in ("logit", "out_of_time") else embeddings(state, rows)
    rounded: Float32s = (np.round(values.astype(np.float32) * np.float32(GRID)) / np.float32(GRID)).astype(np.float32)
    return rounded


def fit_shared_encoder(
    train: Rows,
    valid: Rows,
    *,
    head: State,
    architecture: Architecture,
    loss: LossSettings,
    config: TrainConfig,
    boosting: BoostingConfig,
) -> EncodedTrain:
    """The encoder of the booster and the train fold through it.

    Forms: "none" shows nothing. "same_rows" shows the head's own embedding on the rows it was trained on (naive, for
    comparison). "later", "missing_earlier" and "logit" fit one encoder on the earlier share of train; the booster
    learns from the later rows only, from all rows with the earlier ones' values missing, or likewise from the logit
    alone. "out_of_time" splits train into time blocks: the logit of block k comes from a network fitted on the blocks
    before it, the first block shows nothing, and the head, fitted on all of train, serves: one network is exported.

    Args:
        train: rows of the train fold, all labels known.
        valid: rows to stop by; their labels choose the best epoch and nothing else.
        head: the network that ships.
        architecture: of every encoder.
        loss: what every encoder minimises.
        config: [train].
        boosting: [boosting], for form, encoder_share and blocks.

    Raises:
        ValueError: an earlier part of train without both classes.
    """
    form, size = boosting.embedding, len(train.label)
    everything = np.ones(size, dtype=bool)
    names = _column_names(form, architecture)
    if form == "none":
        return EncodedTrain(SharedEncoder(form, {}, names), np.empty((size, 0), dtype=np.float32), everything)
    if form == "same_rows":
        state = dict(head)
        return EncodedTrain(SharedEncoder(form, state, names), encoder_columns(form, state, train), everything)
    shares = [boosting.encoder_share]
    if form == "out_of_time":
        shares = [block / boosting.blocks for block in range(1, boosting.blocks)]
    borders = time_borders(train.time, shares)
    columns = np.full((size, len(names)), np.nan, dtype=np.float32)
    state = dict(head)
    for border, following in zip(borders, [*borders[1:], None], strict=True):
        fitted = _earlier_network(train, valid, border, architecture=architecture, loss=loss, config=config)
        shown = (train.time > border) & (everything if following is None else train.time <= following)
        columns[shown] = encoder_columns(form, fitted, taken_rows(train, shown))
        state = state if form == "out_of_time" else fitted
    kept = train.time > borders[0] if form == "later" else everything
    return EncodedTrain(SharedEncoder(form, state, names), columns, kept)


def time_borders(time: NDArray[np.int64], shares: Sequence[float]) -> list[int]:
    """Times up to which these shares of the rows lie; rows tied with a border are on its earlier side.

    Raises:
        ValueError: two borders fall on one time, or nothing lies after the last.
    """
    ordered = np.sort(time)
    borders = [int(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in shares]
    if len(set(borders)) < len(borders) or borders[-1] >= ordered[-1]:
        raise ValueError(f"train must spread over {len(shares) + 1} blocks of time, got {len(np.unique(time))} times")
    return borders


def _earlier_network(
    train: Rows, valid: Rows, border: int, *, architecture: Architecture, loss: LossSettings, config: TrainConfig
) -> dict[str, np.ndarray]:
    earlier = labelled_rows(taken_rows(train, train.time <= border), name="the earlier part of train")
    rate = fraud_rate(earlier)
    # r stays what the head was fitted with: the blocks' logits must mean the same
    fit = fit_networks(
        earlier,
        valid,
        architecture=architecture,
        settings=[loss],
        repeats=[0],
        prevalence=rate,
        config=config,
    )
    return fit[0].state


def _column_names(form: EmbeddingForm, architecture: Architecture) -> tuple[str, ...]:
    if form == "none":
        return ()
    if form in ("logit", "out_of_time"):
        return ("head_logit",)
    return tuple(f"embedding_{index}" for index in range(architecture.embedding))
