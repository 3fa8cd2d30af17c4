"""What the guards of a refit look at, measured on the blocks and on the newest rows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from evaluation.gate import Comparison
from evaluation.options import EvaluationConfig
from evaluation.refit_guards import RefitEvidence, disagreements
from evaluation.report.candidates_section import headline_replicates
from evaluation.report.comparison import comparison
from evaluation.statistics.agreement import Agreement, agreement
from evaluation.statistics.confidence_sequence import WatchedDifference
from evaluation.statistics.intervals import Interval, Replicates
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats
from pipeline.stages.artifacts.candidates import Calibration, calibrated_probabilities
from pipeline.stages.refit.block_store import BlockStore
from pipeline.stages.refit.label_history import KnownRows, Stretch
from pipeline.stages.refit.newest_rows import feed_faults
from pipeline.stages.refit.pooled_rows import PooledMaps, PooledRows
from pipeline.stages.refit.prequential_pass import PrequentialPass, RefitPlan, ScoredBlock, fitted_at
from pipeline.stages.refit.recipe_fit import FittedRecipe
from pipeline.storage.errors import INPUT_ERRORS

FEWEST_CONFIRMING = 20
"""Frauds that the newest labels must hold for a part of them to confirm what another part taught."""
UNLABELLED = 500
"""Rows without labels from which agreement is told; with fewer, all newest rows tell it."""


@dataclass(frozen=True)
class Candidate:
    """A refit to be guarded.

    Attributes:
        fitted: its models.
        passed: the blocks before it.
        pooled: their rows.
        maps: fitted on them.
        judged: P(fraud) of the judged model on the pooled rows, NaN on rows that it or its maps were fitted on [N].
        judged_name: what people call it.
        thresholds: of the refit, by name.
        shipped: the candidate that `probability` is.
    """

    fitted: FittedRecipe
    passed: PrequentialPass
    pooled: PooledRows
    maps: PooledMaps
    judged: np.ndarray
    judged_name: str
    thresholds: dict[str, float]
    shipped: str


@dataclass(frozen=True)
class Measured:
    """The guards' evidence, and the draws behind it."""

    evidence: RefitEvidence
    prequential: Replicates


def measured_guards(
    plan: RefitPlan, candidate: Candidate, store: BlockStore, *, live: WatchedDifference | None
) -> Measured:
    """Everything that guards look at.

    Args:
        plan: of the refit.
        candidate: the refit and what was said before it.
        store: of fitted blocks.
        live: the refit in use against its judged twin; None where there is none.
    """
    config, seed = plan.config.evaluation, plan.config.train.seed
    pooled, p = candidate.pooled, candidate.maps.probabilities[candidate.shipped]
    rows = pooled.rows.where(pooled.known)
    drawn = headline_replicates(rows, {candidate.shipped: p}, config=config, rng=np.random.default_rng([seed, 11]))
    found, usual = _agreement(plan, candidate)
    faults = _feed_faults(plan)
    evidence = RefitEvidence(
        feed_faults=tuple(faults),
        window_frauds=candidate.fitted.frauds,
        pooled_frauds=pooled.frauds,
        surrogate=_against_judged(candidate, rows, p, config, seed),
        newest_order=_newest_order(plan, rows, p, candidate.shipped),
        level=drawn.interval(candidate.shipped, "observed_expected"),
        agreement=found,
        usual=usual,
        confirmed=_confirmed(plan, candidate, store) if disagreements(found, usual) and not faults else None,
        live=live,
    )
    return Measured(evidence, drawn)


def reference_block(passed: PrequentialPass, *, now: int, block: int) -> ScoredBlock:
    """The newest block that began at least half its length ago, or the newest there is."""
    old_enough = [each for each in passed.blocks if each.origin <= now - block // 2]
    return (old_enough or list(passed.blocks))[-1]


def _against_judged(
    candidate: Candidate, rows: JudgedRows, p: Floats, config: EvaluationConfig, seed: int
) -> Comparison | None:
    """The recipe as it would have shipped against the judged model, on rows that neither had seen."""
    judged = candidate.judged[candidate.pooled.known]
    shared = np.isfinite(judged)
    return paired_comparison(
        rows.where(shared), p[shared], judged[shared], name=candidate.judged_name, config=config, seed=seed
    )


def paired_comparison(
    rows: JudgedRows, one: Floats, other: Floats, *, name: str, config: EvaluationConfig, seed: int
) -> Comparison | None:
    """One model against another on the same labelled rows [N]; None where these lack a class."""
    frauds = int(rows.labels.sum())
    if frauds in (0, rows.labels.size):
        return None
    drawn = headline_replicates(
        rows, {"one": one, "other": other}, config=config, rng=np.random.default_rng([seed, 12])
    )
    return comparison(drawn, "one", "other", name=name, rows=rows.labels.size, frauds=frauds)


def _newest_order(plan: RefitPlan, rows: JudgedRows, p: Floats, shipped: str) -> Interval | None:
    newest = rows.event_time > rows.event_time.max(initial=0) - plan.refit.block
    kept = rows.where(newest)
    if int(kept.labels.sum()) in (0, kept.labels.size):
        return None
    drawn = headline_replicates(
        kept,
        {shipped: p[newest]},
        config=plan.config.evaluation,
        rng=np.random.default_rng([plan.config.train.seed, 13]),
    )
    return drawn.interval(shipped, "roc_auc")


def _feed_faults(plan: RefitPlan) -> list[str]:
    now, history = plan.history.now, plan.history
    stretch = Stretch(now - plan.length, now, history.as_of)
    window = history.rows(stretch, approval_cap=1.0, learning=False)
    time = history.event_time[window.first : window.first + window.table.num_rows]
    names = {"numeric": plan.numeric, "categorical": plan.categorical}
    return feed_faults(window.table, time, now=now, block=plan.refit.block, **names)


def _agreement(plan: RefitPlan, candidate: Candidate) -> tuple[Agreement, Agreement | None]:
    """The refit against the recipe of a block ago on the newest rows that nobody has labelled; and what is usual.

    That is how the recipe of a block ago compares with the one of the block before, on the same rows.
    """
    now, block = plan.history.now, plan.refit.block
    newest = plan.history.rows(Stretch(now - block, now, plan.history.as_of), approval_cap=1.0, learning=False)
    blank = ~newest.usable if (~newest.usable).sum() >= UNLABELLED else np.ones(len(newest.usable), np.bool_)
    before = reference_block(candidate.passed, now=now, block=block)
    earlier = [each for each in candidate.passed.blocks if each.origin < before.origin]
    fits = [candidate.fitted, before.fitted, *(each.fitted for each in earlier[-1:])]
    said = [_said(plan, each, candidate.maps.calibration, newest, candidate.shipped)[blank] for each in fits]
    found = [agreement(one, other, thresholds=candidate.thresholds) for one, other in pairwise(said)]
    return found[0], found[1] if len(found) > 1 else None


def _confirmed(plan: RefitPlan, candidate: Candidate, store: BlockStore) -> Comparison | None:
    """What a part of the newest labels taught, held against the rest of them; None where there are too few."""
    now, history = plan.history.now, plan.history
    before = reference_block(candidate.passed, now=now, block=plan.refit.block)
    newest = history.rows(Stretch(before.origin, now, history.as_of), approval_cap=1.0, learning=False)
    frauds = newest.labelled.filter(newest.labelled["label"].cast("bool"))["event_time"].cast("int64").to_numpy()
    if frauds.size < FEWEST_CONFIRMING:
        return None
    probe = int(np.median(frauds))
    try:
        taught = fitted_at(plan, probe, candidate.passed.chain, store)
    except INPUT_ERRORS:
        return None
    rest = history.rows(Stretch(probe, now, history.as_of), approval_cap=1.0, learning=False)
    inside = candidate.pooled.rows.event_time > probe
    rows = candidate.pooled.rows.where(inside & candidate.pooled.known)
    calibration = candidate.maps.calibration
    one, other = (
        _said(plan, each, calibration, rest, candidate.shipped)[rest.usable] for each in (taught, before.fitted)
    )
    name = "the recipe of a block ago"
    return paired_comparison(rows, one, other, name=name, config=plan.config.evaluation, seed=plan.config.train.seed)


def _said(plan: RefitPlan, fitted: FittedRecipe, calibration: Calibration, rows: KnownRows, shipped: str) -> Floats:
    return calibrated_probabilities(calibration, plan.scored(fitted.models, rows).log_odds)[shipped]
