"""How far the distribution of a column has moved: the population stability index, and what chance alone would show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri

from evaluation.statistics.sample import Floats


@dataclass(frozen=True)
class Stability:
    """A population stability index, and what it stays below in 95 of 100 draws from one population."""

    index: float
    null_95: float

    def above(self, limit: float) -> bool:
        """Whether it is large, and larger than chance."""
        return self.index > max(limit, self.null_95)


def numeric_stability(reference: ArrayLike, recent: ArrayLike, *, bins: int) -> Stability:
    """The index over bins that hold equal shares of the reference; missing values are a bin of their own.

    NaN where either has no rows.

    >>> before, now = np.repeat([0.0, 1.0], [100, 100]), np.repeat([0.0, 1.0], [200, 0])
    >>> numeric_stability(before, before, bins=2).index, numeric_stability(before, now, bins=2).above(0.25)
    (0.0, True)

    Args:
        reference: [N], NaN where missing.
        recent: [M].
        bins: number of bins before ties merge some.
    """
    one, two = np.sort(np.asarray(reference)), np.sort(np.asarray(recent))
    present = one[: _present(one)]
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    inner = np.unique(np.quantile(present, shares).astype(one.dtype)) if present.size else np.empty(0, one.dtype)
    return _stability(_counts(one, inner), _counts(two, inner))


def category_stability(reference: ArrayLike, recent: ArrayLike, *, bins: int) -> Stability:
    """The index over the reference's most frequent codes, each a bin, and all others together.

    >>> category_stability([1, 1, 2, 2], [1, 2, 1, 2], bins=10).index
    0.0

    Args:
        reference: codes ≥ 0 [N]; 0 stands for unknown.
        recent: codes [M].
        bins: codes with a bin of their own.
    """
    one, two = np.asarray(reference, np.int64), np.asarray(recent, np.int64)
    codes, counts = np.unique(one, return_counts=True)
    kept = codes[np.argsort(-counts, kind="stable")[:bins]]
    tally = [np.array([*((values == code).sum() for code in kept)], np.float64) for values in (one, two)]
    return _stability(*(np.append(t, n - t.sum()) for t, n in zip(tally, (one.size, two.size), strict=True)))


def _present(ordered: Floats) -> int:
    """How many of the sorted values are none of the missing ones, which numpy sorts to the end."""
    return int(ordered.size - np.isnan(ordered).sum())


def _counts(ordered: Floats, inner: Floats) -> Floats:
    """Values up to each inner edge, beyond the last, and missing."""
    ends = [*np.searchsorted(ordered, inner, side="right"), _present(ordered), ordered.size]
    return np.diff(ends, prepend=0).astype(np.float64)


def _stability(reference: Floats, recent: Floats) -> Stability:
    """Σ (p − q) ln(p / q) over bins (Siddiqi, 2006); half a row is added to each bin, so that none is empty.

    Where both are drawn from one population it is about (1/n + 1/m) χ² with a degree of freedom less than bins
    (Yurdakul, 2018), so large samples make small indices telling and small ones make large indices empty.
    """
    used = (reference + recent) > 0
    n, m, bins = reference.sum(), recent.sum(), int(used.sum())
    if n == 0 or m == 0:
        return Stability(float("nan"), float("nan"))
    if bins < 2:
        return Stability(0.0, 0.0)
    p, q = ((counts[used] + 0.5) / (counts.sum() + 0.5 * bins) for counts in (reference, recent))
    return Stability(float(((p - q) * np.log(p / q)).sum()), float((1 / n + 1 / m) * chdtri(bins - 1, 0.05)))
