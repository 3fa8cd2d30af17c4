"""Days on which a feed was silent: no row, or hardly any, where its own weekdays let plenty be expected."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.times import DAY

EXPECTED_ROWS = 20.0
"""So many expected on days without any have probability e⁻²⁰ = 2e-9 (Poisson)."""
HARDLY_ANY = 0.05
"""Share of what is expected that counts as a day without rows."""
WEEK = 7


@dataclass(frozen=True)
class Silence:
    """Consecutive silent days.

    Attributes:
        first: days since 1970.
        last: the last of them.
        expected: rows that should have come on them.
        at_end: whether nothing came after them.
    """

    first: int
    last: int
    expected: float
    at_end: bool

    @property
    def days(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def daily_rows(times: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]]:
    """The day since 1970 of the first row, and the rows of each day from then on [D].

    Args:
        times: microseconds since 1970 [N], N > 0.
    """
    days = times // DAY
    first = int(days.min())
    return first, np.bincount(days - first).astype(np.int64)


def silences(first: int, rows: NDArray[np.int64], *, until: int | None = None) -> Iterator[Silence]:
    """Stretches of silent days, in order; where a weekday has never rows, none are missing on it.

    What is to be expected on a day is the mean of the same weekday. The last day of the rows may have ended early and
    is not judged.

    >>> next(silences(0, np.array([30] * 20 + [0, 0, 1] + [30] * 9))).days
    3

    Args:
        first: the day since 1970 of the first number.
        rows: rows of each day [D].
        until: the moment up to which the feed should reach, microseconds since 1970; None for its own last row.
    """
    held = len(rows)
    whole = held - 1 if until is None else max(until // DAY - first, 0)  # the day that `until` lies in is not over
    counts = np.zeros(max(whole, held), np.int64)
    counts[:held] = rows
    weekdays = np.arange(len(counts)) % WEEK
    means = [
        counts[:held][weekdays[:held] == day].mean() if (weekdays[:held] == day).any() else 0 for day in range(WEEK)
    ]
    expected = np.asarray(means, np.float64)[weekdays][:whole]
    quiet = counts[:whole] <= HARDLY_ANY * expected
    starts = np.flatnonzero(quiet & ~np.concatenate([[False], quiet[:-1]]))
    ends = np.flatnonzero(quiet & ~np.concatenate([quiet[1:], [False]]))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        total = float(expected[start : end + 1].sum())
        if total >= EXPECTED_ROWS:
            missed = start + np.flatnonzero(expected[start : end + 1])
            yield Silence(first + int(missed[0]), first + int(missed[-1]), total, at_end=not counts[end + 1 :].any())
