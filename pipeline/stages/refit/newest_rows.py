"""Whether the newest rows are as complete as those before: a feed that broke must not be learned from."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.encode import numbers

PARTS = 7
"""Pieces of the newest block that are looked at one by one: of a week, its days."""
FEWEST = 30
"""Rows that a piece must have before a column of it is called empty."""
LOST = 0.5
"""Rise of the share of missing values from which a column is called lost."""
VOLUME = (0.6, 1 / 0.6)
"""Rows of the newest block over those of an ordinary one before."""
FEWEST_BEFORE = 2
"""Whole blocks before the newest that say what is ordinary."""


def feed_faults(
    table: pa.Table,
    event_time: np.ndarray,
    *,
    now: int,
    block: int,
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
) -> list[str]:
    """What is wrong with the newest rows, in words; nothing where they look as those before did.

    Args:
        table: the feature rows of a window that ends now, in order of time [N].
        event_time: microseconds since 1970 [N].
        now: its end.
        block: length of what counts as newest.
        numeric: names of the numeric columns.
        categorical: names of the categorical columns.
    """
    return [
        *_volume_faults(event_time, now=now, block=block),
        *_lost_columns(table, event_time, now=now, block=block, numeric=numeric, categorical=categorical),
    ]


def _volume_faults(event_time: np.ndarray, *, now: int, block: int) -> Iterator[str]:
    age = (now - event_time) // block
    whole = int(age.max(initial=-1))  # the oldest block may have begun before the window did
    counts = np.bincount(age[age < whole], minlength=max(whole, 1))
    if whole < FEWEST_BEFORE + 1:
        return
    ordinary, newest = float(np.median(counts[1:])), float(counts[0])
    if not VOLUME[0] <= newest / ordinary <= VOLUME[1]:
        yield f"the newest block holds {newest:,.0f} rows, an ordinary one {ordinary:,.0f}"


def _lost_columns(
    table: pa.Table,
    event_time: np.ndarray,
    *,
    now: int,
    block: int,
    numeric: tuple[str, ...],
    categorical: tuple[str, ...],
) -> Iterator[str]:
    before, newest = event_time <= now - block, event_time > now - block
    piece = np.minimum((event_time[newest] - (now - block) - 1) * PARTS // block, PARTS - 1)
    rows = np.bincount(piece, minlength=PARTS)
    if before.sum() < FEWEST or rows.max(initial=0) < FEWEST:
        return
    lost = []
    for name in (*numeric, *categorical):
        missing = _missing(table[name], text=name in categorical)
        share = np.bincount(piece, missing[newest], minlength=PARTS) / np.maximum(rows, 1)
        if share[rows >= FEWEST].max() - missing[before].mean() > LOST:
            lost.append(name)
    if lost:
        named = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        yield f"{len(lost)} columns are missing in newest rows that were there before: {named}"


def _missing(column: pa.ChunkedArray, *, text: bool) -> np.ndarray:
    if text:
        filled = pc.fill_null(pc.cast(column, pa.string()), "")
        found: np.ndarray = pc.equal(filled, "").to_numpy().astype(np.float64)
        return found
    return np.isnan(numbers(column)).astype(np.float64)
