"""One training loop for S networks: the same batches for all, everything else per setting.

Legend: S setting, B batch row, N row of a fold, K class.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from models.device import chosen_device
from models.losses import LossSettings, LossTable, loss_table
from models.network import (
    CONSTANTS,
    Architecture,
    Scaling,
    State,
    constant_arrays,
    initial_arrays,
    network_architecture,
)
from models.options import TrainConfig
from models.rows import Float64s, Floats
from models.task import Task
from models.training.shard import StepSettings
from models.training.stacked import FoldTensors, StackedNetworks, fold_tensors
from models.training.stopping import BestSoFar, affine_log_loss

OWN_ROWS = 64
"""Categories of vocabularies up to this size have a lookup row of their own on any number of rows."""

HASHED_ROWS = 16
"""Lookup rows of a vocabulary too large for its rows."""

Progress = Callable[["EpochReport"], None]


@dataclass(frozen=True)
class EpochReport:
    """What a progress callback sees, and one line of a setting's history: arrays are [S]."""

    epoch: int
    train_loss: tuple[float, ...]
    valid_log_loss: tuple[float, ...]
    running: int


@dataclass(frozen=True)
class Fit:
    """One fitted network: its best weights and how it got there.

    Attributes:
        state: name → array, the constants of the architecture included.
        valid_margins: z of the rows of valid [N].
        train_accuracy: share of training rows whose larger logit is that of their label.
        best_epoch: from 1.
        train_loss: mean loss per epoch, the setting's own.
        valid_log_loss: log loss on valid after an affine map of the margin, per epoch.
    """

    state: dict[str, np.ndarray]
    valid_margins: Float64s
    train_accuracy: float
    best_epoch: int
    train_loss: tuple[float, ...]
    valid_log_loss: tuple[float, ...]


def fit_networks(
    task: Task,
    *,
    settings: Sequence[LossSettings],
    repeats: Sequence[int],
    config: TrainConfig,
    soft_labels: Floats | None = None,
    start: Sequence[State] | None = None,
    progress: Progress | None = None,
) -> tuple[Fit, ...]:
    """Fits one network per setting in one pass over the data per epoch.

    Batches, dropout masks and the schedule are shared; initial weights depend on the repeat alone; gradient clipping,
    early stopping and best weights are each setting's own, so each network is what a run of it alone would give.
    A setting stops by the log loss on valid after the affine map of its margin that fits valid best: its own loss
    would be as consistent, but this is the number settings are ranked by, and it does not change with r and ε.
    Where the task says how long fits are, each setting's weights are those after its epochs, and valid is only scored.

    Args:
        task: rows to learn from and to stop by, and the architecture that all settings share.
        settings: the losses [S].
        repeats: number of the repeat of each setting [S].
        config: [train].
        soft_labels: P(fraud) [N] of a teacher in place of train's labels.
        start: weights to begin with instead of fresh ones, one network a setting.
        progress: called after each epoch.

    Raises:
        InputError: a code outside its vocabulary, soft labels, repeats or starts of the wrong number, or cuda asked for
            and not there.
    """
    for name, given in (("repeat", repeats), ("start", start)):
        if given is not None and len(given) != len(settings):
            raise ValueError(f"one {name} a setting is needed, got {len(given)} for {len(settings)} settings")
    kept = None if task.length is None else np.array(task.length.epochs, np.float64)
    if kept is not None and len(kept) != len(settings):
        raise ValueError(f"one number of epochs a setting is needed, got {len(kept)} for {len(settings)} settings")
    device = chosen_device(config.device)
    threads = config.threads or torch.get_num_threads()
    shards = min(threads, len(settings)) if device.type == "cpu" else 1
    with torch_threads(max(threads // shards, 1)), ThreadPoolExecutor(shards) as pool:
        train = fold_tensors(task.train, task.architecture, device=device, soft_labels=soft_labels)
        valid = fold_tensors(task.valid, task.architecture, device=device)
        networks = StackedNetworks(
            _stacked_start(task.architecture, repeats, seed=config.seed, start=start),
            task.architecture,
            _step_settings(config),
            device=device,
            seed=config.seed,
            pool=pool,
            shards=shards,
        )
        table = loss_table(settings, prevalence=task.prevalence, device=device)
        best, reports = _trained(networks, train, valid, table=table, config=config, kept=kept, progress=progress)
        return _fits(networks, best, reports, train, task.architecture)


def configured_architecture(
    scaling: Scaling, *, cardinalities: Sequence[int], rows: int, config: TrainConfig
) -> Architecture:
    """The architecture that [train] means for a train fold of this many rows.

    An id with a lookup row of its own and a few dozen transactions is learned by heart, and takes what the other inputs
    know with it. So vocabularies of more than `OWN_ROWS` codes with fewer than `rows_per_category` rows a code are
    hashed into `HASHED_ROWS`.
    """
    most = max(OWN_ROWS, rows // config.rows_per_category)
    return network_architecture(
        scaling,
        cardinalities=cardinalities,
        numeric_form=config.numeric,
        max_bins=config.max_bins,
        lookup_rows=[size if size <= most else HASHED_ROWS for size in cardinalities],
    )


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """This many torch threads inside the block (0: as many as there are), and as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _step_settings(config: TrainConfig) -> StepSettings:
    return StepSettings(
        batch_size=config.batch_size,
        weight_decay=config.weight_decay,
        dropout=config.dropout,
        clip=config.clip,
        mixup=config.mixup,
        unknown_share=config.unknown_share,
        low_precision=config.precision == "bfloat16",
    )


def _trained(
    networks: StackedNetworks,
    train: FoldTensors,
    valid: FoldTensors,
    *,
    table: LossTable,
    config: TrainConfig,
    kept: Floats | None,
    progress: Progress | None,
) -> tuple[BestSoFar, list[EpochReport]]:
    """The loop: epochs over shuffled batches, a look at valid after each."""
    best, reports = BestSoFar(len(table.epsilon_S), patience=config.patience), []
    batches = -(-len(train.numeric_NF) // config.batch_size)
    for epoch in range(1, config.epochs + 1):
        order_N = networks.shuffled(len(train.numeric_NF))
        losses = []
        for index, batch_B in enumerate(torch.split(order_N, config.batch_size)):
            done = ((epoch - 1) * batches + index) / (config.epochs * batches)
            rate = config.learning_rate * one_cycle(done)
            losses.append(networks.step(train, batch_B, table=table, learning_rate=rate))
        margins_SN = networks.margins(valid)
        value_S = _valid_log_loss(networks, margins_SN, valid) if kept is None else np.abs(kept - epoch)
        going_on = best.update(epoch, value_S, networks.arrays() | {"valid_margins": margins_SN.cpu().numpy()})
        mean_loss_S = torch.stack(losses).mean(0).tolist()
        reports.append(EpochReport(epoch, tuple(mean_loss_S), tuple(value_S.tolist()), int(best.running_S.sum())))
        if progress is not None:
            progress(reports[-1])
        if not going_on or (kept is not None and epoch >= kept.max()):
            break
    return best, reports


def _valid_log_loss(networks: StackedNetworks, margins_SN: torch.Tensor, valid: FoldTensors) -> Floats:
    values = networks.by_shard(lambda _, part: affine_log_loss(margins_SN[part], valid.target_NK[:, 1], valid.weight_N))
    return np.concatenate(values)


def one_cycle(done: float, *, warm: float = 0.15, last: float = 0.01) -> float:
    """Learning rate as a share of its peak: a linear rise, then half a cosine (Smith & Topin, 2018)."""
    if done < warm:
        return 0.1 + 0.9 * done / warm
    return last + (1 - last) * 0.5 * (1 + float(np.cos(np.pi * (done - warm) / (1 - warm))))


def _stacked_start(
    architecture: Architecture, repeats: Sequence[int], *, seed: int, start: Sequence[State] | None
) -> dict[str, np.ndarray]:
    """Weights to begin with, [S, ...]: those given, or of each repeat, the same for all settings of it."""
    if start is not None:
        names = [name for name in start[0] if name not in CONSTANTS]
        return {name: np.stack([state[name] for state in start]) for name in names}
    by_repeat = {
        repeat: initial_arrays(architecture, rng=np.random.default_rng([seed, repeat]))
        for repeat in sorted(set(repeats))
    }
    return {name: np.stack([by_repeat[repeat][name] for repeat in repeats]) for name in by_repeat[repeats[0]]}


def _fits(
    networks: StackedNetworks,
    best: BestSoFar,
    reports: list[EpochReport],
    train: FoldTensors,
    architecture: Architecture,
) -> tuple[Fit, ...]:
    """The best weights of each setting, judged on train once more."""
    arrays = dict(best.arrays)
    valid_margins = arrays.pop("valid_margins")
    networks.load(arrays)
    label_N = train.label_N
    accuracy_S = ((networks.margins(train) > 0) == label_N).float().mean(1).tolist()
    constants = constant_arrays(architecture)
    fits = []
    for index in range(len(valid_margins)):
        seen = reports[: int(best.last_epoch_S[index])]
        fits.append(
            Fit(
                state=constants | {name: np.ascontiguousarray(array[index]) for name, array in arrays.items()},
                valid_margins=valid_margins[index].astype(np.float64),
                train_accuracy=float(accuracy_S[index]),
                best_epoch=int(best.epoch_S[index]),
                train_loss=tuple(report.train_loss[index] for report in seen),
                valid_log_loss=tuple(report.valid_log_loss[index] for report in seen),
            )
        )
    return tuple(fits)
