"""How much of feature rows a model has never met: categories that it does not know, numbers that are not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.bundle.signature import Signature

SHOWN = 6
WORTH_NAMING = 0.05
"""Share from which a column is named."""


@dataclass(frozen=True)
class Coverage:
    """Shares of rows by column, columns without any left out.

    Attributes:
        unseen: of categories that are given and that the vocabulary does not hold.
        missing: of numbers that are not given.
    """

    unseen: Mapping[str, float]
    missing: Mapping[str, float]
    categorical: int
    numeric: int

    @property
    def line(self) -> str:
        """Both in one sentence, means over columns first."""
        parts = [
            _part("categories unseen in training", self.unseen, self.categorical),
            _part("numbers missing", self.missing, self.numeric),
        ]
        return "; ".join(part for part in parts if part)


def feature_coverage(table: pa.Table, signature: Signature, encoder: Any) -> Coverage:
    """What of feature rows the model does not know.

    Args:
        table: rows with the graph's columns.
        signature: of the graph.
        encoder: content of the bundle's encoder.json; what it does not say is left out.
    """
    codes = _codes(encoder)
    unseen = {
        name: _unseen_share(table[name], codes[name])
        for name in signature.categorical
        if name in codes and name in table.column_names
    }
    missing = {name: _missing_share(table[name]) for name in signature.numeric if name in table.column_names}
    return Coverage(_above_zero(unseen), _above_zero(missing), len(unseen), len(missing))


def _codes(encoder: Any) -> dict[str, Any]:
    try:
        pairs = zip(encoder["categorical"], encoder["vocabularies"], strict=True)
        return {str(name): vocabulary["codes"].keys() for name, vocabulary in pairs}
    except (TypeError, KeyError, ValueError, AttributeError):
        return {}


def _unseen_share(column: pa.ChunkedArray, known: Any) -> float:
    if not len(column):
        return 0.0
    text = pc.cast(column, pa.string())
    given = pc.and_(pc.is_valid(text), pc.not_equal(pc.fill_null(text, ""), ""))
    unknown = pc.invert(pc.is_in(text, value_set=pa.array(list(known), pa.string())))
    return float(pc.mean(pc.and_(given, unknown)).as_py())


def _missing_share(column: pa.ChunkedArray) -> float:
    if not len(column):
        return 0.0
    missing = np.asarray(pc.is_null(column, nan_is_null=True))
    return float(missing.mean())


def _above_zero(shares: Mapping[str, float]) -> dict[str, float]:
    return {name: share for name, share in sorted(shares.items(), key=lambda item: -item[1]) if share > 0}


def _part(what: str, shares: Mapping[str, float], columns: int) -> str:
    if not columns:
        return ""
    named = [f"{name} {share:.1%}" for name, share in shares.items() if share >= WORTH_NAMING]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    of_columns = f" ({', '.join(named[:SHOWN])}{more})" if named else ""
    return f"{what} {sum(shares.values()) / columns:.1%}{of_columns}"
