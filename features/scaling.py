"""Numeric columns made fit for a network: knots for piecewise-linear inputs, and a centre and scale for heavy tails."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TAIL_SHARES = (0.01, 0.001)
"""Shares of a column's highest values above which most rows may be frauds."""
CERTAIN, FEWEST, DEVIATIONS = 0.5, 20, 1.96
"""They deserve a knot where that is certain: so many known labels, the interval of their rate above a half."""
NORMAL_QUARTILES = 1.349
"""Distance between the quartiles of a standard normal variable."""


@dataclass(frozen=True)
class NumericScaling:
    """What a network needs to know of each numeric column, fitted on train.

    Attributes:
        knots: per column, increasing float32 values seen in train; one where it is constant, none where it is empty.
        tails: per column, knots among its highest values above which most rows of train are frauds, increasing.
        center: float32 [F], median of sign(x)·log1p|x|.
        scale: float32 [F], its spread, > 0.
        missing: bool [F], whether train has missing values, so that the column deserves an indicator.
    """

    knots: tuple[NDArray[np.float32], ...]
    tails: tuple[NDArray[np.float32], ...]
    center: NDArray[np.float32]
    scale: NDArray[np.float32]
    missing: NDArray[np.bool_]

    def apply(self, numeric: NDArray[np.float32]) -> NDArray[np.float32]:
        """(sign(x)·log1p|x| - center) / scale with 0 for missing, then a 0/1 column per column with missing values."""
        absent = np.isnan(numeric)
        scaled = np.where(absent, 0, (signed_log(numeric) - self.center) / self.scale)
        return np.concatenate([scaled, absent[:, self.missing]], axis=1).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state; float32 values survive exactly."""
        return {
            "knots": [column.tolist() for column in self.knots],
            "tails": [column.tolist() for column in self.tails],
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
            "missing": self.missing.tolist(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "NumericScaling":
        """The scaling that `to_dict` described, or an earlier release's, which knew no tails."""
        none: list[list[float]] = [[] for _ in state["knots"]]
        return cls(
            knots=tuple(np.asarray(column, np.float32) for column in state["knots"]),
            tails=tuple(np.asarray(column, np.float32) for column in state.get("tails", none)),
            center=np.asarray(state["center"], np.float32),
            scale=np.asarray(state["scale"], np.float32),
            missing=np.asarray(state["missing"], np.bool_),
        )


def fit_scaling(
    columns: list[NDArray[np.float32]], *, knots: int, labels: NDArray[np.float32] | None = None
) -> NumericScaling:
    """Scaling of some columns, NaN meaning missing.

    The logarithm tames amounts and counts over several magnitudes; median and quartiles do not move with the tail that
    is left. Where the quartiles are equal, because one value fills half of a column, its standard deviation serves.

    Args:
        columns: the numeric columns of train, [N] each.
        knots: quantile knots of a column.
        labels: 0, 1 or NaN where unknown [N]; None leaves the tails without knots.
    """
    present = [column[~np.isnan(column)] for column in columns]
    spreads = [_center_and_scale(signed_log(values)) for values in present]
    known = np.full(len(columns[0]) if columns else 0, np.nan, np.float32) if labels is None else labels
    return NumericScaling(
        knots=tuple(quantile_knots(values, count=knots) for values in present),
        tails=tuple(certain_knots(column, known) for column in columns),
        center=np.array([center for center, _ in spreads], np.float32),
        scale=np.array([scale for _, scale in spreads], np.float32),
        missing=np.array([len(p) < len(c) for p, c in zip(present, columns, strict=True)], np.bool_),
    )


def quantile_knots(values: NDArray[np.float32], *, count: int) -> NDArray[np.float32]:
    """At most `count` increasing values that cut a column into equally full pieces (Gorishniy et al., 2022).

    A value that alone fills a piece gets one knot, and the others are spread over the rest: otherwise a count that is 0
    in nine rows of ten would keep three knots of twenty-four.
    """
    distinct, sizes = np.unique(values, return_counts=True)
    if len(distinct) <= count:
        return distinct.astype(np.float32)
    atoms = distinct[sizes > len(values) / count]
    rest = values[~np.isin(values, atoms)]
    places = np.linspace(0, 1, max(count - len(atoms), 2))
    return np.unique(np.concatenate([atoms, np.quantile(rest, places, method="inverted_cdf")])).astype(np.float32)


def certain_knots(values: NDArray[np.float32], labels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Knots among a column's highest values above which most rows are frauds, increasing; none where none are.

    Equally full pieces put everything that is rare into one of them, and what is rare may be certain: each amount above
    some limit a fraud. The rate above a knot counts with the lower end of its interval (Wilson, 1927): knots in every
    tail would let a network learn single rows by heart.

    >>> values = np.arange(1.0, 10_001.0, dtype=np.float32)
    >>> certain_knots(values, (values > 9_950).astype(np.float32)).tolist()
    [9900.0]

    Args:
        values: NaN where missing [N].
        labels: 0, 1 or NaN where unknown [N].
    """
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return np.zeros(0, np.float32)
    places = [1 - share for share in TAIL_SHARES]
    knots = np.unique(np.quantile(present, places, method="inverted_cdf")).astype(np.float32)
    return knots[[_mostly_fraud(labels[values > knot]) for knot in knots]]


def _mostly_fraud(labels: NDArray[np.float32]) -> bool:
    known = labels[~np.isnan(labels)].astype(np.float64)
    n, spread = len(known), DEVIATIONS**2
    if n < FEWEST:
        return False
    rate = known.mean()
    below = DEVIATIONS * np.sqrt(rate * (1 - rate) / n + spread / (4 * n**2))
    return bool((rate + spread / (2 * n) - below) / (1 + spread / n) > CERTAIN)


def signed_log(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """sign(x)·log1p|x|: a logarithm that passes through 0 and keeps signs."""
    return np.sign(values) * np.log1p(np.abs(values))


def _center_and_scale(values: NDArray[np.float32]) -> tuple[float, float]:
    if len(values) == 0:
        return 0.0, 1.0
    low, median, high = np.quantile(values.astype(np.float64), [0.25, 0.5, 0.75])
    scale = (high - low) / NORMAL_QUARTILES or float(values.std(dtype=np.float64))
    return float(median), float(scale) or 1.0
