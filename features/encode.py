"""The fitted encoder: from a table of features to the arrays that models read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.encoding_options import EncodingConfig
from features.errors import InputError
from features.scaling import NumericScaling, fit_scaling
from features.vocabulary import Vocabulary, fit_vocabulary


@dataclass(frozen=True)
class Matrix:
    """Rows as models read them.

    Attributes:
        numeric: float32 [N, F], raw values, NaN where missing.
        categorical: int32 [N, C], codes, 0 for unknown.
        label: float32 [N], 0, 1 or NaN where not known.
        weight: float32 [N], for how many rows of its class each row stands.
        time: int64 [N], microseconds since 1970 UTC.
    """

    numeric: NDArray[np.float32]
    categorical: NDArray[np.int32]
    label: NDArray[np.float32]
    weight: NDArray[np.float32]
    time: NDArray[np.int64]

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.integer[Any]]) -> "Matrix":
        """The chosen rows alone."""
        return Matrix(
            self.numeric[chosen], self.categorical[chosen], self.label[chosen], self.weight[chosen], self.time[chosen]
        )


@dataclass(frozen=True)
class Encoder:
    """Vocabularies and numeric scaling, fitted on train and then only applied.

    Numbers stay raw in the matrix, because trees want them so; `scaling` travels beside them for the network.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    vocabularies: tuple[Vocabulary, ...]
    scaling: NumericScaling

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each categorical column, the unknown one included."""
        return tuple(vocabulary.size for vocabulary in self.vocabularies)

    def apply(self, table: pa.Table) -> Matrix:
        """The rows of a feature table as arrays, in the table's order.

        Raises:
            InputError: the table lacks a column the encoder was fitted on.
        """
        _check_columns(table, (*self.numeric, *self.categorical))
        rows = table.num_rows
        numeric = np.empty((rows, len(self.numeric)), np.float32)
        categorical = np.empty((rows, len(self.categorical)), np.int32)
        for place, name in enumerate(self.numeric):
            numeric[:, place] = numbers(table[name])
        for place, (name, vocabulary) in enumerate(zip(self.categorical, self.vocabularies, strict=True)):
            categorical[:, place] = vocabulary.apply(table[name])
        label = numbers(table["label"]) if "label" in table.column_names else np.full(rows, np.nan, np.float32)
        weighed = "label_weight" in table.column_names
        weight = numbers(table["label_weight"]) if weighed else np.ones(rows, np.float32)
        return Matrix(numeric, categorical, label, weight, _times(table))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state."""
        return {
            "version": 1,
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "vocabularies": [vocabulary.to_dict() for vocabulary in self.vocabularies],
            "scaling": self.scaling.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Encoder":
        """The encoder that `to_dict` described."""
        return cls(
            numeric=tuple(state["numeric"]),
            categorical=tuple(state["categorical"]),
            vocabularies=tuple(Vocabulary.from_dict(vocabulary) for vocabulary in state["vocabularies"]),
            scaling=NumericScaling.from_dict(state["scaling"]),
        )


def fit_encoder(
    table: pa.Table, *, numeric: Sequence[str], categorical: Sequence[str], settings: EncodingConfig
) -> Encoder:
    """An encoder fitted on the rows whose `fold` is "train" and on no other.

    Args:
        table: features with a column `fold`, and with `label` where frauds may tell which high values deserve a knot.
        numeric: numeric feature columns.
        categorical: categorical feature columns.
        settings: the [features.encoding] section.

    Raises:
        InputError: a column is missing, or no row is in train.
    """
    _check_columns(table, (*numeric, *categorical, "fold"))
    labels = [name for name in ("label",) if name in table.column_names]
    train = table.select([*numeric, *categorical, *labels]).filter(pc.equal(table["fold"], "train"))
    if train.num_rows == 0:
        raise InputError(f"fold 'train' must have rows to fit the encoder on, got 0 of {table.num_rows}")
    vocabularies = tuple(
        fit_vocabulary(
            train[name],
            min_count=settings.min_count,
            max_size=settings.max_categories,
            buckets=settings.hash_buckets,
        )
        for name in categorical
    )
    scaling = fit_scaling(
        [numbers(train[name]) for name in numeric],
        knots=settings.knots,
        labels=numbers(train["label"]) if labels else None,
    )
    return Encoder(tuple(numeric), tuple(categorical), vocabularies, scaling)


def numbers(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """A numeric column as float32 [N], NaN where null."""
    values = column.to_numpy() if column.null_count == 0 else pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
    return np.asarray(values, np.float32)


def _times(table: pa.Table) -> NDArray[np.int64]:
    if "event_time" not in table.column_names:
        return np.zeros(table.num_rows, np.int64)
    return np.asarray(table["event_time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(), np.int64)


def _check_columns(table: pa.Table, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(f"{len(missing)} columns missing in the feature table: {', '.join(map(repr, missing))}")
