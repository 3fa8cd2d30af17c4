"""The sweep of a run: the whole grid, or a recheck that goes on from the champion, and the grid where it moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from evaluation.render.figures import unsmoothed_picture
from evaluation.report.recheck_section import SettingCheck
from evaluation.report.reliability_tables import unsmoothed_section
from evaluation.selection import SweepRanking, rank_sweep
from features.encode import Encoder, Matrix
from models.network import Architecture
from models.sweep import Setting, Sweep, SweepConfig, fit_sweep
from models.training.loop import EpochReport, TrainConfig, configured_architecture
from models.training.warm_start import WarmStart
from pipeline.process.hardware import cpu_threads
from pipeline.stages.artifacts.champion_setting import champion_check, champion_setting
from pipeline.stages.artifacts.sweep_files import sweep_outcomes
from pipeline.stages.stage import StageContext
from pipeline.stages.train.champion_networks import Start, champion_networks
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import write_json


@dataclass(frozen=True)
class Swept:
    """The sweep that counts, its ranking, and what a recheck had to say: where it began, and what it found."""

    sweep: Sweep
    ranking: SweepRanking
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Folds:
    train: Matrix
    valid: Matrix
    architecture: Architecture

    @property
    def judged(self) -> Matrix:
        """The labelled rows of valid."""
        return self.valid.rows(np.isfinite(self.valid.label))


def swept_and_ranked(context: StageContext, encoder: Encoder, train: Matrix, valid: Matrix) -> Swept:
    """Fit the settings and rank them on valid; the evidence without smoothing is written on the way.

    With mode "recheck" and a champion at hand only a few settings are tried, and the whole grid, from fresh weights,
    where they say that the optimum has moved.
    """
    config = context.config
    rows = int(np.isfinite(train.label).sum())
    architecture = configured_architecture(encoder.scaling, cardinalities=encoder.sizes, rows=rows, config=config.train)
    folds = _Folds(train, valid, architecture)
    chosen = champion_setting(context.run, config.sweep) if config.sweep.mode == "recheck" else None
    if chosen is None:
        return _whole_grid(context, folds)
    start = _start(context, encoder, architecture)
    sweep = _fitted(context, folds, config.sweep, chosen=chosen, start=start.networks)
    _log_unsmoothed(context, sweep, folds.judged)
    ranking = _ranked(context, sweep, folds.judged)
    found = _rechecked(context, ranking, sweep, folds.judged)
    findings = (f"this was a recheck: {start.note}", *([] if found is None else [found.sentence.rstrip(".")]))
    if found is None or not found.moved:
        return Swept(sweep, ranking, findings)
    whole = _whole_grid(context, folds, fitted=sweep if start.networks is None else None)
    return Swept(whole.sweep, whole.ranking, findings)


def _whole_grid(context: StageContext, folds: _Folds, *, fitted: Sweep | None = None) -> Swept:
    """Every setting from fresh weights; what was fitted from them before is taken over."""
    grid = context.config.sweep.model_copy(update={"mode": "full"})
    if fitted is None:
        unsmoothed = grid.model_copy(update={"smoothing": (0.0,)})
        fitted = _fitted(context, folds, unsmoothed)
        _log_unsmoothed(context, fitted, folds.judged)
    sweep = _fitted(context, folds, grid, fitted=fitted)
    return Swept(sweep, _ranked(context, sweep, folds.judged))


def _start(context: StageContext, encoder: Encoder, architecture: Architecture) -> Start:
    """Where a recheck begins; told, because it decides what the fits can be compared with."""
    if context.config.sweep.recheck_epochs == 0:
        start = Start(None, "it began with fresh weights: sweep.recheck_epochs is 0")
    else:
        starts = {name: fold.start for name, fold in context.features_report.folds.items()}
        start = champion_networks(context.run, encoder=encoder, architecture=architecture, fold_starts=starts)
    context.reporter.say(f"    recheck of the champion's setting: {start.note}")
    context.log.tags({"harbor.start": "champion" if start.networks is not None else "fresh"})
    return start


def _fitted(
    context: StageContext,
    folds: _Folds,
    grid: SweepConfig,
    *,
    chosen: Setting | None = None,
    fitted: Sweep | None = None,
    start: WarmStart | None = None,
) -> Sweep:
    name = "ε = 0" if grid.smoothing == (0.0,) else "recheck" if chosen is not None else "sweep"
    config = _training(context, warm=start is not None)

    def tell(epoch: EpochReport) -> None:
        best = min(epoch.valid_log_loss)
        context.reporter.progress(
            epoch.epoch, config.epochs, f"{name}: epoch {epoch.epoch}, best valid log loss {best:.5f}"
        )
        key = {"ε = 0": "unsmoothed"}.get(name, name)
        context.log.metrics({f"{key}_best_valid_log_loss": best}, step=epoch.epoch)

    return fit_sweep(
        folds.train,
        folds.valid,
        architecture=folds.architecture,
        sweep=grid if start is None else grid.model_copy(update={"repeats": 1}),
        config=config,
        chosen=chosen,
        fitted=fitted,
        start=start,
        progress=tell,
    )


def _training(context: StageContext, *, warm: bool) -> TrainConfig:
    """[train] for this machine; networks that go on from the champion's need fewer epochs."""
    config = context.config
    changes: dict[str, Any] = {"threads": cpu_threads(config.train.threads)}
    if warm:
        changes |= {"epochs": config.sweep.recheck_epochs}
    return config.train.model_copy(update=changes)


def _rechecked(context: StageContext, ranking: SweepRanking, sweep: Sweep, valid: Matrix) -> SettingCheck | None:
    config = context.config
    found = champion_check(
        context.run,
        config.sweep,
        labels=valid.label.astype(np.float64),
        event_time=valid.time,
        outcomes=sweep_outcomes(sweep, floor=config.calibration.posterior_floor),
        ranking=ranking,
        folds=config.selection.folds,
    )
    if found is not None:
        context.reporter.say(f"    {found.sentence}")
        context.log.metrics({"recheck_moved": float(found.moved)})
    return found


def _log_unsmoothed(context: StageContext, sweep: Sweep, valid: Matrix) -> None:
    """The evidence the guide asks for first: reliability, Brier and ECE of ε = 0 on valid, before any smoothing."""
    section: Mapping[str, Any] = unsmoothed_section(
        valid.label.astype(np.float64), expit(sweep.fits[0].valid_margins), bins=context.config.evaluation.bins
    )
    picture = unsmoothed_picture(section)
    write_bytes(context.out / "unsmoothed" / "reliability.png", picture.png)
    write_json(context.out / "unsmoothed" / "valid.json", section)
    context.log.metrics({f"unsmoothed_valid_{name}": section[name] for name in ("brier", "ece", "log_loss")})
    context.log.artifact("train/unsmoothed/reliability.png", folder="unsmoothed")
    context.log.artifact("train/unsmoothed/valid.json", folder="unsmoothed")
    context.reporter.say(
        f"    ε = 0 on valid, before the sweep: Brier {section['brier']:.5f}, ECE {section['ece']:.5f}"
    )


def _ranked(context: StageContext, sweep: Sweep, valid: Matrix) -> SweepRanking:
    return rank_sweep(
        valid.label,
        sweep_outcomes(sweep, floor=context.config.calibration.posterior_floor),
        event_time=valid.time,
        folds=context.config.selection.folds,
        auc_tolerance=context.config.selection.auc_tolerance,
    )
