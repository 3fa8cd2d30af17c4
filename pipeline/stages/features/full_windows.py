"""Windows that were not yet full when a row came: which rows of train these are, and columns that show it."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.encode import numbers
from features.split import Fold, Folds
from features.times import duration_text, time_text
from features.windows.spec import FeatureSpec

EMPTY_GAP = 0.5
"""Difference in the share of missing values between train and valid from which a column is named."""
MOST_LOST = 0.5
"""Share of train's rows of known label that may be lost to cold windows before a warning says so."""


def longest_window(spec: FeatureSpec, *, label_delay: int) -> int:
    """Microseconds of history that fill every window; a label enters its window only `label_delay` after its row.

    0 where no column has a window, as without entities. Columns without one, that look at every earlier row, are never
    full and ask for nothing.
    """
    return max(
        (
            column.window + (label_delay if column.clock == "label_available_at" else 0)
            for column in spec.columns
            if column.window is not None
        ),
        default=0,
    )


def without_cold_rows(
    folds: Folds, *, event_time: np.ndarray, label: np.ndarray, warmup: int
) -> tuple[Folds, int | None]:
    """Folds in which train uses no row earlier than the first row of the file and `warmup`; and that moment.

    The other folds lie later. The moment is None where nothing is asked for.

    Raises:
        InputError: train keeps no row of a class.
    """
    if warmup == 0 or not event_time.size:
        return folds, None
    full_from = int(event_time.min()) + warmup
    cold = folds.rows("train") & (event_time < full_from)
    if not (cold & folds.usable).any():
        return folds, full_from
    return folds.without(cold, label=label, event_time=event_time, reason="cold"), full_from


def cold_warnings(train: Fold, *, warmup: int, full_from: int | None) -> Iterator[str]:
    """That most of train's rows came before their windows were full, where they did."""
    cold, used = sum(train.cold), sum(train.usable)
    if full_from is not None and cold > MOST_LOST * (cold + used):
        yield (
            f"{cold:,} of {cold + used:,} rows of train are not trained on ({train.cold[1]:,} of "
            f"{train.cold[1] + train.usable[1]:,} frauds): their windows of up to {duration_text(warmup)} were not "
            f"full before {time_text(full_from)}. A longer history, a later train or shorter windows would use them; "
            f"split.warmup = '0d' trains on them as they are"
        )


def empty_column_warnings(table: pa.Table, columns: Sequence[str]) -> Iterator[str]:
    """Columns that are missing in most rows that train fits on and not in valid's, or the other way.

    Args:
        table: features with `fold` and `label`, null where a row is not used.
        columns: the numeric ones.
    """
    found = []
    for name in columns:
        train, valid = (_missing_share(table, name, fold) for fold in ("train", "valid"))
        if abs(train - valid) > EMPTY_GAP:
            found.append(f"{name} ({train:.0%} of train, {valid:.0%} of valid)")
    if found:
        named = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
        yield (
            f"missing in one fold and not in the other: {named}. What a model learns of them in train does not hold "
            f"later; a longer history or a longer split.warmup fills them"
        )


def _missing_share(table: pa.Table, name: str, fold: str) -> float:
    rows = pc.and_(pc.fill_null(pc.equal(table["fold"], fold), False), pc.is_valid(table["label"]))
    return float(np.isnan(numbers(table[name].filter(rows))).mean())
