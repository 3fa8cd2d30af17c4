"""Whether two models say much the same of rows that nobody has labelled yet."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from evaluation.statistics.sample import same_length
from evaluation.statistics.stability import numeric_stability

BINS = 10


@dataclass(frozen=True)
class Agreement:
    """How one model's P(fraud) compares with another's on the same rows.

    Attributes:
        rows: compared.
        rank_correlation: Spearman's.
        stability: population stability index of the probabilities, the other's as reference.
        promised: frauds promised over those the other promises.
        flagged: rows that one and rows that the other flags, by the name of the threshold.
    """

    rows: int
    rank_correlation: float
    stability: float
    promised: float
    flagged: Mapping[str, tuple[int, int]]

    @property
    def alerts(self) -> dict[str, float]:
        """Rows that one flags over those that the other flags, by threshold; NaN where it flags none."""
        return {name: one / other if other else float("nan") for name, (one, other) in self.flagged.items()}

    def by_chance(self, name: str) -> bool:
        """Whether the two numbers of alerts at a threshold differ by no more than counts do by chance."""
        one, other = self.flagged[name]
        return abs(one - other) <= 2 * float(np.sqrt(one + other))


def agreement(one: ArrayLike, other: ArrayLike, *, thresholds: Mapping[str, float]) -> Agreement:
    """How `one` compares with `other` on rows that both score.

    >>> same = agreement([0.1, 0.2, 0.6], [0.1, 0.2, 0.6], thresholds={"half": 0.5})
    >>> same.rank_correlation, same.stability, same.promised, same.alerts
    (1.0, 0.0, 1.0, {'half': 1.0})

    Args:
        one: P(fraud) [N].
        other: P(fraud) [N].
        thresholds: from which on a row is flagged, by name.
    """
    p, q = np.asarray(one, np.float64), np.asarray(other, np.float64)
    same_length(p.size, other=q)
    if p.size < 2:
        nothing = float("nan")
        return Agreement(p.size, nothing, nothing, nothing, {})
    return Agreement(
        rows=p.size,
        rank_correlation=_rank_correlation(p, q),
        stability=numeric_stability(q, p, bins=BINS).index,
        promised=float(p.sum() / q.sum()) if q.sum() > 0 else float("nan"),
        flagged={name: (int((p >= t).sum()), int((q >= t).sum())) for name, t in thresholds.items()},
    )


def _rank_correlation(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Spearman's; NaN where one of them ranks nothing, which its library would warn of in words of its own."""
    return float(spearmanr(p, q).statistic) if np.ptp(p) > 0 and np.ptp(q) > 0 else float("nan")
