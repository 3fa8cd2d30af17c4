"""What a policy let through, as an estimate of what it saw: inverse propensity weights.

A policy that blocks rows loses their labels, and not at random. Where it lets each row through with a probability that
is known, a row that came through stands for 1 / that probability rows (Horvitz and Thompson, 1952). Single rows of
small probability then carry much of an estimate, so weights are capped: a little bias for much less noise (Ionides,
2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.errors import InputError
from evaluation.statistics.sample import Floats, Mask


@dataclass(frozen=True)
class ApprovalWeights:
    """How many rows each row stands for that was let through.

    Attributes:
        weight: 1 / approval probability, at most the cap [N].
        capped: rows whose weight would have been above the cap [N].
        cut: what the cap took from the weight of each row [N].
    """

    weight: Floats
    capped: Mask
    cut: Floats

    def cut_share(self, rows: Mask) -> float:
        """Share of the weight of some rows that the cap took away; 0 where there is none."""
        whole = float((self.weight[rows] + self.cut[rows]).sum())
        return float(self.cut[rows].sum()) / whole if whole > 0 else 0.0


def approval_weights(probability: ArrayLike, *, cap: float) -> ApprovalWeights:
    """Weights of rows from the probability with which the policy lets each through.

    >>> approval_weights([1.0, 0.5, 0.01, np.nan], cap=20).weight.tolist()
    [1.0, 2.0, 20.0, 1.0]

    Args:
        probability: in (0, 1]; NaN, or 0 of a row that had no chance, where nothing is to be weighed: 1 [N].
        cap: largest weight, at least 1.

    Raises:
        InputError: the cap is below 1.
    """
    if cap < 1:
        raise InputError(f"the cap of approval weights must be at least 1, got {cap:g}")
    p = np.asarray(probability, dtype=np.float64)
    whole = 1.0 / np.where(np.isnan(p) | (p <= 0), 1.0, p)
    weight = np.minimum(whole, cap)
    return ApprovalWeights(weight, whole > cap, whole - weight)


@dataclass(frozen=True)
class PolicyRows:
    """What an earlier policy did with the rows of a fold.

    Attributes:
        action: "approved", "challenged", "blocked", or "" where not known [N].
        approval_probability: with which it let each row through, NaN where not known [N].
        cap: largest weight of a row.
    """

    action: NDArray[np.str_]
    approval_probability: Floats
    cap: float

    @property
    def approved(self) -> Mask:
        """Rows that were let through [N]."""
        return np.asarray(self.action == "approved")

    @property
    def challenged(self) -> Mask:
        """Rows that had to be confirmed first [N]."""
        return np.asarray(self.action == "challenged")

    @property
    def blocked(self) -> Mask:
        """Rows that were stopped [N]."""
        return np.asarray(self.action == "blocked")

    @property
    def without_support(self) -> Mask:
        """Blocked rows that had no known chance: nothing like them was let through [N]."""
        return self.blocked & ~(self.approval_probability > 0)
