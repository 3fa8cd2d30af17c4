"""Small made-up folds for the models' tests."""

from types import SimpleNamespace

import numpy as np

from models.rows import RowArrays

NUMERIC = 4
CARDINALITIES = (7, 40)


def made_rows(size, *, seed, missing=0.1):
    """Rows whose first column, square of the second and first category carry the label."""
    rng = np.random.default_rng(seed)
    numeric = rng.normal(size=(size, NUMERIC)).astype(np.float32) * np.array([1, 1, 50, 1], dtype=np.float32)
    codes = np.stack([rng.integers(0, cardinality, size) for cardinality in CARDINALITIES], axis=1).astype(np.int32)
    z = 2 * numeric[:, 0] + numeric[:, 1] ** 2 + (codes[:, 0] % 3) - 4
    label = (rng.random(size) < 1 / (1 + np.exp(-z))).astype(np.float32)
    numeric[rng.random(numeric.shape) < missing] = np.nan
    return RowArrays(
        numeric, codes, label, np.ones(size, dtype=np.float32), np.arange(size, dtype=np.int64) * 1_000_000
    )


def made_scaling(rows):
    knots = [np.unique(np.nanquantile(column, np.linspace(0, 1, 9))) for column in rows.numeric.T]
    return SimpleNamespace(knots=knots, center=np.zeros(NUMERIC), scale=np.array([1.0, 1.0, 3.0, 1.0]))
