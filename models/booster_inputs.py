"""The columns a booster is fitted on: numbers, small categories a code a column, and what the encoder adds.

A booster cannot tell codes apart by their order, and the encoder's one logit says only what a category does on average.
Categories of few values therefore stand beside it as 0/1 columns, which any tree and any graph can split. Columns are
named by code, never by value: a value may be personal data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.rows import Float32s, Rows
from models.shared_encoder import SharedEncoder


@dataclass(frozen=True)
class OneHot:
    """A small categorical column as a 0/1 column a code.

    Attributes:
        name: of the column.
        place: of the column among the categorical ones.
        size: number of its codes, 0 for the unknown among them.
    """

    name: str
    place: int
    size: int

    @property
    def names(self) -> tuple[str, ...]:
        """A name a code."""
        return tuple(f"{self.name}={code}" for code in range(self.size))

    def columns(self, rows: Rows) -> Float32s:
        """1 where a row has the code, 0 elsewhere [N, size]."""
        codes = rows.categorical[:, self.place]
        found: Float32s = (codes[:, None] == np.arange(self.size)).astype(np.float32)
        return found


@dataclass(frozen=True)
class PlainColumns:
    """The columns that no fit has a part in.

    Attributes:
        numeric: names of the numeric columns.
        one_hot: the small categorical columns.
    """

    numeric: tuple[str, ...]
    one_hot: tuple[OneHot, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers, then those of every category."""
        return (*self.numeric, *(name for each in self.one_hot for name in each.names))

    def columns(self, rows: Rows) -> Float32s:
        """The values of rows [N, P]."""
        return np.concatenate([rows.numeric, *(each.columns(rows) for each in self.one_hot)], axis=1)


@dataclass(frozen=True)
class BoosterInputs:
    """All columns: the plain ones, then what the encoder that serves adds to them."""

    plain: PlainColumns
    encoder: SharedEncoder

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return (*self.plain.names, *self.encoder.names)

    def columns(self, rows: Rows) -> Float32s:
        """The values of rows that no label of the encoder came from [N, P]."""
        return np.concatenate([self.plain.columns(rows), self.encoder.columns(rows)], axis=1)


def plain_columns(
    numeric: Sequence[str], categorical: Sequence[str], sizes: Sequence[int], *, limit: int
) -> PlainColumns:
    """The numeric columns, and of the categorical ones those that have at most `limit` codes.

    Args:
        numeric: names of the numeric columns.
        categorical: names of the categorical columns.
        sizes: codes of each categorical column, the unknown included.
        limit: most codes of a column that is shown; 0 shows none.
    """
    columns = zip(categorical, sizes, strict=True)
    small = [OneHot(name, place, size) for place, (name, size) in enumerate(columns) if size <= limit]
    return PlainColumns(tuple(numeric), tuple(small))
