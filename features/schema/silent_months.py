"""Months in which nobody looked: plenty of labelled rows and not one fraud."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

EXPECTED_FRAUDS = 20.0
"""With this many expected, a month without any has probability e⁻²⁰ = 2e-9 (Poisson)."""


def months_of(micros: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """The calendar month (UTC) of times in microseconds since 1970 [N]."""
    return micros.astype("datetime64[us]").astype("datetime64[M]")


@dataclass
class MonthlyLabels:
    """Labelled rows and frauds of each month, added up part by part."""

    rows: Counter[np.datetime64] = field(default_factory=Counter)
    frauds: Counter[np.datetime64] = field(default_factory=Counter)

    def add(self, micros: NDArray[np.int64], labels: NDArray[np.int8]) -> None:
        """Take in further rows.

        Args:
            micros: event times, microseconds since 1970 [N].
            labels: 0, 1, or −1 where unknown [N].
        """
        known = labels >= 0
        if not known.any():
            return
        months = months_of(micros[known])
        first = months.min()
        place = (months - first).astype(np.int64)
        rows, frauds = np.bincount(place), np.bincount(place, weights=labels[known]).astype(int)
        held = np.flatnonzero(rows)
        names = first + held.astype("timedelta64[M]")
        self.rows.update(dict(zip(names, rows[held].tolist(), strict=True)))
        self.frauds.update(dict(zip(names, frauds[held].tolist(), strict=True)))

    def without_fraud(self, *, expected: float = EXPECTED_FRAUDS) -> NDArray[np.datetime64]:
        """Months without a fraud in which the overall rate lets at least `expected` be expected, in order."""
        rate = self.frauds.total() / max(self.rows.total(), 1)
        silent = [month for month, rows in self.rows.items() if self.frauds[month] == 0 and rows * rate >= expected]
        return np.array(sorted(silent), "datetime64[M]")
