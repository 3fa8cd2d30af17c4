"""Logistic regression: the candidate that every other one has to beat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.network import SCALED_LIMIT, Scaling
from models.rows import Float64s, Rows, labelled_rows


@dataclass(frozen=True)
class LogisticBaseline:
    """z = v · weight + u · missing_weight + Σ_j category_weight_j[c_j] + shift.

    v_f = clip((sign(x_f) · log1p|x_f| − center_f) / scale_f, −8, 8), 0 where missing; u_f = 1 where x_f is missing.
    Vocabularies larger than `max_categories` of the fit have no weights (an empty tuple).
    """

    center: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    missing_weight: tuple[float, ...]
    category_weight: tuple[tuple[float, ...], ...]
    shift: float
    converged: bool
    note: str

    def margins(self, rows: Rows) -> Float64s:
        """Margins z of the rows [N]."""
        scaled, missing = _inputs(rows, np.array(self.center), np.array(self.scale))
        margin: Float64s = scaled @ np.array(self.weight) + missing @ np.array(self.missing_weight) + self.shift
        for index, weights in enumerate(self.category_weight):
            if weights:
                margin = margin + np.array(weights)[rows.categorical[:, index]]
        return margin

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LogisticBaseline":
        """The inverse of `to_dict`, also after JSON has turned tuples into lists."""
        return cls(**{name: _tuples(value) for name, value in values.items()})


def fit_logistic_baseline(
    train: Rows,
    *,
    scaling: Scaling,
    cardinalities: tuple[int, ...] = (),
    penalty: float = 1.0,
    max_categories: int = 64,
) -> LogisticBaseline:
    """L2-penalised logistic regression on scaled numbers, missing indicators and one-hot categories, no class weight.

    Newton's method on the normal equations, since rows outnumber columns by thousands; in float64, since windows of
    several lengths are nearly collinear and float32 has no digits left for that.

    Args:
        train: rows of the train fold; those without a label are left out.
        scaling: centre and scale per numeric column, fitted on train.
        cardinalities: number of codes per categorical column.
        penalty: λ of λ/2 · |weights|².
        max_categories: columns with more codes than this are left out.

    Raises:
        InputError: train lacks a class.
    """
    rows = labelled_rows(train, name="train")
    scaled, missing = _inputs(rows, np.asarray(scaling.center), np.asarray(scaling.scale))
    shown = [size if size <= max_categories else 0 for size in cardinalities]
    hot = [np.eye(size, dtype=np.float32)[rows.categorical[:, index]] for index, size in enumerate(shown) if size]
    matrix = np.concatenate([scaled, missing, *hot], axis=1, dtype=np.float64)
    steps = 100
    model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", max_iter=steps, tol=1e-6)
    model.fit(matrix, rows.label.astype(np.int64), sample_weight=np.asarray(rows.weight, dtype=np.float64))
    columns = scaled.shape[1]
    parts = np.split(
        model.coef_[0].astype(np.float64), np.cumsum([columns, columns, *shown[:-1]] if shown else [columns])
    )
    converged = int(model.n_iter_[0]) < steps
    return LogisticBaseline(
        center=tuple(float(value) for value in scaling.center),
        scale=tuple(float(value) for value in scaling.scale),
        weight=tuple(parts[0].tolist()),
        missing_weight=tuple(parts[1].tolist()),
        category_weight=tuple(tuple(part.tolist()) for part in parts[2:]),
        shift=float(model.intercept_[0]),
        converged=converged,
        note="" if converged else f"the solver stopped after {steps} steps",
    )


def _inputs(rows: Rows, center: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled numbers and missing indicators, both [N, F]."""
    missing = np.isnan(rows.numeric)
    scaled = np.sign(rows.numeric) * np.log1p(np.abs(rows.numeric))
    scaled = np.clip((scaled - center.astype(np.float32)) / scale.astype(np.float32), -SCALED_LIMIT, SCALED_LIMIT)
    return np.where(missing, np.float32(0), scaled), missing.astype(np.float32)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list | tuple) else value
