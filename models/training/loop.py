"""One training loop for S networks: the same batches for all, everything else per setting.

Legend: S setting, B batch row, N row of a fold, K class.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.device import chosen_device
from models.losses import LossSettings, loss_table
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
from models.rows import Float32s, Float64s, Floats
from models.task import Task
from models.training.shard import StepSettings
from models.training.stacked import StackedNetworks, Workers
from models.training.stopping import BestSoFar, affine_log_loss
from models.training.training_batches import BatchMaker, FoldTensors, fold_tensors

OWN_ROWS = 64
"""Categories of vocabularies up to this size have a lookup row of their own on any number of rows."""

HASHED_ROWS = 16
"""Lookup rows of a vocabulary too large for its rows."""

ACCURACY_ROWS = 2**17
"""Rows of train, evenly taken, that training accuracy is measured on at most: it is shown, and nothing hangs on it."""

LossesOfEpoch = tuple[tuple[float, ...], tuple[float, ...]]
"""Loss on train and log loss on valid of each setting [S]."""

Progress = Callable[["EpochReport"], NDArray[np.bool_] | None]
"""Hears of each epoch, and may say which settings need no further one [S]."""


@dataclass(frozen=True)
class EpochReport:
    """What a progress callback sees: arrays are [S], and of a setting that has stopped what it had then.

    Attributes:
        epoch: from 1.
        train_loss: mean loss of the epoch, each setting's own.
        valid_log_loss: log loss on valid after an affine map of the margin.
        running: how many settings go on by themselves.
        going_on: which of them do.
        valid_margins: of the best weights so far [S, N]; to be read, not to be kept.
    """

    epoch: int
    train_loss: tuple[float, ...]
    valid_log_loss: tuple[float, ...]
    running: int
    going_on: NDArray[np.bool_]
    valid_margins: Float32s


@dataclass(frozen=True)
class Fit:
    """One fitted network: its best weights and how it got there.

    Attributes:
        state: name → array, the constants of the architecture included.
        valid_margins: z of the rows of valid [N].
        train_accuracy: share of training rows whose larger logit is that of their label, of `ACCURACY_ROWS` at most.
        best_epoch: from 1.
        train_loss: mean loss per epoch, the setting's own.
        valid_log_loss: log loss on valid after an affine map of the margin, per epoch.
        ruled_out: the epoch after which it was stopped from outside; None where it went on to its end.
    """

    state: dict[str, np.ndarray]
    valid_margins: Float64s
    train_accuracy: float
    best_epoch: int
    train_loss: tuple[float, ...]
    valid_log_loss: tuple[float, ...]
    ruled_out: int | None = None


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

    Batches, dropout masks and the schedule are shared, each epoch sees every fraud and its share of the legitimate
    rows; initial weights depend on the repeat alone; gradient clipping, early stopping and best weights are each
    setting's own, so each network is what a run of it alone would give.
    A setting stops by the log loss on valid after the affine map of its margin that fits valid best: its own loss
    would be as consistent, but this is the number settings are ranked by, and it does not change with r and ε. One that
    has stopped costs nothing more, and leaves the others as they are. Where the task says how long fits are, each
    setting's weights are those after its epochs, and valid is only scored.

    Args:
        task: rows to learn from and to stop by, and the architecture that all settings share.
        settings: the losses [S].
        repeats: number of the repeat of each setting [S].
        config: [train].
        soft_labels: P(fraud) [N] of a teacher in place of train's labels.
        start: weights to begin with instead of fresh ones, one network a setting.
        progress: called after each epoch; what it returns stops settings before their own end.

    Raises:
        InputError: a code outside its vocabulary, soft labels, repeats or starts of the wrong number, or cuda asked for
            and not there.
    """
    for name, given in (("repeat", repeats), ("start", start)):
        if given is not None and len(given) != len(settings):
            raise ValueError(f"one {name} a setting is needed, got {len(given)} for {len(settings)} settings")
    if shares := {each.kept for each in settings} - {config.legitimate_share}:
        raise ValueError(f"settings must keep {config.legitimate_share} of the legitimate rows, got {sorted(shares)}")
    kept = None if task.length is None else np.array(task.length.epochs, np.float64)
    if kept is not None and len(kept) != len(settings):
        raise ValueError(f"one number of epochs a setting is needed, got {len(kept)} for {len(settings)} settings")
    device = chosen_device(config.device)
    threads = config.threads or torch.get_num_threads()
    workers = min(threads, len(settings)) if device.type == "cpu" else 1
    # one thread a step: a sum that two share has other bits
    with torch_threads(1 if device.type == "cpu" else threads), ThreadPoolExecutor(workers) as pool:
        train = fold_tensors(task.train, task.architecture, device=device, soft_labels=soft_labels)
        valid = fold_tensors(task.valid, task.architecture, device=device)
        arrays = _stacked_start(task.architecture, repeats, seed=config.seed, start=start)
        batches = BatchMaker(task.architecture, _step_settings(config), device=device, seed=config.seed)
        networks = StackedNetworks(
            arrays,
            _step_settings(config),
            table=loss_table(settings, prevalence=task.prevalence, device=device),
            batches=batches,
            workers=Workers(pool, workers),
        )
        best, history = _trained(networks, train, valid, config=config, kept=kept, progress=progress)
        return _fits(networks, best, history, train, task.architecture)


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
        legitimate_share=config.legitimate_share,
    )


def _trained(
    networks: StackedNetworks,
    train: FoldTensors,
    valid: FoldTensors,
    *,
    config: TrainConfig,
    kept: Floats | None,
    progress: Progress | None,
) -> tuple[BestSoFar, list[LossesOfEpoch]]:
    """The loop: epochs over shuffled batches, a look at valid after each; settings that stop are left behind."""
    best, history = BestSoFar(networks.settings, patience=config.patience, ends_S=kept), []
    losses_2S = np.zeros((2, networks.settings))
    for epoch in range(1, config.epochs + 1):
        running_S = best.running_S.copy()
        losses_R = networks.learn(train, _rates(epoch, train.drawn_rows(config.legitimate_share), config))
        margins_RN = networks.margins(valid)
        values_R = _valid_log_loss(networks, margins_RN, valid) if kept is None else np.abs(kept[running_S] - epoch)
        best.update(epoch, values_R, networks.arrays() | {"valid_margins": margins_RN.cpu().numpy()})
        losses_2S[:, running_S] = losses_R.tolist(), values_R
        history.append((tuple(losses_2S[0].tolist()), tuple(losses_2S[1].tolist())))
        if progress is not None:
            _tell(progress, epoch, history[-1], best)
        if not best.running_S.any():
            break
        if best.running_S.sum() < running_S.sum():
            networks.keep(best.running_S[running_S])
    return best, history


def _tell(progress: Progress, epoch: int, losses: LossesOfEpoch, best: BestSoFar) -> None:
    """Reports an epoch, and stops the settings that need no further one."""
    going_on_S = best.running_S.copy()
    out_S = progress(EpochReport(epoch, *losses, int(going_on_S.sum()), going_on_S, best.arrays["valid_margins"]))
    if out_S is not None:
        best.rule_out(out_S, epoch=epoch)


def _rates(epoch: int, rows: int, config: TrainConfig) -> list[float]:
    """The learning rate of each step of an epoch (from 1)."""
    batches = -(-rows // config.batch_size)
    done = ((epoch - 1) * batches + np.arange(batches)) / (config.epochs * batches)
    return [config.learning_rate * one_cycle(float(each)) for each in done]


def _valid_log_loss(networks: StackedNetworks, margins_SN: torch.Tensor, valid: FoldTensors) -> Floats:
    label_N = valid.target_NK[:, 1].double()
    return np.array(networks.by_setting(lambda place: affine_log_loss(margins_SN[place], label_N, valid.weight_N)))


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
    history: list[LossesOfEpoch],
    train: FoldTensors,
    architecture: Architecture,
) -> tuple[Fit, ...]:
    """The best weights of each setting, judged on rows of train once more."""
    arrays = dict(best.arrays)
    valid_margins = arrays.pop("valid_margins")
    networks.load(arrays)
    some = train.thinned(ACCURACY_ROWS)
    accuracy_S = ((networks.margins(some) > 0) == some.label_N).float().mean(1).tolist()
    constants = constant_arrays(architecture)
    fits = []
    for index in range(len(valid_margins)):
        seen = history[: int(best.last_epoch_S[index])]
        fits.append(
            Fit(
                state=constants | {name: np.ascontiguousarray(array[index]) for name, array in arrays.items()},
                valid_margins=valid_margins[index].astype(np.float64),
                train_accuracy=float(accuracy_S[index]),
                best_epoch=int(best.epoch_S[index]),
                train_loss=tuple(losses[index] for losses, _ in seen),
                valid_log_loss=tuple(values[index] for _, values in seen),
                ruled_out=int(best.ruled_out_S[index]) or None,
            )
        )
    return tuple(fits)
