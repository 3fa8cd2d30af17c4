"""The passes of a sweep, ranked on valid: the whole grid, or the few settings of a recheck and then perhaps a grid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.options import SelectionConfig
from evaluation.report.recheck_section import SettingCheck
from evaluation.selection import SettingOutcome, SweepRanking, rank_sweep
from models.options import SweepConfig, TrainConfig
from models.rows import Integers
from models.sweep import Fitted, Sweep, fit_sweep
from models.sweep_settings import Setting, sweep_settings
from models.task import Task
from models.training.loop import EpochReport
from pipeline.stages.artifacts.champion_setting import champion_check
from pipeline.stages.artifacts.sweep_files import sweep_outcomes
from pipeline.stages.train.champion_networks import Start
from pipeline.stages.train.sweep_race import Race

SweepProgress = Callable[[str, EpochReport, int], None]
"""Hears the name of a pass, an epoch of it, and how many epochs there are at most."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep is fitted on and ranked by.

    Attributes:
        task: labelled rows and the architecture.
        sweep: [sweep].
        training: [train], threads resolved.
        selection: [selection].
        merchant: codes of the rows of valid, < 0 for none [N]; None where the data has no merchants.
        posterior_floor: where the inverse of the loss goes on as a tail, for the fraud rate of the task.
        bins: of the ECE that is told of each setting.
    """

    task: Task
    sweep: SweepConfig
    training: TrainConfig
    selection: SelectionConfig
    merchant: Integers | None
    posterior_floor: float
    bins: int


@dataclass(frozen=True)
class Recheck:
    """The setting that the champion ships, and where networks begin that are to check it."""

    chosen: Setting
    start: Start


@dataclass(frozen=True)
class Swept:
    """A sweep, its outcomes on valid, their ranking, and what a recheck before it found, in words.

    `warm` says that its networks went on from the champion's.
    """

    sweep: Sweep
    outcomes: tuple[SettingOutcome, ...]
    ranking: SweepRanking
    findings: tuple[str, ...] = ()
    warm: bool = False


def whole_grid(plan: SweepPlan, *, progress: SweepProgress, fitted: Sweep | None = None, raced: bool = False) -> Swept:
    """Every setting from fresh weights, in one pass; what of them was fitted before is taken over.

    A race stops those on the way that valid has ruled out.
    """
    sweep = _fitted(plan, _grid(plan), name="sweep", progress=progress, fitted=fitted, raced=raced)
    return ranked(plan, sweep)


def recheck_sweep(plan: SweepPlan, recheck: Recheck, *, progress: SweepProgress) -> Sweep:
    """The champion's setting, its neighbours and ε = 0; networks that go on need fewer epochs and no repeats."""
    grid = plan.sweep if recheck.start.networks is None else plan.sweep.model_copy(update={"repeats": 1})
    return _fitted(plan, grid, name="recheck", progress=progress, recheck=recheck)


def ranked(plan: SweepPlan, sweep: Sweep) -> Swept:
    """A sweep with its settings ranked on valid."""
    outcomes = sweep_outcomes(sweep, floor=plan.posterior_floor)
    ranking = rank_sweep(
        plan.task.valid.label,
        outcomes,
        event_time=plan.task.valid.time,
        merchant=plan.merchant,
        folds=plan.selection.folds,
        auc_tolerance=plan.selection.auc_tolerance,
        bins=plan.bins,
    )
    return Swept(sweep, outcomes, ranking)


def race_finding(plan: SweepPlan, sweep: Sweep) -> tuple[str, ...]:
    """How many settings a race stopped and when, in words; nothing where every one went on to its end."""
    stopped = [fit.ruled_out for fit in sweep.fits if fit.ruled_out is not None]
    if not stopped:
        return ()
    when = f"{min(stopped)}" if min(stopped) == max(stopped) else f"{min(stopped)} to {max(stopped)}"
    return (
        f"this was a race: {len(stopped)} of {len(sweep.fits)} settings stopped after epoch {when} of "
        f"{plan.training.epochs}, because a paired interval on valid left them no way to be selected; their numbers "
        "are those of then",
    )


def checked_setting(plan: SweepPlan, few: Swept, *, run: Path) -> SettingCheck | None:
    """Whether the setting of the champion in a run folder still leads; None where the sweep did not try it."""
    return champion_check(run, plan.sweep, ranking=few.ranking)


def _grid(plan: SweepPlan) -> SweepConfig:
    return plan.sweep.model_copy(update={"mode": "full"})


def _fitted(
    plan: SweepPlan,
    grid: SweepConfig,
    *,
    name: str,
    progress: SweepProgress,
    fitted: Sweep | None = None,
    recheck: Recheck | None = None,
    raced: bool = False,
) -> Sweep:
    start = recheck.start.networks if recheck is not None else None
    config = plan.training
    if start is not None:
        config = config.model_copy(update={"epochs": grid.recheck_epochs})
    race = _race(plan, grid, fitted) if raced else None

    def after(fits: Sequence[Fitted], epoch: EpochReport) -> NDArray[np.bool_] | None:
        progress(name, epoch, config.epochs)
        # what has had its last epoch is finished, whatever a race would say of it
        return None if race is None or epoch.epoch == config.epochs else race(fits, epoch)

    return fit_sweep(
        plan.task,
        sweep=grid,
        config=config,
        chosen=recheck.chosen if recheck is not None else None,
        fitted=fitted,
        start=start,
        progress=after,
    )


def _race(plan: SweepPlan, grid: SweepConfig, fitted: Sweep | None) -> Race:
    return Race(
        plan.task,
        sweep_settings(grid, prevalence=plan.task.prevalence, kept=plan.training.legitimate_share),
        merchant=plan.merchant,
        folds=plan.selection.folds,
        posterior_floor=plan.posterior_floor,
        fitted=fitted,
    )
