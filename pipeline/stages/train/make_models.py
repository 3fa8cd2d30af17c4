"""The sweep of the head, the booster on the shared embedding, and the baseline; settings ranked on valid."""

import numpy as np
from scipy.special import expit

from evaluation.selection import SweepRanking
from features.encode import Encoder, Matrix
from models.baseline import fit_logistic_baseline
from models.encoded_booster import fit_boosted
from models.network import Architecture
from models.rows import labelled_rows
from models.sweep import Sweep
from models.training.loop import TrainConfig
from pipeline.stages.artifacts.candidates import Head
from pipeline.stages.artifacts.model_files import save_booster, save_heads
from pipeline.stages.artifacts.recipes import write_recipes
from pipeline.stages.artifacts.sweep_files import position, sweep_outcomes, sweep_table, write_outcomes
from pipeline.stages.artifacts.train_report import SelectedSetting, TrainReport
from pipeline.stages.stage import StageContext
from pipeline.stages.train.encoder_forms import LeakStudy, write_leak_table
from pipeline.stages.train.recipe_fits import ablation_notes, fit_recipes, recipes
from pipeline.stages.train.sweep_and_rank import Swept, swept_and_ranked
from pipeline.stages.train.sweep_log import log_sweep
from pipeline.storage.content import read_json, write_json, write_table


def make_models(context: StageContext) -> str:
    """Write the heads, the booster, the baseline, every setting's margins on valid, sweep.parquet and report.json."""
    encoder = Encoder.from_dict(read_json(context.path("features", "encoder.json")))
    train, valid = (encoder.apply(context.features(fold)) for fold in ("train", "valid"))
    judged = valid.rows(np.isfinite(valid.label))
    swept = swept_and_ranked(context, encoder, train, valid)
    sweep, ranking = swept.sweep, swept.ranking
    heads = _heads(sweep, ranking)
    save_heads(context.out, heads)
    write_outcomes(context.out, sweep, labels=judged.label, event_time=judged.time)
    write_table(context.out / "sweep.parquet", sweep_table(ranking, sweep))
    outcomes = sweep_outcomes(sweep, floor=context.config.calibration.posterior_floor)
    log_sweep(context.log, ranking, outcomes, labels=judged.label)
    trees, teacher = _boosted(context, encoder, train, valid, sweep.architecture, heads["mlp"])
    if context.config.ablation.enabled:
        _ablated(context, sweep, train, valid, teacher)
    if context.config.ablation.encoder_leak:
        _compared_encoders(context, encoder, train, valid, heads["mlp"])
    baseline = fit_logistic_baseline(train, scaling=encoder.scaling, cardinalities=encoder.sizes)
    write_json(context.out / "logistic.json", baseline.to_dict())
    warnings = ablation_notes(context.config.ablation) if context.config.ablation.enabled else ()
    _report(context, swept, trees, baseline.note, *warnings)
    return f"{len(sweep.settings)} settings, {ranking.selected.text} selected; {trees} trees"


def _heads(sweep: Sweep, ranking: SweepRanking) -> dict[str, Head]:
    """The networks that go on: the selected one, its ε = 0 twin, and the best ε > 0."""
    wanted = {"mlp": ranking.selected, "mlp_unsmoothed": ranking.unsmoothed, "mlp_smoothed": ranking.smoothed}
    heads: dict[str, Head] = {}
    owners: dict[int, str] = {}
    for name, setting in wanted.items():
        if setting is not None:
            place = position(sweep, setting)
            chosen = sweep.settings[place]
            owner = owners.setdefault(place, name)
            heads[name] = Head(owner, sweep.fits[place].state, chosen.loss, chosen.class_weight)
    return heads


def _boosted(
    context: StageContext, encoder: Encoder, train: Matrix, valid: Matrix, architecture: Architecture, head: Head
) -> tuple[int, np.ndarray]:
    """Fit the booster on features and the shared encoder's word on them; its trees and its P(fraud) on train."""
    config = context.config
    context.reporter.progress(0, 1, f"booster ({config.boosting.embedding})")
    boosted = fit_boosted(
        labelled_rows(train, name="train"),
        labelled_rows(valid, name="valid"),
        head=head.state,
        loss=head.loss,
        architecture=architecture,
        numeric=encoder.numeric,
        boosting=config.boosting,
        training=_training(context),
        floor=config.calibration.posterior_floor,
    )
    save_booster(context.out, boosted.booster, boosted.encoder)
    return boosted.booster.best_round, expit(boosted.train_log_odds)


def _ablated(context: StageContext, sweep: Sweep, train: Matrix, valid: Matrix, teacher: np.ndarray) -> None:
    """Train every technique alone and in pairs on the sweep's own network and batches."""
    config = context.config
    arms = recipes(config.ablation, prevalence=sweep.prevalence, smoothings=config.sweep.smoothing)
    states = fit_recipes(
        labelled_rows(train, name="train"),
        labelled_rows(valid, name="valid"),
        arms=arms,
        architecture=sweep.architecture,
        config=_training(context),
        ablation=config.ablation,
        teacher=teacher,
        progress=lambda epoch: context.reporter.progress(epoch.epoch, config.train.epochs, "ablation"),
    )
    write_recipes(context.out, arms, states)


def _compared_encoders(context: StageContext, encoder: Encoder, train: Matrix, valid: Matrix, head: Head) -> None:
    """Fit the booster with every form of the shared encoder."""
    config = context.config
    study = LeakStudy(
        encoder=encoder,
        loss=head.loss,
        forms=config.ablation.forms,
        planted_values=config.ablation.planted_values,
        training=_training(context),
        boosting=config.boosting,
        calibration=config.calibration,
    )
    rows = (labelled_rows(train, name="train"), labelled_rows(valid, name="valid"))
    write_leak_table(context, *rows, study=study)


def _training(context: StageContext) -> TrainConfig:
    """[train] with the threads of this machine."""
    config = context.config.train
    return config.model_copy(update={"threads": context.threads})


def _report(context: StageContext, swept: Swept, trees: int, *notes: str) -> None:
    sweep, ranking = swept.sweep, swept.ranking
    warnings = [*sweep.notes, *(note for note in notes if note)]
    for warning in warnings:
        context.reporter.warn(warning)
    selected = SelectedSetting(smoothing=ranking.selected.smoothing, class_weight=ranking.selected.class_weight)
    report = TrainReport(
        prevalence=sweep.prevalence,
        selected=selected,
        rule=ranking.rule,
        trees=trees,
        notes=(*warnings, *swept.findings),
    )
    context.report(report.to_dict())
    context.log.artifact("train/sweep.parquet")
    context.log.artifact("train/report.json")
