"""What the clock said at a transaction: hour, weekday, night and weekend, in UTC."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features.times import DAY, HOUR

EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""


def hour(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hour of the day, 0 to 23."""
    return time % DAY // HOUR


def weekday(time: NDArray[np.int64]) -> NDArray[np.int64]:
    """Day of the week, Monday 0 to Sunday 6."""
    return (time // DAY + EPOCH_WEEKDAY) % 7


def night(time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """1 from 00:00 to 06:59, the night of the Fraud Detection Handbook (Le Borgne et al., 2022)."""
    return hour(time) <= 6


def weekend(time: NDArray[np.int64]) -> NDArray[np.bool_]:
    """1 on Saturday and Sunday."""
    return weekday(time) >= 5


CALENDAR: dict[str, Callable[[NDArray[np.int64]], NDArray[np.generic]]] = {
    "hour": hour,
    "weekday": weekday,
    "night": night,
    "weekend": weekend,
}
