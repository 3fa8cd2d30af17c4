"""What the rows were that were set aside: how many frauds, how much money, of which days.

Rows that cannot be read are no random sample. A wrong date format loses the newest file, a thousands separator the
large amounts, a chargeback dated on the day of its payment the frauds, and what is left looks well.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.schema.faults import Mask, marked_rows
from features.schema.instants import NOT_A_TIME
from features.times import DAY

LABEL = "label:"
"""What the reason of a label that cannot be read begins with."""
FEWEST_OF_A_WORD = 3
"""Rows from which a label that cannot be read is a spelling of its own, and no accident."""

MOST_WORDS = 1_000
"""So many words are kept: a column of ids in the place of labels must not fill the memory."""


@dataclass(frozen=True)
class SetAside:
    """Sums over rows that were set aside.

    Attributes:
        rows: how many.
        frauds: those known to be fraud.
        label_words: rows with no other fault than a label that cannot be read, by what stands there.
        amount: major units, refunds as their size; roughly where it could not be read.
        days: rows by day since 1970, as far as their time can be read.
        frauds_of: frauds by reason.
    """

    rows: int = 0
    frauds: int = 0
    label_words: Counter[str] = field(default_factory=Counter)
    amount: float = 0.0
    days: Counter[int] = field(default_factory=Counter)
    frauds_of: Counter[str] = field(default_factory=Counter)

    @property
    def unread_labels(self) -> int:
        """Rows whose label is a word that nobody reads: it stands in several rows, so each of them may be a fraud."""
        return sum(count for count in self.label_words.values() if count >= FEWEST_OF_A_WORD)

    def __add__(self, other: "SetAside") -> "SetAside":
        return SetAside(
            self.rows + other.rows,
            self.frauds + other.frauds,
            Counter(dict((self.label_words + other.label_words).most_common(MOST_WORDS))),
            self.amount + other.amount,
            self.days + other.days,
            self.frauds_of + other.frauds_of,
        )


def rows_set_aside(
    masks: Mapping[str, Mask],
    bad: Mask,
    *,
    time: NDArray[np.int64],
    label: NDArray[np.int8],
    amount: NDArray[np.float64],
    spelled: pa.Array,
    words: pa.Array | None,
) -> SetAside:
    """Sums over the rows of a batch that break a rule.

    Args:
        masks: rows [N] that break each rule, by reason.
        bad: rows [N] that break any.
        time: microseconds since 1970, `NOT_A_TIME` where there is none [N].
        label: 0, 1, or −1 where unknown [N].
        amount: major units, 0 where it cannot be read [N].
        spelled: the amounts as they were written [N].
        words: the labels as they were written [N]; None where the source has none.
    """
    if not bad.any():
        return SetAside()
    fraud = bad & (label == 1)
    unread = marked_rows({reason: mask for reason, mask in masks.items() if reason.startswith(LABEL)}, len(bad))
    unread &= ~marked_rows({reason: mask for reason, mask in masks.items() if not reason.startswith(LABEL)}, len(bad))
    written = pa.nulls(len(bad)) if words is None else words
    dark = np.flatnonzero(bad & (amount == 0))
    return SetAside(
        rows=int(bad.sum()),
        frauds=int(fraud.sum()),
        label_words=Counter(map(str, written.take(pa.array(np.flatnonzero(unread))).to_pylist())),
        amount=float(np.abs(amount[bad]).sum()) + _rough_sum(spelled.take(pa.array(dark)).to_pylist()),
        days=_days(time[bad]),
        frauds_of=Counter(
            {reason: int((mask & fraud).sum()) for reason, mask in masks.items() if (mask & fraud).any()}
        ),
    )


def duplicates_set_aside(rows: pa.Table, reasons: Sequence[str]) -> tuple[SetAside, int, float]:
    """Sums over transactions of which no row stays, each once; and what the rows taken out had of frauds and amount.

    A repeat of a row that stays is set aside too, and nothing is lost with it.

    Args:
        rows: all rows of the ids that came more than once.
        reasons: why each cannot stay, "" where it can.

    Returns:
        What is lost, and the frauds and the amount to take off the sums over accepted rows.
    """
    frame = pd.DataFrame(
        {
            "id": rows["transaction_id"].to_numpy(zero_copy_only=False),
            "fraud": rows["label"].fill_null(-1).to_numpy() == 1,
            "amount": rows["amount"].to_numpy(),
            "time": rows["event_time"].cast(pa.int64()).to_numpy(),
            "reason": np.asarray(reasons, object),
        }
    )
    gone = frame[frame["reason"] != ""]
    kept = frame.loc[frame["reason"] == "", "id"]
    lost = gone[~gone["id"].isin(kept)]
    each = lost.groupby("id").agg(fraud=("fraud", "max"), amount=("amount", "max"), time=("time", "max"))
    frauds_of = Counter(lost[lost["fraud"]].drop_duplicates("id")["reason"])
    found = SetAside(
        rows=len(gone),
        frauds=int(each["fraud"].sum()),
        amount=float(each["amount"].sum()),
        days=_days(each["time"].to_numpy(np.int64)),
        frauds_of=frauds_of,
    )
    return found, int(gone["fraud"].sum()), float(gone["amount"].sum())


def _days(time: NDArray[np.int64]) -> Counter[int]:
    days, counts = np.unique(time[time != NOT_A_TIME] // DAY, return_counts=True)
    return Counter(dict(zip(days.tolist(), counts.tolist(), strict=True)))


def _rough_sum(spelled: Iterable[object]) -> float:
    """What amounts come to that no rule could read: the last mark with one or two digits behind it is the decimal's."""
    total = 0.0
    for value in spelled:
        digits = re.sub(r"[^\d.,]", "", str(value))
        decimal = re.search(r"[.,](\d{1,2})$", digits)
        whole, part = (digits, "0") if decimal is None else (digits[: decimal.start()], decimal[1])
        number = re.sub(r"\D", "", whole)[:15]
        total += float(f"{number or 0}.{part}")
    return total
