"""What every statistic demands of its arrays, said once and for all faults together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
DAY = 86_400_000_000
"""Microseconds in a UTC day."""
WEEK = 7 * DAY


@dataclass(frozen=True)
class Sample:
    """Labels 0/1, probabilities in [0, 1] and weights ≥ 0, all float64 [N]."""

    labels: Floats
    probabilities: Floats
    weight: Floats

    @property
    def rows(self) -> float:
        """Total weight of the rows."""
        return float(self.weight.sum())

    @property
    def frauds(self) -> float:
        """Total weight of the rows labelled 1."""
        return float(self.weight @ self.labels)


def sample(labels: ArrayLike, probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> Sample:
    """Checked float64 copies of the arrays a statistic reads.

    A NaN label or a probability of 1.2 would otherwise turn into a plausible number.

    >>> checked = sample([1, 0], [0.9, 0.2], weight=[2.0, 1.0])
    >>> checked.rows, checked.frauds
    (3.0, 2.0)
    >>> sample([1, 2], [0.9, 1.2])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: labels must be 0 or 1, got 2.0 in row 1 (1 rows like it); probabilities must lie in [0, 1], got 1.2 ...

    Args:
        labels: 0 or 1 [N]; rows of unknown label must be left out by the caller.
        probabilities: P(label = 1), [N], in [0, 1].
        weight: finite and ≥ 0 [N]; None counts each row once.

    Raises:
        ValueError: a shape, label, probability or weight is impossible; every fault is named with its count.
    """
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    w = np.ones(y.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    shapes = {"labels": y.shape, "probabilities": p.shape, "weight": w.shape}
    if y.ndim != 1 or len(set(shapes.values())) != 1:
        raise ValueError(f"labels, probabilities and weight must be vectors of one length, got {shapes}")
    raise_faults(
        {
            "labels must be 0 or 1": ~((y == 0) | (y == 1)),
            "probabilities must lie in [0, 1]": ~((p >= 0) & (p <= 1)),
            "weight must be finite and ≥ 0": ~(np.isfinite(w) & (w >= 0)),
        },
        {"labels must be 0 or 1": y, "probabilities must lie in [0, 1]": p, "weight must be finite and ≥ 0": w},
    )
    return Sample(y, p, w)


def raise_faults(
    bad: Mapping[str, NDArray[np.bool_]],
    values: Mapping[str, NDArray[Any]],
    *,
    refusal: type[ValueError] = ValueError,
) -> None:
    """Refuse with every broken rule, its first offender and how many rows are like it.

    Args:
        bad: per rule in words, True where the rule is broken [N].
        values: per rule, the values it speaks of [N].
        refusal: what is raised; InputError where the values are a caller's own, not computed here.

    Raises:
        ValueError: at least one rule is broken.
    """
    faults = []
    for rule, broken in bad.items():
        if broken.any():
            first = int(np.flatnonzero(broken)[0])
            faults.append(f"{rule}, got {values[rule][first]} in row {first} ({int(broken.sum())} rows like it)")
    if faults:
        raise refusal("; ".join(faults))


def same_length(rows: int, **arrays: NDArray[Any] | None) -> None:
    """Refuse arrays that are not vectors of the given number of rows; None stands for absent and passes.

    Raises:
        ValueError: every array of another shape is named.
    """
    wrong = {name: array.shape for name, array in arrays.items() if array is not None and array.shape != (rows,)}
    if wrong:
        raise ValueError(f"{', '.join(wrong)} must have {rows} rows like the labels, got {wrong}")
