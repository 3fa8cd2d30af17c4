"""The (class weight × smoothing × repeat) grid, fitted in one pass and returned as a frozen result."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.losses import LossSettings
from models.network import Architecture
from models.options import SweepConfig, TrainConfig
from models.sweep_settings import Setting, sweep_settings
from models.task import Task
from models.training.loop import EpochReport, Fit, fit_networks
from models.training.warm_start import WarmStart

FEW_ROWS = 500
MUCH_SMOOTHING = 0.05
MUCH_MIXUP = 0.4

Fitted = tuple[LossSettings, int]
"""The loss that was minimised, and the repeat."""

SweepProgress = Callable[[Sequence[Fitted], EpochReport], NDArray[np.bool_] | None]
"""Hears of each epoch and of what is being fitted [S], and may say what needs no further one [S]."""


@dataclass(frozen=True)
class Sweep:
    """Every setting beside its fit, in the order of the grid.

    Attributes:
        architecture: shared by all.
        prevalence: fraud rate π of train, from which the class weights were made.
        settings: what was asked.
        fits: what came of it, one a setting.
        notes: what a reader must be told, in words.
    """

    architecture: Architecture
    prevalence: float
    settings: tuple[Setting, ...]
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]

    def twin(self, index: int) -> int:
        """Position of the same setting at ε = 0.

        Raises:
            ValueError: the sweep has none.
        """
        wanted = self.settings[index]
        for position, other in enumerate(self.settings):
            same = (other.class_weight, other.repeat, other.loss.gamma) == (
                wanted.class_weight,
                wanted.repeat,
                wanted.loss.gamma,
            )
            if same and other.loss.epsilon == 0 and other.loss.weighting == wanted.loss.weighting:
                return position
        raise ValueError(
            f"the sweep must hold ε = 0 beside every setting, got none with class weight {wanted.class_weight}"
        )


def fit_sweep(
    task: Task,
    *,
    sweep: SweepConfig,
    config: TrainConfig,
    chosen: Setting | None = None,
    fitted: Sweep | None = None,
    start: WarmStart | None = None,
    progress: SweepProgress | None = None,
) -> Sweep:
    """Fits every setting of the grid at once; which of them is best is for the reader of the result to say.

    Args:
        task: labelled rows; valid margins are of those of valid, in order.
        sweep: [sweep].
        config: [train].
        chosen: what an earlier run chose, for mode "recheck".
        fitted: a sweep of other settings on the same rows, whose fits are taken over instead of made again: settings
            do not touch one another, so a grid in two passes is the grid in one.
        start: networks to go on from instead of fresh weights; all repeats then begin alike.
        progress: called after each epoch; what it returns stops settings before their own end.

    Raises:
        InputError: a code outside its vocabulary.
        ValueError: a sweep of other rows or another architecture to take fits from.
    """
    settings = sweep_settings(sweep, prevalence=task.prevalence, kept=config.legitimate_share, chosen=chosen)
    fits = _fits_of(fitted, task) if fitted is not None else {}
    missing = [each for each in dict.fromkeys(setting.fitted_as for setting in settings) if each not in fits]
    fits = {**fits, **_new_fits(task, missing, config=config, start=start, progress=progress)}
    notes = sweep_notes(settings, rows=len(task.train.label), mixup=config.mixup)
    if chosen is None:
        notes = (*notes, *_joint_note(settings))
    in_order = tuple(fits[setting.fitted_as] for setting in settings)
    return Sweep(task.architecture, task.prevalence, settings, in_order, notes)


def sweep_notes(settings: Sequence[Setting], *, rows: int, mixup: float) -> tuple[str, ...]:
    """What should make a reader careful: smoothing on few rows, smoothing twice."""
    largest = max(each.loss.epsilon for each in settings)
    notes = []
    if rows < FEW_ROWS and largest > MUCH_SMOOTHING:
        notes.append(
            f"label smoothing up to {largest:g} on {rows} training rows: below {FEW_ROWS} rows an ε above "
            f"{MUCH_SMOOTHING} can hide what little signal there is"
        )
    return (*notes, *smoothed_twice(mixup=mixup, smoothing=largest))


def smoothed_twice(*, mixup: float, smoothing: float) -> tuple[str, ...]:
    """The note for mixup so strong that label smoothing beside it softens targets a second time."""
    if mixup < MUCH_MIXUP or smoothing == 0:
        return ()
    return (f"mixup with α = {mixup:g} already softens targets: with ε up to {smoothing:g} they are smoothed twice",)


def _new_fits(
    task: Task,
    wanted: Sequence[Fitted],
    *,
    config: TrainConfig,
    start: WarmStart | None,
    progress: SweepProgress | None,
) -> Mapping[Fitted, Fit]:
    if not wanted:
        return {}
    losses, repeats = [loss for loss, _ in wanted], [repeat for _, repeat in wanted]
    before = None if start is None else [start.of(loss) for loss in losses]
    fits = fit_networks(
        task,
        settings=losses,
        repeats=repeats,
        config=config,
        start=before,
        progress=None if progress is None else functools.partial(progress, wanted),
    )
    return dict(zip(wanted, fits, strict=True))


def _fits_of(fitted: Sweep, task: Task) -> Mapping[Fitted, Fit]:
    """The fits of an earlier sweep of the same task."""
    if fitted.architecture != task.architecture or fitted.prevalence != task.prevalence:
        same = "the same" if fitted.architecture == task.architecture else "another"
        raise ValueError(
            f"fits can be taken from a sweep of the same architecture and train fold only, got {same} architecture and "
            f"a fraud rate of {fitted.prevalence:.6g} instead of {task.prevalence:.6g}"
        )
    return {setting.fitted_as: fit for setting, fit in zip(fitted.settings, fitted.fits, strict=True)}


def _joint_note(settings: Sequence[Setting]) -> tuple[str, ...]:
    """Class weights move the best ε and ε moves the best weights, so that one alone finds the best of neither."""
    grid = [each for each in settings if not each.guide]
    weights, smoothings = {each.class_weight for each in grid}, {each.loss.epsilon for each in grid}
    if len(weights) > 1 or len(smoothings) == 1:
        return ()
    return (
        f"smoothing was tried with one class weight ({weights.pop()}) only: the two move one another's optimum, so "
        "sweep.class_weight should name several",
    )
