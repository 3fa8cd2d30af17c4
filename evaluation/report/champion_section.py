"""The shipped candidate against another bundle: the model in use, or the fixed anchor.

On rows that neither has seen, on the same draws.
"""

from collections.abc import Mapping

import numpy as np

from evaluation.gate import Comparison
from evaluation.options import EvaluationConfig
from evaluation.report.comparison import comparison, no_comparison
from evaluation.report.evidence import ChampionScores, Evidence
from evaluation.statistics.dependence import dependence
from evaluation.statistics.intervals import RowDetails, paired_bootstrap
from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import Floats

ONE_CLASS = "one class only"


def champion_section(
    evidence: Evidence, other: ChampionScores | None, *, config: EvaluationConfig, rng: np.random.Generator
) -> Comparison | None:
    """The shipped candidate against a champion, or why they cannot be compared; None where there is none."""
    rows = evidence.rows
    if other is None:
        return None
    if other.problem:
        return no_comparison(other.title, rows=0, frauds=0, problem=other.problem)
    return champion_comparison(
        rows,
        evidence.candidates[evidence.shipped],
        other,
        config=config,
        rng=rng,
    )


def champion_comparison(
    rows: JudgedRows,
    candidate: Floats,
    champion: ChampionScores,
    *,
    config: EvaluationConfig,
    rng: np.random.Generator,
) -> Comparison:
    """Paired differences on the test rows after both models' last seen event.

    A champion trained later than part of the test fold would otherwise be judged on rows it was fitted to. Cards,
    merchants and days are counted on the rows that are compared: a fold of many days may share a single one.

    Args:
        rows: the judged rows, all of known label.
        candidate: P(fraud) of what would ship [N].
        champion: its P(fraud) on the same rows, NaN where it could not score one; rows at or before its `seen_until`
            are left out.
        config: what is resampled, and how often.
        rng: source of the draws.
    """
    shared = (rows.event_time > champion.seen_until) & np.isfinite(champion.probabilities)
    count, frauds = int(shared.sum()), int(rows.labels[shared].sum())
    if count == 0 or frauds in {0, count}:
        return no_comparison(champion.title, rows=count, frauds=frauds, reason=ONE_CLASS)
    both: Mapping[str, Floats] = {"candidate": candidate[shared], "champion": champion.probabilities[shared]}
    compared = rows.where(shared)
    drawn = paired_bootstrap(
        compared.labels,
        both,
        clusters=dependence(compared, by=config.cluster, fewest=config.min_clusters),
        rng=rng,
        settings=config.bootstrap(),
        details=RowDetails(weight=compared.weight),
    )
    return comparison(drawn, "candidate", "champion", name=champion.title, rows=count, frauds=frauds)
