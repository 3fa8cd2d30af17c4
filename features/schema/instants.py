"""A column of times as they were read: moments, and which rows had none that could be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from features.schema.faults import Mask
from features.times import DAY, datetime_microseconds

NOT_A_TIME = np.iinfo(np.int64).min
"""Stands in an array of microseconds where there is no time."""
NEVER = datetime_microseconds(datetime(9999, 1, 1, tzinfo=UTC))
AFTER_ALL_TIMES = NEVER + 365 * DAY
"""A time in the year 9999 says "not yet": databases write it for an end that is open."""


@dataclass(frozen=True)
class Instants:
    """One column of times.

    Attributes:
        micros: int64 [N], NOT_A_TIME where missing or unreadable.
        unreadable: rows [N] with a value that is not a time, by what must hold.
        naive: rows [N] whose value had no zone and was read in the preset's.
        midnight: rows [N] at 00:00 of the zone that they were read in; looked for only where days have an end.
    """

    micros: NDArray[np.int64]
    unreadable: Mapping[str, Mask]
    naive: Mask
    midnight: Mask

    def taken(self, rows: NDArray[np.int64]) -> "Instants":
        """The times of some rows, by their places."""
        unreadable = {what: mask[rows] for what, mask in self.unreadable.items()}
        return Instants(self.micros[rows], unreadable, self.naive[rows], self.midnight[rows])
