"""Deliveries that are not whole, single and fresh, and a naive count of the days on which nothing came.

Public reports: databrickslabs/dqx#373 (a feed that stopped, days that lack), GoogleCloudPlatform/datashare-toolkit#83
(the same file under two names).
"""

import numpy as np
import pandas as pd

from features.times import DAY


def silent_stretches(first: int, rows: list[int]) -> list[tuple[int, int]]:
    """First and last day of each stretch that should have had 20 rows and had hardly any; the last day apart."""
    judged = len(rows) - 1
    expected = []
    for day in range(judged):
        same = [rows[other] for other in range(len(rows)) if other % 7 == day % 7]
        expected.append(sum(same) / len(same))
    found, day = [], 0
    while day < judged:
        end = day
        while end < judged and rows[end] <= 0.05 * expected[end]:
            end += 1
        if end > day and sum(expected[day:end]) >= 20:
            found.append((first + day, first + end - 1))
        day = max(end, day + 1)
    return found


def rows_of_days(first: int, rows: np.ndarray) -> np.ndarray:
    """Times with so many rows on each day, microseconds since 1970."""
    days = np.repeat(np.arange(first, first + len(rows)), rows)
    within = np.concatenate([np.linspace(0, DAY - 1, count, dtype=np.int64) for count in rows if count])
    return days * DAY + within


def feed(days: int = 60, *, ids: bool = True, without: tuple[int, int] = (0, 0)) -> pd.DataFrame:
    """Thirty rows a day, some of fraud; the days of `without` (first, one past the last) are missing."""
    rng = np.random.default_rng(5)
    rows = np.full(days, 30)
    rows[slice(*without)] = 0
    time = rows_of_days(19_723, rows)
    frame = pd.DataFrame(
        {
            "transaction_id": [f"t{number}" for number in range(len(time))],
            "event_time": pd.to_datetime(time, unit="us").strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "card_id": [f"c{card}" for card in rng.integers(0, 90, len(time))],
            "amount": [f"{amount:.2f}" for amount in rng.gamma(2, 20, len(time))],
            "label": np.where(np.arange(len(time)) % 40 == 0, "1", "0"),
        }
    )
    return frame if ids else frame.drop(columns="transaction_id")
