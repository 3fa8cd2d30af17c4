"""A few hashes that stand for the rows of a fold: enough to tell how many rows two folds share."""

import base64
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

SIZE = 512
"""Hashes kept: a share of one half is told to within 2 percentage points or so."""


@dataclass(frozen=True)
class RowSketch:
    """The smallest 64-bit hashes of a fold's transaction ids (bottom-k sketch of Cohen and Kaplan, 2007).

    Attributes:
        rows: rows of the fold.
        hashes: the smallest of their hashes, ascending, at most `SIZE`.
    """

    rows: int
    hashes: np.ndarray

    def share_in(self, other: "RowSketch") -> float:
        """Share of these rows that are among the other's, estimated.

        Below the smaller of the two largest hashes both sketches are complete, so there the rows that are shared can
        be counted; which rows have small hashes is chance.

        >>> numbers = [str(number) for number in range(2_000)]
        >>> one, other = (row_sketch(pa.array(ids)) for ids in (numbers[:1_000], numbers[500:]))
        >>> one.share_in(one), 0.4 < one.share_in(other) < 0.6
        (1.0, True)
        """
        limit = min((each.hashes[-1] for each in (self, other) if each.hashes.size == SIZE), default=None)
        own = self.hashes if limit is None else self.hashes[self.hashes <= limit]
        return float(np.isin(own, other.hashes).mean()) if own.size else 0.0

    def to_text(self) -> str:
        """The hashes as they stand in a ledger."""
        return base64.b64encode(self.hashes.astype("<u8").tobytes()).decode()

    @classmethod
    def from_text(cls, rows: int, text: str) -> "RowSketch":
        """The inverse of `to_text`; raises ValueError where the text holds no hashes."""
        return cls(rows, np.frombuffer(base64.b64decode(text, validate=True), "<u8"))


def row_sketch(ids: pa.Array | pa.ChunkedArray) -> RowSketch:
    """The sketch of some rows.

    Args:
        ids: transaction ids [N].
    """
    return RowSketch(len(ids), np.unique(row_hashes(ids))[:SIZE])


def row_hashes(ids: pa.Array | pa.ChunkedArray) -> NDArray[np.uint64]:
    """A number per row that its id alone decides [N], the same in every run.

    Args:
        ids: transaction ids [N].
    """
    hashes: NDArray[np.uint64] = pd.util.hash_array(ids.to_pandas().to_numpy(object, na_value=""))
    return hashes
