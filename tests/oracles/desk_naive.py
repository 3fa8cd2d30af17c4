"""Money, capacity curve and figures of the desk recomputed row by row from scores.parquet, with none of Harbor's code.

python -m tests.oracles.desk_naive RUN/evaluate/scores.parquet --candidate hybrid --alert-cost 5
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

MONTH, DAY = 30.4, 86_400_000_000
Row = tuple[float, float, float, object, int, float]
"""Label, P(fraud), amount, card (None for none), microseconds, weight."""


def costs_of(rows: Sequence[Row], flags: Sequence[bool], *, alert: float, decline: float = 0.0, recovery: float = 1.0):
    """Cost with the flags, cost without any, alerts, frauds caught and value caught, one row after the other."""
    cost = loss = alerts = caught = value = 0.0
    for (label, _, amount, _, _, weight), flag in zip(rows, flags, strict=True):
        loss += weight * amount * label
        if flag:
            alerts += weight
            caught += weight * label
            value += weight * label * amount
            cost += weight * (alert + (decline if not label else amount * (1 - recovery)))
        else:
            cost += weight * label * amount
    return cost, loss, alerts, caught, value


def days_of(rows: Sequence[Row]) -> int:
    """Days from the first to the last, both counted."""
    days = [row[4] // DAY for row in rows]
    return max(days) - min(days) + 1


def money(rows: Sequence[Row], *, alert: float, decline: float = 0.0, recovery: float = 1.0) -> dict[str, float]:
    """The policy of expected loss: what it saves a month and as a share of the loss."""
    flags = [row[1] * row[2] >= (alert + decline) / recovery for row in rows]
    cost, loss, alerts, _, value = costs_of(rows, flags, alert=alert, decline=decline, recovery=recovery)
    days = days_of(rows)
    return {
        "saved": (loss - cost) * MONTH / days,
        "savings": 1 - cost / loss,
        "alerts_a_day": alerts / days,
        "value_recall": value / loss,
    }


def capacity(rows: Sequence[Row], share: float) -> dict[str, float]:
    """Precision and recall where the rows of largest p · amount are looked into, whole ties, at most this share."""
    values = sorted({row[1] * row[2] for row in rows}, reverse=True)
    best = math.inf
    for value in values:
        if sum(row[1] * row[2] >= value for row in rows) > share * len(rows):
            break
        best = value
    flags = [row[1] * row[2] >= best for row in rows]
    _, _, alerts, caught, _ = costs_of(rows, flags, alert=0.0)
    frauds = sum(row[0] * row[5] for row in rows)
    return {"precision": caught / alerts if alerts else math.nan, "recall": caught / frauds}


def accounts(rows: Sequence[Row], flags: Sequence[bool]) -> dict[str, float]:
    """Cards with a fraud of which some row up to the last fraud was flagged, and legitimate cards flagged for each."""
    last: dict[object, int] = {}
    flagged: dict[object, list[int]] = defaultdict(list)
    for (label, _, _, card, time, _), flag in zip(rows, flags, strict=True):
        if card is None:
            continue
        if label:
            last[card] = max(time, last.get(card, time))
        if flag:
            flagged[card].append(time)
    found = sum(any(time <= last[card] for time in flagged.get(card, ())) for card in last)
    false = sum(card not in last for card in flagged)
    return {"account_detection": found / len(last), "false_accounts": false / found if found else math.nan}


def true_positive_rate(rows: Sequence[Row], *, false_positive_rate: float) -> float:
    """The largest recall of any threshold whose share of flagged legitimate rows is at most this."""
    honest = sum(row[5] for row in rows if not row[0])
    frauds = sum(row[5] for row in rows if row[0])
    best = 0.0
    for threshold in {row[1] for row in rows}:
        false = sum(row[5] for row in rows if not row[0] and row[1] >= threshold)
        if false <= false_positive_rate * honest:
            best = max(best, sum(row[5] for row in rows if row[0] and row[1] >= threshold) / frauds)
    return best


def rows_from(path: Path, candidate: str) -> list[Row]:
    """The rows of known label of a scores.parquet."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    names = ("label", candidate, "amount", "card_id", "weight")
    label, p, amount, card, weight = (table[name].to_pylist() for name in names)
    time = table["event_time"].cast("int64").to_pylist()
    return [row for row in zip(label, p, amount, card, time, weight, strict=True) if row[0] is not None]


def main() -> None:
    """Print the figures that the report has too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--candidate", default="hybrid")
    parser.add_argument("--alert-cost", type=float, default=5.0)
    asked = parser.parse_args()
    rows = rows_from(asked.scores, asked.candidate)
    flags = [row[1] * row[2] >= asked.alert_cost for row in rows]
    print("money", money(rows, alert=asked.alert_cost))
    print("accounts", accounts(rows, flags))


if __name__ == "__main__":
    main()
