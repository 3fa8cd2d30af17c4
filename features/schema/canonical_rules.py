"""What must hold of a row that could be read: five rules, and the rows that break each."""

import numpy as np
from numpy.typing import NDArray

from features.schema.column_text import EXACT_FLOAT
from features.schema.faults import Mask
from features.schema.instants import NOT_A_TIME
from features.schema.preset import Preset
from features.times import datetime_microseconds


def broken_rules(
    preset: Preset,
    *,
    time: NDArray[np.int64],
    amount: NDArray[np.float64],
    label: NDArray[np.int8],
    available: NDArray[np.int64],
) -> dict[str, Mask]:
    """Rows [N] that break each rule, by the reason that is told.

    Args:
        preset: says which times and amounts can be.
        time: microseconds since 1970, `NOT_A_TIME` where there is none to judge [N].
        amount: major units [N].
        label: 0, 1, or −1 where unknown [N].
        available: when the label became known, microseconds since 1970 [N].
    """
    times, largest = preset.event_time, EXACT_FLOAT // preset.amount.scale
    earliest = times.origin if times.kind == "elapsed" else times.earliest
    first, last = datetime_microseconds(earliest), datetime_microseconds(times.latest)
    span = f"{earliest:%Y-%m-%d} and {times.latest:%Y-%m-%d}"
    known, finite = time != NOT_A_TIME, np.isfinite(amount)
    return {
        "amount: must be a finite number ≥ 0": ~(finite & (amount >= 0)),
        "amount: must be at most 2^53 minor units": finite & (amount > largest),
        f"event_time: must lie between {span}, is the unit right?": known & ((time < first) | (time > last)),
        "label: must be 0, 1 or blank": ~np.isin(label, (-1, 0, 1)),
        "label_available_at: must not lie before event_time": known & (available < time),
    }
