"""Exports that lose rows which are no random sample: frauds, large amounts, the newest day."""

from pathlib import Path

import numpy as np
import pandas as pd

ROWS, FRAUDS = 2000, 40


def chargebacks_of_the_day(*, frauds: int = FRAUDS, same_day: int = 20) -> pd.DataFrame:
    """Chargebacks carry the first second of their day: one of the payment's own day lies before it.

    Public reports: ConsumerDataStandardsAustralia/standards-maintenance#173.
    """
    rng = np.random.default_rng(3)
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 180 * 86400, ROWS)), unit="s")
    fraud = np.zeros(ROWS, bool)
    fraud[rng.choice(ROWS - 1, frauds, replace=False)] = True
    today = np.zeros(ROWS, bool)
    today[np.flatnonzero(fraud)[:same_day]] = True
    date = np.where(today, time.strftime("%Y-%m-%d 00:00:01"), (time + pd.Timedelta(days=9)).strftime("%Y-%m-%d"))
    return pd.DataFrame(
        {
            "transaction_id": [f"t{number:06d}" for number in range(ROWS)],
            "event_time": time.strftime("%Y-%m-%d %H:%M:%S"),
            "card_id": [f"c{card:03d}" for card in rng.integers(0, 40, ROWS)],
            "merchant_id": [f"m{shop:03d}" for shop in rng.integers(0, 15, ROWS)],
            "amount": [f"{amount:.2f}" for amount in rng.gamma(2, 20, ROWS)],
            "label": np.where(fraud, "1", "0"),
            "label_available_at": np.where(fraud, date, ""),
        }
    )


def unread_words(*, yes: str, rows: int) -> pd.DataFrame:
    """Some frauds are called by a word that the preset does not have."""
    frame = chargebacks_of_the_day(same_day=0)
    frame.loc[frame.index[frame["label"] == "1"][:rows], "label"] = yes
    return frame


def large_amounts_with_commas() -> pd.DataFrame:
    """A comma stands in amounts from a thousand on, and these are fraud more often; `plain` is what they are.

    Public reports: teelur/budget-board#688, Expensify/App#94178.
    """
    frame = chargebacks_of_the_day(same_day=0)
    plain = frame["amount"].astype(float)
    large = np.arange(ROWS) % 20 == 0
    plain = plain.where(~large, (plain * 60 + 1000).round(2))
    frame.loc[np.arange(ROWS) % 40 == 0, "label"] = "1"
    return frame.assign(amount=plain.map("{:,.2f}".format), plain=plain)


def one_class(label: str) -> pd.DataFrame:
    return chargebacks_of_the_day(same_day=0).assign(label=label)


def export(frame: pd.DataFrame, folder: Path) -> Path:
    path = folder / "export.csv"
    frame.to_csv(path, index=False)
    return path
