"""What would ship against the champion, on the rows that neither of the two has seen."""

from collections.abc import Mapping

import numpy as np

from evaluation.gate import ChampionEvidence
from evaluation.options import BootstrapSettings, EvaluationConfig
from evaluation.report.evidence import ChampionScores, Evidence
from evaluation.statistics.dependence import Dependence, dependence
from evaluation.statistics.intervals import UNDEFINED, RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats, Integers

ONE_CLASS = "one class only"


def champion_section(
    evidence: Evidence, *, config: EvaluationConfig, rng: np.random.Generator
) -> ChampionEvidence | None:
    """The shipped candidate against the champion, or why they cannot be compared; None without a champion."""
    champion, rows = evidence.champion, evidence.rows
    if champion is None:
        return None
    if champion.problem:
        return ChampionEvidence(champion.name, 0, 0, UNDEFINED, UNDEFINED, champion.problem)
    return champion_evidence(
        rows,
        evidence.candidates[evidence.shipped],
        champion,
        clusters=dependence(rows, by=config.cluster, fewest=config.min_clusters),
        rng=rng,
        settings=config.bootstrap(),
    )


def champion_evidence(
    rows: JudgedRows,
    candidate: Floats,
    champion: ChampionScores,
    *,
    clusters: Integers | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
) -> ChampionEvidence:
    """Paired differences on the test rows after both models' last seen event.

    A champion trained later than part of the test fold would otherwise be judged on rows it was fitted to.

    Args:
        rows: the judged rows, all of known label.
        candidate: P(fraud) of what would ship [N].
        champion: its P(fraud) on the same rows, NaN where it could not score one; rows at or before its `seen_until`
            are left out.
        clusters: units that move together, or an integer code per row [N].
        rng: source of the draws.
        settings: number of resamples.
    """
    shared = (rows.event_time > champion.seen_until) & np.isfinite(champion.probabilities)
    count, frauds = int(shared.sum()), int(rows.labels[shared].sum())
    if count == 0 or frauds in {0, count}:
        unknown = UNDEFINED.because(ONE_CLASS)
        return ChampionEvidence(champion.name, count, frauds, unknown, unknown)
    both: Mapping[str, Floats] = {"candidate": candidate[shared], "champion": champion.probabilities[shared]}
    drawn = paired_bootstrap(
        rows.labels[shared],
        both,
        clusters=clusters[shared],
        rng=rng,
        settings=settings,
        details=RowDetails(weight=rows.where(shared).weight),
    )
    loss, precision = (drawn.difference("candidate", "champion", s) for s in ("log_loss", "average_precision"))
    return ChampionEvidence(champion.name, count, frauds, loss, precision)
