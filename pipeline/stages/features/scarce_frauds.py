"""Folds with so little fraud that what is fitted on them is chance: too few frauds, or all of them one story."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.split import Fold, Folds
from features.times import DAY

FITTED = {"train": "models are fitted", "valid": "settings are chosen", "calib": "probabilities are calibrated"}
"""Folds that something is fitted on, and what; test has its own floor, gate.min_frauds."""
FEWEST = 25
"""Rows of a class below which its rate is not known within 20 % (1 / √25)."""
FEWEST_UNITS = 5.0
"""Cards, merchants or days that a fold's frauds must at least be as good as."""


def scarce_warnings(folds: Folds, transactions: pa.Table) -> Iterator[str]:
    """Folds with few rows of a class, and folds whose frauds are of few cards, merchants or days.

    Args:
        folds: with their usable rows.
        transactions: the same rows.
    """
    for fold in folds.folds:
        if fold.name in FITTED:
            yield from _few_rows(fold)
            yield from _few_units(fold, folds, transactions)


def effective_units(codes: np.ndarray) -> float:
    """As how many equally frequent ones the values count: (Σ n)² / Σ n² over the n rows of each; 0 of none.

    >>> effective_units(np.array([1, 1, 2, 2])), effective_units(np.array([1] * 9 + [2])) < 1.3
    (2.0, True)
    """
    counts = np.unique(codes, return_counts=True)[1].astype(np.float64)
    return float(counts.sum() ** 2 / (counts**2).sum()) if counts.size else 0.0


def _few_rows(fold: Fold) -> Iterator[str]:
    for name, count in zip(("legitimate row", "fraud"), fold.usable, strict=True):
        if count < FEWEST:
            yield (
                f"{fold.name}, on which {FITTED[fold.name]}, has {count} usable {name}{'s' * (count != 1)}: with fewer "
                f"than {FEWEST} what is learned there is chance; lengthen split.{fold.name}, or wait for labels"
            )


def _few_units(fold: Fold, folds: Folds, transactions: pa.Table) -> Iterator[str]:
    label = pc.fill_null(pc.equal(transactions["label"], 1), False).to_numpy()
    frauds = np.flatnonzero(folds.usable & folds.rows(fold.name) & label)
    if len(frauds) < FEWEST:
        return
    for name, codes in _units(transactions.take(pa.array(frauds))):
        units = effective_units(codes)
        if len(codes) >= FEWEST and units < FEWEST_UNITS:
            yield (
                f"the {len(frauds):,} frauds of {fold.name}, on which {FITTED[fold.name]}, are of "
                f"{len(np.unique(codes)):,} {name}s (as good as {units:.1f}): what is learned there is the story of few"
            )


def _units(frauds: pa.Table) -> Iterator[tuple[str, np.ndarray]]:
    """Cards, merchants and days of rows, as codes; rows without an id are left out."""
    for name in ("card", "merchant"):
        if f"{name}_id" in frauds.column_names:
            ids = frauds[f"{name}_id"].drop_null().combine_chunks()
            yield name, np.asarray(ids.dictionary_encode().indices)
    yield "day", frauds["event_time"].cast(pa.int64()).to_numpy() // DAY
