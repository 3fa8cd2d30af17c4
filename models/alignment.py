"""One network's embedding told in the components of another's, without a label.

Two networks fitted apart know much the same, each in columns of its own. What one says of rows is then nearly a linear
function of what the other says of them, and the function can be read off rows that neither has learned from.
"""

import numpy as np

from models.errors import InputError
from models.pca import CENTER, DIRECTIONS
from models.rows import Floats

RIDGE = 1e-3
"""Penalty, as a share of the mean variance of the columns: those of an embedding are nearly dependent."""


def aligned_directions(values: Floats, components: Floats, *, ridge: float = RIDGE) -> dict[str, np.ndarray]:
    """The centre [E] and the directions [E, C] that bring a network's embedding nearest to another's components.

    By `CENTER` and `DIRECTIONS`, so that `models.pca.reduced` applies them. Nearest in squares, penalised (Hoerl and
    Kennard, 1970).

    Args:
        values: rows [N, E] of the network to be told.
        components: the same rows [N, C] in the components of the other, each of mean zero.
        ridge: penalty; 0 for plain least squares.

    Raises:
        InputError: other rows, or fewer than two.
    """
    if len(values) != len(components) or len(values) < 2:
        raise InputError(
            f"an alignment needs two rows or more, the same in both, got {len(values)} and {len(components)}"
        )
    source, target = np.asarray(values, dtype=np.float64), np.asarray(components, dtype=np.float64)
    center = source.mean(axis=0)
    spread = (source - center).T @ (source - center)
    penalty = ridge * np.trace(spread) / len(spread) * np.eye(len(spread))
    # a unit that never fires leaves a column of zeros, which only a pseudo-inverse takes
    directions = np.linalg.pinv(spread + penalty, hermitian=True) @ (source - center).T @ target
    return {CENTER: center.astype(np.float32), DIRECTIONS: directions.astype(np.float32)}
