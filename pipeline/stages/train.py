"""The sweep of the head, the booster on the shared embedding, and the baseline; settings ranked on valid."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import expit

from evaluation.recheck import SettingCheck
from evaluation.render import unsmoothed_picture
from evaluation.sections import unsmoothed_section
from evaluation.selection import SweepRanking, rank_sweep
from features.encode import Encoder, Matrix
from models.baseline import fit_logistic_baseline
from models.boosting import LabelledMatrix, fit_booster
from models.network import Architecture
from models.rows import RowArrays, labelled_rows
from models.shared_encoder import fit_shared_encoder
from models.sweep import Setting, Sweep, SweepConfig, fit_sweep
from models.training import EpochReport, configured_architecture
from pipeline.ablation import fit_recipes, recipes, write_recipes
from pipeline.candidates import Head, save_booster, save_heads
from pipeline.files import read_json, write_bytes, write_json, write_table
from pipeline.hardware import cpu_threads
from pipeline.recheck import champion_check, champion_setting
from pipeline.stage import StageContext
from pipeline.sweep_log import log_sweep
from pipeline.sweep_outcomes import position, sweep_outcomes, sweep_table, write_outcomes


def make_models(context: StageContext) -> str:
    """Write the heads, the booster, the baseline, every setting's margins on valid, sweep.parquet and report.json."""
    encoder = Encoder.from_dict(read_json(context.path("features", "encoder.json")))
    train, valid = (encoder.apply(context.features(fold)) for fold in ("train", "valid"))
    judged = valid.rows(np.isfinite(valid.label))
    chosen = _setting_in_use(context)
    before = _swept(context, encoder, train, valid, grid=_unsmoothed(context.config.sweep, chosen), chosen=chosen)
    _log_unsmoothed(context, before, judged)
    sweep = _swept(context, encoder, train, valid, grid=context.config.sweep, chosen=chosen, fitted=before)
    ranking = _ranked(context, sweep, judged)
    found = _rechecked(context, ranking, sweep, judged) if chosen is not None else None
    if found is not None and found.moved:
        full = context.config.sweep.model_copy(update={"mode": "full"})
        sweep = _swept(context, encoder, train, valid, grid=full, fitted=sweep)
        ranking = _ranked(context, sweep, judged)
    heads = _heads(sweep, ranking)
    save_heads(context.out, heads)
    write_outcomes(context.out, sweep, labels=judged.label, event_time=judged.time)
    write_table(context.out / "sweep.parquet", sweep_table(ranking, sweep))
    outcomes = sweep_outcomes(sweep, floor=context.config.calibration.posterior_floor)
    log_sweep(context.log, ranking, outcomes, labels=judged.label)
    trees, teacher = _boosted(context, encoder, train, valid, sweep.architecture, heads["mlp"])
    if context.config.ablation.enabled:
        _ablated(context, sweep, train, valid, teacher)
    baseline = fit_logistic_baseline(train, scaling=encoder.scaling, cardinalities=encoder.sizes)
    write_json(context.out / "logistic.json", baseline.to_dict())
    _report(context, sweep, ranking, trees, baseline.note, *([] if found is None else [found.sentence.rstrip(".")]))
    return f"{len(sweep.settings)} settings, {ranking.selected.text} selected; {trees} trees"


def _swept(
    context: StageContext,
    encoder: Encoder,
    train: Matrix,
    valid: Matrix,
    *,
    grid: SweepConfig,
    chosen: Setting | None = None,
    fitted: Sweep | None = None,
) -> Sweep:
    config = context.config
    only_unsmoothed = grid.smoothing == (0.0,)
    name = "ε = 0" if only_unsmoothed else "sweep"

    def tell(epoch: EpochReport) -> None:
        note = f"{name}: epoch {epoch.epoch}, best valid log loss {min(epoch.valid_log_loss):.5f}"
        context.reporter.progress(epoch.epoch, config.train.epochs, note)
        context.log.metrics(
            {f"{'unsmoothed' if only_unsmoothed else 'sweep'}_best_valid_log_loss": min(epoch.valid_log_loss)},
            step=epoch.epoch,
        )

    labelled = int(np.isfinite(train.label).sum())
    architecture = configured_architecture(
        encoder.scaling, cardinalities=encoder.sizes, rows=labelled, config=config.train
    )
    threads = config.train.model_copy(update={"threads": cpu_threads(config.train.threads)})
    if only_unsmoothed and chosen is not None:
        chosen = replace(chosen, loss=replace(chosen.loss, smoothing=0.0))
    return fit_sweep(
        train,
        valid,
        architecture=architecture,
        sweep=grid,
        config=threads,
        chosen=chosen,
        fitted=fitted,
        progress=tell,
    )


def _setting_in_use(context: StageContext) -> Setting | None:
    """The champion's setting, where the sweep is to check it again instead of trying everything."""
    config = context.config.sweep
    return champion_setting(context.run, config) if config.mode == "recheck" else None


def _unsmoothed(config: SweepConfig, chosen: Setting | None) -> SweepConfig:
    """What is fitted before any smoothing: every class weight, or in a recheck the one in use."""
    names = config.class_weight if chosen is None else (chosen.class_weight,)
    return config.model_copy(update={"smoothing": (0.0,), "class_weight": names})


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
    section = unsmoothed_section(
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


def _heads(sweep: Sweep, ranking: SweepRanking) -> dict[str, Head]:
    """The networks that go on: the selected one, its ε = 0 twin, and the best ε > 0."""
    wanted = {"mlp": ranking.selected, "mlp_unsmoothed": ranking.unsmoothed, "mlp_smoothed": ranking.smoothed}
    heads = {}
    for name, setting in wanted.items():
        if setting is not None:
            place = position(sweep, setting)
            chosen = sweep.settings[place]
            heads[name] = Head(sweep.fits[place].state, chosen.loss, chosen.class_weight)
    return heads


def _boosted(
    context: StageContext, encoder: Encoder, train: Matrix, valid: Matrix, architecture: Architecture, head: Head
) -> tuple[int, np.ndarray]:
    """Fit the booster on features and the shared encoder's word on them; its trees and its P(fraud) on train."""
    config = context.config
    learned, judged = labelled_rows(train, name="train"), labelled_rows(valid, name="valid")
    context.reporter.progress(0, 1, f"shared encoder for the booster ({config.boosting.embedding})")
    threads = cpu_threads(config.train.threads)
    encoded = fit_shared_encoder(
        learned,
        judged,
        head=head.state,
        architecture=architecture,
        loss=head.loss,
        config=config.train.model_copy(update={"threads": threads}),
        boosting=config.boosting,
    )
    context.reporter.progress(0, 1, "booster")
    whole = _labelled_matrix(learned, encoded.columns)
    booster = fit_booster(
        _labelled_matrix(learned, encoded.columns, encoded.kept),
        _labelled_matrix(judged, encoded.encoder.columns(judged)),
        columns=(*encoder.numeric, *encoded.encoder.names),
        config=config.boosting,
        seed=config.train.seed,
        threads=threads,
    )
    save_booster(context.out, booster, encoded.encoder)
    return booster.best_round, expit(booster.margins(whole.matrix, threads=threads))


def _ablated(context: StageContext, sweep: Sweep, train: Matrix, valid: Matrix, teacher: np.ndarray) -> None:
    """Train every technique alone and in pairs on the sweep's own network and batches."""
    config = context.config
    arms = recipes(config.ablation, prevalence=sweep.prevalence, smoothings=config.sweep.smoothing)
    states = fit_recipes(
        labelled_rows(train, name="train"),
        labelled_rows(valid, name="valid"),
        arms=arms,
        architecture=sweep.architecture,
        config=config.train.model_copy(update={"threads": cpu_threads(config.train.threads)}),
        ablation=config.ablation,
        teacher=teacher,
        progress=lambda epoch: context.reporter.progress(epoch.epoch, config.train.epochs, "ablation"),
    )
    write_recipes(context.out, arms, states)


def _labelled_matrix(rows: RowArrays, columns: np.ndarray, kept: np.ndarray | None = None) -> LabelledMatrix:
    matrix = np.concatenate([rows.numeric, columns], axis=1)
    whole = LabelledMatrix(matrix, rows.label, rows.weight)
    return whole if kept is None or kept.all() else LabelledMatrix(matrix[kept], rows.label[kept], rows.weight[kept])


def _report(context: StageContext, sweep: Sweep, ranking: SweepRanking, trees: int, *notes: str) -> None:
    said: Sequence[str] = [*sweep.notes, *(note for note in notes if note)]
    for note in said:
        context.reporter.warn(note)
    context.report(
        {
            "prevalence": sweep.prevalence,
            "selected": {"smoothing": ranking.selected.smoothing, "class_weight": ranking.selected.class_weight},
            "rule": ranking.rule,
            "trees": trees,
            "notes": said,
        }
    )
    context.log.artifact("train/sweep.parquet")
    context.log.artifact("train/report.json")
