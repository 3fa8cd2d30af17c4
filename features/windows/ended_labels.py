"""Labels of a table that another one replaced, or that were withdrawn, brought to the chunks of an entity."""

import numpy as np
from numpy.typing import NDArray

from features.earlier_labels import EarlierLabels
from features.windows.groups import ChunkRows, Groups
from features.windows.standing_labels import EndedLabels


def in_order_of_places(earlier: EarlierLabels, groups: Groups) -> EarlierLabels:
    """The labels of rows that have a group, `row` being their place in (chunk, time) order, in order of that."""
    places = groups.places[earlier.row].astype(np.int64)
    order = np.argsort(places, kind="stable")
    order = order[places[order] >= 0]
    return EarlierLabels(places[order], earlier.label[order], earlier.available[order], earlier.until[order])


def ended_labels(placed: EarlierLabels, rows: ChunkRows, ranks: NDArray[np.int32]) -> EndedLabels | None:
    """Those of a chunk's rows, in (group, time) order; None where it has none.

    Args:
        placed: of all rows, in order of their places.
        rows: the chunk.
        ranks: where in the chunk each of its rows stands, as `ChunkRows.ranks` says.
    """
    first, end = np.searchsorted(placed.row, [rows.places.start, rows.places.stop])
    if first == end:
        return None
    mine = ranks[placed.row[first:end] - rows.places.start]
    order = np.argsort(mine, kind="stable")
    keys = 2 * placed.available[first:end] + placed.label[first:end]
    return EndedLabels(mine[order], keys[order], placed.until[first:end][order])
