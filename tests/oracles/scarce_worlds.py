"""Folds in which little happened: few frauds, or frauds that are the story of one card, shop or day.

Public reports: scikit-learn#29551 (one positive row in a fit).
"""

import numpy as np
import pyarrow as pa

from features.split import Fold, Folds
from features.times import DAY

NAMES = ("train", "valid", "calib", "test")


def world(*, frauds: tuple[int, ...], cards: int = 50, days: int = 50, merchants: int = 50):
    """Folds of 500 usable rows each, of which so many are fraud, spread over so many cards, merchants and days."""
    size = 500
    code = np.repeat(np.arange(4, dtype=np.int8), size)
    label = np.concatenate([(np.arange(size) < count).astype(np.int8) for count in frauds])
    number = np.tile(np.arange(size), 4)
    folds = tuple(
        Fold(name, 0, 1, size, 0, (size - count, count), (0, 0), 1) for name, count in zip(NAMES, frauds, strict=True)
    )
    table = pa.table(
        {
            "event_time": pa.array(number % days * DAY, pa.timestamp("us", "UTC")),
            "label": pa.array(label),
            "card_id": pa.array([f"c{value}" for value in number % cards]),
            "merchant_id": pa.array(number % merchants),
        }
    )
    return Folds(code, np.ones(len(code), bool), folds, 0), table
