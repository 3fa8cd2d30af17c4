"""The judged recipe fitted on the newest rows, guarded, and told: what ships is made here, and the verdict stays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from evaluation.gate import Check
from evaluation.refit_guards import RefitEvidence, RefitLimits, refit_checks
from evaluation.report.freshness_section import (
    BlockRows,
    JudgedAge,
    ModelAge,
    RefitAccount,
    freshness_section,
    prequential_section,
)
from features.times import duration_microseconds, time_text
from pipeline.stages.artifacts.candidates import Calibration, Models, calibrated_probabilities
from pipeline.stages.artifacts.encoder_blocks import load_encoder_blocks
from pipeline.stages.artifacts.evaluate_report import EvaluateReport
from pipeline.stages.artifacts.features_report import FeaturesReport
from pipeline.stages.artifacts.model_files import load_calibration, load_models, save_models
from pipeline.stages.code_digest import code_digest
from pipeline.stages.refit.block_store import block_store
from pipeline.stages.refit.frozen_recipe import frozen_recipe
from pipeline.stages.refit.gathered_guards import Candidate, Measured, measured_guards
from pipeline.stages.refit.label_history import read_history
from pipeline.stages.refit.pooled_rows import PooledRows, pooled_maps, pooled_rows, pooled_thresholds, prequential_table
from pipeline.stages.refit.prequential_pass import RefitPlan, judged_chain, prequential_pass
from pipeline.stages.refit.refit_in_use import InUse, refit_in_use
from pipeline.stages.refit.told_refit import tell_refit
from pipeline.stages.stage import StageContext
from pipeline.storage.content import write_json, write_table
from pipeline.storage.errors import INPUT_ERRORS


@dataclass(frozen=True)
class JudgedModel:
    """What the verdict is about, and when it was made."""

    models: Models
    calibration: Calibration
    features: FeaturesReport
    now: int

    @property
    def age(self) -> ModelAge:
        """Until when it was fitted, and what its maps saw."""
        return ModelAge(self.features.newest_training_row, self.features.folds["calib"].end)


def make_refit(context: StageContext) -> str:
    """Write the refit where every guard holds, and in any case report.json, report.html and model_card.md."""
    if not context.config.refit.enabled:
        judged = _judged(context, context.as_of or context.features_report.folds["test"].end)
        return _told(context, judged, (Check("fit", "absent", "refit.enabled is false"),), None)
    plan = _plan(context)
    judged = _judged(context, plan.history.now)
    live = refit_in_use(context, plan.history)
    try:
        guarded = _guarded_refit(context, plan, judged, live)
        evidence = guarded.measured.evidence
    except _NoRefitError as reason:
        guarded, evidence = None, RefitEvidence(problem=str(reason))
    checks = refit_checks(evidence, limits=_limits(context))
    if guarded is not None:
        _write_refit(context, guarded.candidate, whole=all(check.status != "refused" for check in checks))
    return _told(context, judged, checks, guarded, live=live)


class _NoRefitError(Exception):
    """Why there is no refit to be guarded."""


def _plan(context: StageContext) -> RefitPlan:
    config, features = context.config, context.features_report
    train = features.folds["train"]
    judged = load_models(context.run, posterior_floor=config.calibration.posterior_floor)
    wanted = config.refit.window
    return RefitPlan(
        recipe=frozen_recipe(context.run, config, judged, rows=sum(train.usable), threads=context.threads),
        judged=judged,
        history=read_history(context, most=config.refit.max_weight),
        config=config,
        length=train.end - train.start if wanted == "train" else duration_microseconds(wanted),
        numeric=judged.encoder.numeric,
        categorical=judged.encoder.categorical,
        threads=context.threads,
        code=code_digest(make_refit),
    )


def _judged(context: StageContext, now: int) -> JudgedModel:
    models = load_models(context.run, posterior_floor=context.config.calibration.posterior_floor)
    return JudgedModel(models, load_calibration(context.run), context.features_report, now)


def _limits(context: StageContext) -> RefitLimits:
    config = context.config
    return RefitLimits(config.refit.margin, config.refit.min_frauds, config.gate.band)


@dataclass(frozen=True)
class _Guarded:
    """A refit, what was measured of it, and how it was planned."""

    plan: RefitPlan
    candidate: Candidate
    measured: Measured


def _guarded_refit(context: StageContext, plan: RefitPlan, judged: JudgedModel, live: InUse | None) -> _Guarded:
    config, shipped = context.config, context.config.export.candidate
    store = block_store(context)
    blocks = load_encoder_blocks(context.run / "train")
    chain = judged_chain(judged.models, until=judged.features.newest_training_row, blocks=blocks)
    passed = prequential_pass(plan, chain, store, reporter=context.reporter)
    if not passed.blocks:
        raise _NoRefitError(f"no block could be fitted: {'; '.join(passed.notes)}")
    pooled = pooled_rows(context, passed.blocks, rows_of_file=len(plan.history.label))
    context.reporter.progress(config.refit.blocks + 1, config.refit.blocks + 1, "the newest rows")
    try:
        maps = pooled_maps(
            pooled, config=config.calibration, half_life=config.refit.map_half_life, now=plan.history.now
        )
        window = plan.window(plan.history.now, deadline=plan.history.as_of)
        fitted = plan.fitted(window, passed.chain)
    except INPUT_ERRORS as error:
        raise _NoRefitError(str(error)) from error
    points = pooled_thresholds(pooled, maps, shipped=shipped, decision=config.decision)["points"]
    candidate = Candidate(
        fitted=fitted,
        passed=passed,
        pooled=pooled,
        maps=maps,
        judged=_judged_probabilities(plan, pooled, judged, shipped),
        judged_name="the judged model",
        thresholds={name: float(point["threshold"]) for name, point in points.items() if "threshold" in point},
        shipped=shipped,
    )
    measured = measured_guards(plan, candidate, store, live=live.difference if live is not None else None)
    return _Guarded(plan, candidate, measured)


def _judged_probabilities(plan: RefitPlan, pooled: PooledRows, judged: JudgedModel, shipped: str) -> np.ndarray:
    """P(fraud) of the judged model on the pooled rows, NaN where it or its maps have seen the row [N]."""
    later = pooled.rows.event_time > judged.age.seen_until
    log_odds = plan.scored_table(judged.models, pooled.table)
    found: np.ndarray = calibrated_probabilities(judged.calibration, log_odds)[shipped]
    return np.where(later, found, np.nan)


def _details(plan: RefitPlan, candidate: Candidate) -> dict[str, Any]:
    """What only the pipeline knows of a refit, for its report."""
    blocks, pooled = candidate.passed.blocks, candidate.pooled
    time = pc.min_max(pooled.table["event_time"]).as_py()
    return {
        "recipe": plan.recipe.to_dict(),
        "fitted": {
            "rows": candidate.fitted.rows,
            "frauds": candidate.fitted.frauds,
            "trees": candidate.fitted.trees,
            "prevalence": candidate.fitted.prevalence,
        },
        "maps": {
            "rows": int(pooled.known.sum()),
            "frauds": pooled.frauds,
            "from": f"{time['min']:%Y-%m-%d}",
            "to": f"{time['max']:%Y-%m-%d}",
            "most": plan.refit.max_weight,
        },
        "blocks": [
            {
                "from": time_text(block.origin),
                "to": time_text(block.end),
                "fitted_until": time_text(block.fitted.until),
                "rows": block.fitted.rows,
                "frauds": block.fitted.frauds,
                "epochs": block.fitted.epochs,
                "trees": block.fitted.trees,
            }
            for block in blocks
        ],
        "notes": [f"{note[:1].upper()}{note[1:]}." for note in candidate.passed.notes],
    }


def _write_refit(context: StageContext, candidate: Candidate, *, whole: bool) -> None:
    """Write what was said of the blocks, and the models with their maps and thresholds where they ship."""
    pooled, maps, shipped = candidate.pooled, candidate.maps, candidate.shipped
    table = prequential_table(pooled, maps, shipped=shipped, judged=candidate.judged)
    write_table(context.out / "prequential.parquet", table)
    if whole:
        save_models(context.out, candidate.fitted.models, prevalence=candidate.fitted.prevalence)
        write_json(context.out / "calibrators.json", maps.calibration.to_dict())
        thresholds = pooled_thresholds(pooled, maps, shipped=shipped, decision=context.config.decision)
        write_json(context.out / "thresholds.json", thresholds)


def _told(
    context: StageContext,
    judged: JudgedModel,
    checks: tuple[Check, ...],
    guarded: _Guarded | None,
    *,
    live: InUse | None = None,
) -> str:
    """Write the account and log it; one line on what ships."""
    population = EvaluateReport.read(context.path("evaluate", "report.json")).population
    test = {"from": population.start, "to": population.end}
    account = None if guarded is None else _account(context, guarded, judged.now)
    section = freshness_section(JudgedAge(judged.age, test, judged.now), checks, account)
    seen = judged.now if section["ships"] == "refit" else None
    section |= {
        "moment": time_text(judged.now),
        "judged_seen_until": time_text(judged.age.seen_until),
        "refit_seen_until": None if seen is None else time_text(seen),
        "refit_in_use": None if live is None else live.to_dict(),
    }
    kept = 0 if guarded is None else sum(block.kept for block in guarded.candidate.passed.blocks)
    return tell_refit(context, section, kept=kept)


def _account(context: StageContext, guarded: _Guarded, now: int) -> RefitAccount:
    candidate, measured = guarded.candidate, guarded.measured
    pooled, shipped, known = candidate.pooled, candidate.shipped, candidate.pooled.known
    rows = BlockRows(pooled.rows.where(known), candidate.maps.probabilities[shipped], pooled.block[known])
    config, seed = context.config.evaluation, context.config.train.seed
    return RefitAccount(
        age=ModelAge(candidate.fitted.until, now),
        agreement=measured.evidence.agreement,
        prequential=prequential_section(rows, measured.prequential, shipped=shipped, config=config, seed=seed),
        details=_details(guarded.plan, candidate),
    )
