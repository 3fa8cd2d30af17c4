"""What the booster sees of the shared encoder, without seeing labels through it.

An embedding knows the labels it was trained on. A booster that meets it on those same rows trusts it far too much, so
every form but the naive one shows the booster only what an encoder says of rows later than all it learned from.
Columns of separately trained encoders cannot be mixed as they are, but their logits can (a logit means the same in all
of them), and so can columns of one encoder that went on learning gently, or columns mapped into those of the encoder
that serves.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alignment import aligned_directions
from models.errors import InputError
from models.losses import LossSettings
from models.network import State, embeddings, margins
from models.options import BoostingConfig, StudyForm, TrainConfig
from models.pca import principal_directions, reduced
from models.rows import Float32s, Rows, taken_rows
from models.task import Task
from models.training.loop import fit_networks
from models.training.parallel_fits import cores, parallel_fits

GRID = 64.0
"""Values are rounded to 1 / GRID: the booster's cuts are training values, and runtimes differ in the last bit."""
LOGIT_FORMS = ("logit", "out_of_time")
"""Forms that are a logit and nothing else."""
ALIGNED_FORMS = ("aligned", "aligned_logit")
COMPONENT_FORMS = ("pca", *ALIGNED_FORMS)
BLOCK_FORMS = ("out_of_time", "prequential", *ALIGNED_FORMS)
HEAD_FORMS = ("same_rows", "out_of_time", *ALIGNED_FORMS)
"""Forms that are served by the head's own network."""
GENTLE = 0.1
"""Share of the learning rate with which an encoder goes on: its columns keep their meaning."""

NetworkUntil = Callable[[int], State]
"""The network fitted on the rows of train up to a time."""


@dataclass(frozen=True)
class HeadNetwork:
    """The network that ships, and the loss it minimised."""

    state: State
    loss: LossSettings


@dataclass(frozen=True)
class SharedEncoder:
    """The encoder that serves, and what its form makes of rows.

    Attributes:
        form: which values the booster gets.
        state: the network they come from; empty with form "none".
        names: names of the columns.
    """

    form: StudyForm
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


def encoder_columns(form: StudyForm, state: State, rows: Rows) -> Float32s:
    """The head's logit, the 128 values of a row or their components, rounded to the grid; a logit comes first."""
    parts: list[Float32s] = []
    if form in (*LOGIT_FORMS, "aligned_logit"):
        parts.append(margins(state, rows)[:, None].astype(np.float32))
    if form not in LOGIT_FORMS:
        values = embeddings(state, rows)
        parts.append(reduced(values, state) if form in COMPONENT_FORMS else values)
    grid = np.float32(GRID)
    rounded: Float32s = (np.round(np.concatenate(parts, axis=1) * grid) / grid).astype(np.float32)
    return rounded


def fit_shared_encoder(
    task: Task,
    *,
    head: HeadNetwork,
    form: StudyForm,
    boosting: BoostingConfig,
    config: TrainConfig,
    network_until: NetworkUntil | None = None,
) -> EncodedTrain:
    """The encoder of the booster and the train fold through it.

    Forms: "none" shows nothing. "same_rows" shows the head's own embedding on the rows it was trained on (naive, for
    comparison). "later", "missing_earlier", "pca" and "logit" fit one encoder on the earlier share of train; the
    booster learns from the later rows only, from all rows with the earlier ones' values missing, or likewise from
    principal components or the logit alone. "out_of_time" and "prequential" split train into time blocks, and the
    first block shows nothing: in the one, the logit of block k comes from a network fitted on the blocks before it, and
    the head, fitted on all of train, serves; in the other, one network goes on from block to block, and its embedding
    of a block is taken before it learns from it. "aligned" takes the embeddings of the networks of "out_of_time", and
    tells them in the principal components of the head's own: by a linear map of each, fitted on the features of valid,
    which neither network has learned from. "aligned_logit" shows that logit beside them.

    Args:
        task: rows of train in order of their time, and of valid to stop by, whose labels choose the best epoch and
            nothing else.
        head: the network that ships; every encoder minimises what it minimised.
        form: what the booster may see.
        boosting: [boosting], for what belongs to the form.
        config: [train].
        network_until: where fresh networks come from, for a caller that compares forms and fits none of them twice;
            called from several threads at once.

    Raises:
        InputError: an earlier part of train without both classes.
    """
    size = len(task.train.label)
    everything = np.ones(size, dtype=bool)
    names = _column_names(form, components=boosting.components, width=task.architecture.embedding)
    if form == "none":
        return EncodedTrain(SharedEncoder(form, {}, names), np.empty((size, 0), dtype=np.float32), everything)
    if form == "same_rows":
        encoder = SharedEncoder(form, dict(head.state), names)
        return EncodedTrain(encoder, encoder.columns(task.train), everything)
    go_on = functools.partial(_gone_on, task, loss=head.loss, config=_gentle(config, blocks=boosting.blocks))
    served = _serving_head(form, head.state, valid=task.valid, boosting=boosting)
    borders = time_borders(task.train.time, _shares(form, boosting))
    begun = borders[:1] if form == "prequential" else borders
    until = network_until or fresh_networks(task, loss=head.loss, config=config)
    # those of most rows first
    fresh = dict(zip(begun[::-1], parallel_fits(cores(config), until, begun[::-1]), strict=True))
    columns = np.full((size, len(names)), np.nan, dtype=np.float32)
    state: State = {}
    for shown, border in _blocks(task.train.time, borders):
        state = go_on(border, state) if form == "prequential" and state else fresh[border]
        later = taken_rows(task.train, shown)
        if form in COMPONENT_FORMS:
            state = _with_directions(form, state, shown=later, valid=task.valid, served=served, boosting=boosting)
        columns[shown] = encoder_columns(form, state, later)
    kept = task.train.time > borders[0] if form == "later" else everything
    serving = served if form in HEAD_FORMS else state
    return EncodedTrain(SharedEncoder(form, dict(serving), names), columns, kept)


def fresh_networks(task: Task, *, loss: LossSettings, config: TrainConfig) -> NetworkUntil:
    """Networks that know nothing but the rows of train up to a time."""
    return lambda border: _network(task.up_to(border), loss=loss, config=config)


def time_borders(time: NDArray[np.int64], shares: Sequence[float]) -> list[int]:
    """Times up to which these shares of the rows lie; rows tied with a border are on its earlier side.

    Raises:
        InputError: two borders fall on one time, or nothing lies after the last.
    """
    ordered = np.sort(time)
    borders = [int(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in shares]
    if len(set(borders)) < len(borders) or borders[-1] >= ordered[-1]:
        raise InputError(f"train must spread over {len(shares) + 1} blocks of time, got {len(np.unique(time))} times")
    return borders


def _blocks(time: NDArray[np.int64], borders: Sequence[int]) -> Iterator[tuple[NDArray[np.bool_], int]]:
    """Which rows an encoder of everything up to a border is shown on [N], and the border: up to the next one."""
    for border, following in zip(borders, [*borders[1:], None], strict=True):
        yield (time > border) & (True if following is None else time <= following), border


def _serving_head(form: StudyForm, state: State, *, valid: Rows, boosting: BoostingConfig) -> State:
    """The head, with the directions of the components that serve: those of rows it has not learned from."""
    return _with_components(state, valid, boosting.components) if form in ALIGNED_FORMS else state


def _with_directions(
    form: StudyForm, state: State, *, shown: Rows, valid: Rows, served: State, boosting: BoostingConfig
) -> State:
    """A block's network and the directions of its components, or those that tell it in the components that serve."""
    if form == "pca":
        return _with_components(state, shown, boosting.components)
    components = reduced(embeddings(served, valid), served)
    return {**state, **aligned_directions(embeddings(state, valid), components)}


def _with_components(state: State, rows: Rows, components: int) -> State:
    return {**state, **principal_directions(embeddings(state, rows), components=components)}


def _shares(form: StudyForm, boosting: BoostingConfig) -> list[float]:
    if form in BLOCK_FORMS:
        return [block / boosting.blocks for block in range(1, boosting.blocks)]
    return [boosting.encoder_share]


def _gentle(config: TrainConfig, *, blocks: int) -> TrainConfig:
    """How an encoder goes on: few epochs, small steps."""
    few = max(1, config.epochs // blocks)
    return config.model_copy(update={"epochs": few, "learning_rate": config.learning_rate * GENTLE})


def _gone_on(task: Task, border: int, start: State, *, loss: LossSettings, config: TrainConfig) -> State:
    return _network(task.up_to(border), loss=loss, config=config, start=start)


def _network(earlier: Task, *, loss: LossSettings, config: TrainConfig, start: State | None = None) -> State:
    # r stays what the head was fitted with: the blocks' logits must mean the same
    fit = fit_networks(earlier, settings=[loss], repeats=[0], config=config, start=None if start is None else [start])
    return fit[0].state


def _column_names(form: StudyForm, *, components: int, width: int) -> tuple[str, ...]:
    if form == "none":
        return ()
    logit = ("head_logit",) if form in (*LOGIT_FORMS, "aligned_logit") else ()
    if form in LOGIT_FORMS:
        return logit
    if form in COMPONENT_FORMS:
        return (*logit, *(f"component_{index}" for index in range(components)))
    return tuple(f"embedding_{index}" for index in range(width))
