"""The passes of a sweep, ranked on valid: ε = 0 first, then the whole grid; or the few settings of a recheck."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evaluation.options import SelectionConfig
from evaluation.report.recheck_section import SettingCheck
from evaluation.selection import SettingOutcome, SweepRanking, rank_sweep
from models.options import SweepConfig, TrainConfig
from models.rows import Integers
from models.sweep import Sweep, fit_sweep
from models.sweep_settings import Setting
from models.task import Task
from models.training.loop import EpochReport
from pipeline.stages.artifacts.champion_setting import champion_check
from pipeline.stages.artifacts.sweep_files import sweep_outcomes
from pipeline.stages.train.champion_networks import Start

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


def unsmoothed_sweep(plan: SweepPlan, *, progress: SweepProgress) -> Sweep:
    """The settings of the grid with ε = 0 alone, from fresh weights: the evidence before the sweep."""
    grid = _grid(plan).model_copy(update={"smoothing": (0.0,)})
    return _fitted(plan, grid, name="ε = 0", progress=progress)


def whole_grid(plan: SweepPlan, unsmoothed: Sweep, *, progress: SweepProgress) -> Swept:
    """Every setting from fresh weights; what was fitted from them before is taken over."""
    return ranked(plan, _fitted(plan, _grid(plan), name="sweep", progress=progress, fitted=unsmoothed))


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
) -> Sweep:
    start = recheck.start.networks if recheck is not None else None
    config = plan.training
    if start is not None:
        config = config.model_copy(update={"epochs": grid.recheck_epochs})
    return fit_sweep(
        plan.task,
        sweep=grid,
        config=config,
        chosen=recheck.chosen if recheck is not None else None,
        fitted=fitted,
        start=start,
        progress=lambda epoch: progress(name, epoch, config.epochs),
    )
