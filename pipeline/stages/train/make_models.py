"""The sweep of the head, the booster on the shared embedding, and the baseline; settings ranked on valid.

What is fitted is returned by the other files of this folder; what of it is written, told and logged stands here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaluation.report.recheck_section import SettingCheck
from evaluation.report.smoothing_section import selection_remark
from evaluation.selection import SweepRanking
from evaluation.statistics.dependence import dependence
from evaluation.statistics.populations import JudgedRows
from features.encode import Encoder
from models.baseline import fit_logistic_baseline
from models.booster_inputs import plain_columns
from models.encoded_booster import Boosted, FitCalls, fit_boosted
from models.losses import tail_floor
from models.network import State
from models.options import TrainConfig
from models.shared_encoder import HeadNetwork, fresh_networks
from models.sweep import Sweep
from models.task import Task, labelled_task
from models.training.loop import EpochReport, configured_architecture
from pipeline.stages.artifacts.candidates import Head
from pipeline.stages.artifacts.champion_setting import champion_setting
from pipeline.stages.artifacts.encoder_blocks import EncoderBlocks, save_encoder_blocks
from pipeline.stages.artifacts.model_files import save_booster, save_heads
from pipeline.stages.artifacts.recipes import write_recipes
from pipeline.stages.artifacts.sweep_files import position, sweep_table, write_outcomes
from pipeline.stages.artifacts.train_report import SelectedSetting, TrainReport
from pipeline.stages.stage import StageContext
from pipeline.stages.train.champion_networks import Start, champion_networks
from pipeline.stages.train.distillation_teacher import teacher_probabilities
from pipeline.stages.train.encoder_forms import LeakStudy, leak_table
from pipeline.stages.train.recipe_fits import ablation_notes, fit_recipes, recipes
from pipeline.stages.train.sweep_and_rank import (
    Recheck,
    SweepPlan,
    SweepProgress,
    Swept,
    checked_setting,
    race_finding,
    ranked,
    recheck_sweep,
    whole_grid,
)
from pipeline.stages.train.sweep_log import log_sweep
from pipeline.stages.train.unsmoothed import NOT_FITTED, unsmoothed_evidence
from pipeline.stages.train.valid_merchants import merchant_codes
from pipeline.storage.atomic import write_bytes
from pipeline.storage.content import read_json, write_json, write_table


def make_models(context: StageContext) -> str:
    """Write the heads, the booster, the baseline, every setting's margins on valid, sweep.parquet and report.json."""
    config = context.config
    encoder = Encoder.from_dict(read_json(context.path("features", "encoder.json")))
    training = config.train.model_copy(update={"threads": context.threads})
    plan = _plan(context, encoder, training)
    task = plan.task
    swept = _swept(context, plan, encoder)
    heads = heads_of(swept.sweep, swept.ranking)
    _write_sweep(context, swept, heads, plan)
    head = HeadNetwork(heads["mlp"].state, heads["mlp"].loss)
    boosted = _boosted(context, task, head, encoder=encoder, training=training)
    if config.ablation.enabled:
        _write_ablation(context, plan, boosted)
    if config.ablation.encoder_leak:
        _write_leak_table(context, plan, head, encoder=encoder)
    baseline = fit_logistic_baseline(task.train, scaling=encoder.scaling, cardinalities=encoder.sizes)
    write_json(context.out / "logistic.json", baseline.to_dict())
    notes = ablation_notes(config.ablation, blocks=config.boosting.blocks) if config.ablation.enabled else ()
    trees = boosted.booster.best_round
    _report(context, swept, trees, notes=[*swept.sweep.notes, baseline.note, *notes])
    return f"{len(swept.sweep.settings)} settings, {swept.ranking.selected.text} selected; {trees} trees"


def heads_of(sweep: Sweep, ranking: SweepRanking) -> dict[str, Head]:
    """The networks that go on: the selected one, its ε = 0 twin, and the best ε > 0; one that is two is owned once."""
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


def _plan(context: StageContext, encoder: Encoder, training: TrainConfig) -> SweepPlan:
    config = context.config
    folds = {fold: context.features(fold) for fold in ("train", "valid")}
    train, valid = (encoder.apply(table) for table in folds.values())
    rows = int(np.isfinite(train.label).sum())
    architecture = configured_architecture(encoder.scaling, cardinalities=encoder.sizes, rows=rows, config=training)
    task = labelled_task(train, valid, architecture=architecture)
    return SweepPlan(
        task=task,
        sweep=config.sweep,
        training=training,
        selection=config.selection,
        merchant=merchant_codes(folds["valid"], labelled=np.isfinite(valid.label) & (valid.weight > 0)),
        posterior_floor=tail_floor(config.calibration.posterior_floor, prevalence=task.prevalence),
        bins=config.evaluation.bins,
    )


def _swept(context: StageContext, plan: SweepPlan, encoder: Encoder) -> Swept:
    """The sweep that counts, told pass by pass.

    With mode "recheck" and a champion at hand only a few settings are tried, and a race of the whole grid, from fresh
    weights, where they say that the optimum has moved.
    """
    progress = _sweep_progress(context)
    recheck = _recheck(context, encoder, plan)
    if recheck is None:
        whole = whole_grid(plan, progress=progress, raced=plan.sweep.mode == "race")
        _write_unsmoothed(context, whole.sweep, plan.task)
        return replace(whole, findings=race_finding(plan, whole.sweep))
    few = recheck_sweep(plan, recheck, progress=progress)
    _write_unsmoothed(context, few, plan.task)
    judged = ranked(plan, few)
    found = checked_setting(plan, judged, run=context.run)
    findings = (f"this was a recheck: {recheck.start.note}", *_check_findings(context, found))
    if found is None or not found.moved:
        return replace(judged, findings=findings, warm=recheck.start.networks is not None)
    fresh = few if recheck.start.networks is None else None
    whole = whole_grid(plan, progress=progress, fitted=fresh, raced=True)
    _write_unsmoothed(context, whole.sweep, plan.task)
    return replace(whole, findings=(*findings, *race_finding(plan, whole.sweep)))


def _sweep_progress(context: StageContext) -> SweepProgress:
    """Every epoch on the progress line and, as a metric, in tracking."""

    def tell(name: str, epoch: EpochReport, epochs: int) -> None:
        best = min(epoch.valid_log_loss)
        context.reporter.progress(
            epoch.epoch, epochs, f"{name}: epoch {epoch.epoch} of {epochs}, best valid log loss {best:.5f}"
        )
        context.log.metrics({f"{name}_best_valid_log_loss": best}, step=epoch.epoch)

    return tell


def _recheck(context: StageContext, encoder: Encoder, plan: SweepPlan) -> Recheck | None:
    """What is to be checked again; where it begins is told, because it decides what fits can be compared with."""
    chosen = champion_setting(context.run, plan.sweep) if plan.sweep.mode == "recheck" else None
    if chosen is None:
        return None
    if plan.sweep.recheck_epochs == 0:
        start = Start(None, "it began with fresh weights: sweep.recheck_epochs is 0")
    else:
        starts = {name: fold.start for name, fold in context.features_report.folds.items()}
        architecture = plan.task.architecture
        start = champion_networks(context.run, encoder=encoder, architecture=architecture, fold_starts=starts)
    context.reporter.say(f"    recheck of the champion's setting: {start.note}")
    context.log.tags({"harbor.start": "champion" if start.networks is not None else "fresh"})
    return Recheck(chosen, start)


def _check_findings(context: StageContext, found: SettingCheck | None) -> tuple[str, ...]:
    """What the check found, for the report; told on the way."""
    if found is None:
        return ()
    context.reporter.say(f"    {found.sentence}")
    context.log.metrics({"recheck_moved": float(found.moved)})
    return (found.sentence.rstrip("."),)


def _write_unsmoothed(context: StageContext, sweep: Sweep, task: Task) -> None:
    evidence = unsmoothed_evidence(sweep, task.valid.label, bins=context.config.evaluation.bins)
    if evidence is None:
        context.reporter.say(f"    {NOT_FITTED}")
        return
    write_bytes(context.out / "unsmoothed" / "reliability.png", evidence.png)
    write_json(context.out / "unsmoothed" / "valid.json", evidence.section)
    context.log.metrics(evidence.metrics)
    context.log.artifact("train/unsmoothed/reliability.png", folder="unsmoothed")
    context.log.artifact("train/unsmoothed/valid.json", folder="unsmoothed")
    context.reporter.say(f"    {evidence.line}")


def _write_sweep(context: StageContext, swept: Swept, heads: Mapping[str, Head], plan: SweepPlan) -> None:
    valid = plan.task.valid
    save_heads(context.out, heads)
    write_outcomes(context.out, swept.sweep, labels=valid.label, event_time=valid.time, merchant=plan.merchant)
    write_table(context.out / "sweep.parquet", sweep_table(swept.ranking, swept.sweep))
    log_sweep(context.log, swept.ranking, swept.outcomes, labels=valid.label, bins=plan.bins)


def _boosted(
    context: StageContext, task: Task, head: HeadNetwork, *, encoder: Encoder, training: TrainConfig
) -> Boosted:
    boosting, told = context.config.boosting, f"booster ({context.config.boosting.embedding})"
    context.reporter.progress(0, None, told)
    plain = plain_columns(encoder.numeric, encoder.categorical, encoder.sizes, limit=boosting.one_hot)
    fresh, blocks = fresh_networks(task, loss=head.loss, config=training), EncoderBlocks(head.loss)

    def kept_network(border: int) -> State:
        context.reporter.progress(0, None, f"{told}: its encoder, network {len(blocks.networks) + 1}")
        blocks.networks[border] = fresh(border)
        return blocks.networks[border]

    def tell(number: int, rounds: int) -> None:
        context.reporter.progress(number, rounds, f"{told}: round {number} of at most {rounds}")

    calls = FitCalls(kept_network, tell)
    boosted = fit_boosted(task, head=head, plain=plain, boosting=boosting, training=training, calls=calls)
    save_booster(context.out, boosted.booster, boosted.inputs)
    save_encoder_blocks(context.out, blocks)
    return boosted


def _write_ablation(context: StageContext, plan: SweepPlan, boosted: Boosted) -> None:
    """Train every technique alone and in pairs on the sweep's own network and batches."""
    config, task, training = context.config, plan.task, plan.training
    arms = recipes(
        config.ablation,
        prevalence=task.prevalence,
        smoothings=config.sweep.smoothing,
        kept=training.legitimate_share,
    )
    context.reporter.progress(0, None, "teacher of distillation")
    teacher = teacher_probabilities(
        task, boosted, boosting=config.boosting, training=training, floor=plan.posterior_floor
    )
    states = fit_recipes(
        task,
        arms=arms,
        config=training,
        ablation=config.ablation,
        teacher=teacher,
        progress=lambda epoch: context.reporter.progress(epoch.epoch, training.epochs, "ablation"),
    )
    write_recipes(context.out, arms, states)


def _write_leak_table(context: StageContext, plan: SweepPlan, head: HeadNetwork, *, encoder: Encoder) -> None:
    """Write encoder_leak.json: the booster with every form of the shared encoder."""
    config = context.config
    study = LeakStudy(
        encoder=encoder,
        loss=head.loss,
        forms=config.ablation.forms,
        planted_values=config.ablation.planted_values,
        training=plan.training,
        boosting=config.boosting,
        calibration=config.calibration,
    )
    valid, merchant = plan.task.valid, plan.merchant
    label = valid.label.astype(np.float64)
    codes = None if merchant is None else merchant.astype(np.int64)
    rows = JudgedRows(label, valid.time, np.ones(label.size), merchant=codes)
    table = leak_table(
        plan.task,
        study=study,
        clusters=dependence(rows, by="auto", fewest=config.evaluation.min_clusters),
        bootstrap=config.evaluation.bootstrap(),
        tell=lambda what: context.reporter.progress(0, None, what),
    )
    write_json(context.out / "encoder_leak.json", table.to_dict())
    context.log.artifact("train/encoder_leak.json")
    for line in table.lines:
        context.reporter.say(f"    {line}")


def _report(context: StageContext, swept: Swept, trees: int, *, notes: Sequence[str]) -> None:
    sweep, selected = swept.sweep, swept.ranking.selected
    smallest = swept.ranking.smallest_mean
    warnings = [note for note in notes if note]
    for warning in warnings:
        context.reporter.warn(warning)
    report = TrainReport(
        prevalence=sweep.prevalence,
        selected=SelectedSetting(smoothing=selected.smoothing, class_weight=selected.class_weight),
        rule=swept.ranking.rule,
        smallest_mean=SelectedSetting(smoothing=smallest.smoothing, class_weight=smallest.class_weight),
        remark=selection_remark(swept.ranking),
        trees=trees,
        notes=(*warnings, *swept.findings),
        warm=swept.warm,
    )
    context.report(report.to_dict())
    context.log.artifact("train/sweep.parquet")
    context.log.artifact("train/report.json")
