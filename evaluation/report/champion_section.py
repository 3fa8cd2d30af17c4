"""What the report says of the champion, judged on the rows that neither model has seen."""

import numpy as np
from numpy.typing import ArrayLike

from evaluation.gate import ChampionEvidence
from evaluation.report.evidence import EvaluationConfig, Evidence
from evaluation.statistics.intervals import BootstrapSettings, Interval, paired_bootstrap
from evaluation.statistics.sample import Integers


def champion_section(
    evidence: Evidence, clusters: Integers, config: EvaluationConfig, rng: np.random.Generator
) -> ChampionEvidence | None:
    """The shipped candidate against the champion, or why they cannot be compared; None without a champion."""
    champion = evidence.champion
    if champion is None:
        return None
    if champion.problem:
        nan = Interval(float("nan"), float("nan"), float("nan"))
        return ChampionEvidence(champion.name, 0, 0, nan, nan, champion.problem)
    return champion_evidence(
        evidence.rows.labels,
        evidence.candidates[evidence.shipped],
        champion.probabilities,
        name=champion.name,
        event_time=evidence.rows.event_time,
        seen_until=champion.seen_until,
        clusters=clusters,
        rng=rng,
        settings=config.bootstrap(),
    )


def champion_evidence(
    labels: ArrayLike,
    candidate: ArrayLike,
    champion: ArrayLike,
    *,
    name: str,
    event_time: ArrayLike,
    seen_until: int,
    clusters: ArrayLike,
    rng: np.random.Generator,
    settings: BootstrapSettings,
) -> ChampionEvidence:
    """Paired differences on the test rows after both models' last seen event.

    A champion trained later than part of the test fold would otherwise be judged on rows it was fitted to.

    Args:
        labels: 0 or 1 [N].
        candidate: the candidate's P(fraud) [N].
        champion: the champion's P(fraud), from its own features [N]; NaN where it could not score a row.
        name: the champion's version, for the reasons.
        event_time: microseconds since the epoch [N].
        seen_until: the later of both models' `seen_until`, microseconds; rows at or before it are left out.
        clusters: integer code per row [N].
        rng: source of the draws.
        settings: number of resamples.
    """
    theirs = np.asarray(champion, dtype=np.float64)
    kept = (np.asarray(event_time, dtype=np.int64) > seen_until) & np.isfinite(theirs)
    y, ours = np.asarray(labels, dtype=np.float64)[kept], np.asarray(candidate, dtype=np.float64)[kept]
    rows, frauds = int(kept.sum()), int(y.sum())
    if rows == 0 or frauds in {0, rows}:
        unknown = Interval(float("nan"), float("nan"), float("nan"), "one class only")
        return ChampionEvidence(name, rows, frauds, unknown, unknown)
    drawn = paired_bootstrap(
        y,
        {"candidate": ours, "champion": theirs[kept]},
        clusters=np.asarray(clusters)[kept],
        rng=rng,
        settings=settings,
    )
    loss, precision = (drawn.difference("candidate", "champion", s) for s in ("log_loss", "average_precision"))
    return ChampionEvidence(name, rows, frauds, loss, precision)
