"""How far the distribution of a column has moved: the population stability index, and what chance alone would show."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
    return numeric_bins(reference, bins=bins).index(recent)


def category_stability(reference: ArrayLike, recent: ArrayLike, *, bins: int) -> Stability:
    """The index over the reference's most frequent codes, each a bin, and all others together.

    >>> category_stability([1, 1, 2, 2], [1, 2, 1, 2], bins=10).index
    0.0

    Args:
        reference: codes ≥ 0 [N]; 0 stands for unknown.
        recent: codes [M].
        bins: codes with a bin of their own.
    """
    return category_bins(np.asarray(reference, np.int64), bins=bins).index(np.asarray(recent, np.int64))


@dataclass(frozen=True)
class NumericBins:
    """All that an index needs of a reference: the inner edges, ascending, and rows by bin, the missing ones last."""

    edges: Floats
    counts: Floats

    def index(self, recent: ArrayLike) -> Stability:
        """The index of other values [M]."""
        return _stability(self.counts, _counts(np.sort(np.asarray(recent)), self.edges))


@dataclass(frozen=True)
class CategoryBins:
    """The same of a column of categories: the most frequent values, and rows by value, all others last."""

    values: NDArray[Any]
    counts: Floats

    def index(self, recent: NDArray[Any]) -> Stability:
        """The index of other values [M]."""
        return _stability(self.counts, _tally(recent, self.values))


def numeric_bins(reference: ArrayLike, *, bins: int) -> NumericBins:
    """Bins that hold equal shares of a reference, as far as ties allow.

    >>> numeric_bins([1.0, 2.0, 3.0, np.nan], bins=2).counts.tolist()
    [2.0, 1.0, 1.0]

    Args:
        reference: [N], NaN where missing.
        bins: number of bins before ties merge some.
    """
    ordered = np.sort(np.asarray(reference))
    present = ordered[: _present(ordered)]
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    inner = np.unique(np.quantile(present, shares).astype(ordered.dtype)) if present.size else ordered[:0]
    return NumericBins(inner, _counts(ordered, inner))


def category_bins(reference: NDArray[Any], *, bins: int) -> CategoryBins:
    """Bins of the most frequent values of a reference.

    >>> found = category_bins(np.array(["a", "a", "b", "c", "b"]), bins=2)
    >>> found.values.tolist(), found.counts.tolist()
    (['a', 'b'], [2.0, 2.0, 1.0])

    Args:
        reference: codes or texts [N].
        bins: values with a bin of their own.
    """
    values, counts = np.unique(reference, return_counts=True)
    kept = values[np.argsort(-counts, kind="stable")[:bins]]
    return CategoryBins(kept, _tally(reference, kept))


def _tally(rows: NDArray[Any], values: NDArray[Any]) -> Floats:
    """How many rows have each of the values, and how many another one."""
    found = np.array([(rows == value).sum() for value in values], np.float64)
    return np.append(found, rows.size - found.sum())


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
