"""Where the booster may cut a column: equally full bins, and ever finer ones among its highest values.

Bins of a quantile sketch hold equally many rows, so that a rule over some hundred of half a million rows (an amount
that no honest row reaches) lies inside one bin and no tree can state it. Cuts among the highest values, at ranks in
geometric steps down to the very last row, find such a rule whatever the number of rows, and cost no bin more.
"""

import numpy as np
from numpy.typing import NDArray

from models.rows import Float32s, Float64s, Floats

TAIL_SHARE = 0.005
"""Share of the rows among which the cuts of the tail are spread."""


def cut_rows(matrix: Float32s, weight: Floats, *, cuts: int, tail: int) -> Float32s:
    """Rows [K, P] that hold the cuts of each column, NaN where a column has fewer than others.

    Args:
        matrix: columns [N, P], NaN where missing.
        weight: for how many rows each row stands, above zero [N].
        cuts: cuts a column at most, above `tail`; a column of no more values is cut at each.
        tail: how many of them lie among the highest values.
    """
    columns = [_column_cuts(column, weight, cuts=cuts, tail=tail) for column in matrix.T]
    rows = np.full((max([1, *map(len, columns)]), len(columns)), np.nan, dtype=np.float32)
    for place, found in enumerate(columns):
        rows[: len(found), place] = found
    return rows


def _column_cuts(column: Float32s, weight: Floats, *, cuts: int, tail: int) -> Float32s:
    present = ~np.isnan(column)
    order = np.argsort(column[present])
    values = column[present][order]
    distinct: Float32s = np.unique(values)
    if len(distinct) <= cuts:
        return distinct
    below = np.cumsum(weight[present][order], dtype=np.float64)
    rows = float(below[-1])
    wanted = np.concatenate([np.linspace(0, rows, cuts - tail), rows - _tail_ranks(rows, count=tail)])
    places = np.minimum(np.searchsorted(below, wanted, side="right"), len(values) - 1)
    found: Float32s = np.unique(values[places])
    return found


def _tail_ranks(rows: float, *, count: int) -> Float64s:
    """Rows above each cut of the tail: from one to the tail's share in geometric steps, each a whole number."""
    ranks: NDArray[np.float64] = np.unique(np.geomspace(1, max(2.0, TAIL_SHARE * rows), count).round())
    return ranks
