"""The 128 values of an embedding in a few: its principal directions."""

from collections.abc import Mapping

import numpy as np

from models.errors import InputError
from models.rows import Float32s, Floats

CENTER, DIRECTIONS = "reduced_center", "reduced_directions"
"""Names of the two arrays among those of a network."""


def principal_directions(values: Floats, *, components: int) -> dict[str, np.ndarray]:
    """The centre [E] and the directions [E, C] of largest variance (Pearson, 1901), by `CENTER` and `DIRECTIONS`.

    Of a direction and its opposite the one whose largest entry is positive is taken: the same values give the same
    columns.

    Args:
        values: rows [N, E].
        components: how many directions.

    Raises:
        InputError: more components than columns, or fewer than two rows.
    """
    rows, width = values.shape
    if components > width or rows < 2:
        raise InputError(f"{components} components need as many columns and two rows, got {rows} rows of {width}")
    exact = np.asarray(values, dtype=np.float64)
    _, vectors = np.linalg.eigh(np.cov(exact, rowvar=False).reshape(width, width))
    directions = vectors[:, ::-1][:, :components]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(components)])
    return {CENTER: exact.mean(axis=0).astype(np.float32), DIRECTIONS: directions.astype(np.float32)}


def reduced(values: Float32s, state: Mapping[str, np.ndarray]) -> Float32s:
    """The components [N, C] of rows [N, E]."""
    result: Float32s = (values - state[CENTER]) @ state[DIRECTIONS]
    return result
