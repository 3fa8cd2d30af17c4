"""What the people who work the alerts meet: how many of their alerts are frauds, and what a daily list finds."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.sample import DAY, Floats, Integers, Mask, same_length, sample


@dataclass(frozen=True)
class CardTimes:
    """Which card each row is of, and when it happened.

    Attributes:
        card: codes, < 0 where there is none [N].
        event_time: microseconds, UTC [N].
        compromised: rows of cards that were known to be compromised before the first of these days [N]; None for none.
    """

    card: Integers
    event_time: Integers
    compromised: Mask | None = None


@dataclass(frozen=True)
class DailyCards:
    """Card precision per day, days ascending: the mean over `precision` is the headline."""

    day: Integers
    precision: Floats
    compromised: Integers

    @property
    def mean(self) -> float:
        """Mean over days, each day alike; NaN without days."""
        return float(self.precision.mean()) if self.precision.size else float("nan")


def precision_at(
    labels: ArrayLike, probabilities: ArrayLike, *, threshold: float = 0.5, weight: ArrayLike | None = None
) -> float:
    """Share of frauds among the rows with probability ≥ threshold; NaN where no row reaches it.

    >>> precision_at([1, 0, 1, 1, 0], [0.9, 0.6, 0.5, 0.5, 0.1])
    0.75

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        threshold: least probability of a flagged row.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    flagged = s.weight * (s.probabilities >= threshold)
    return float(flagged @ s.labels) / float(flagged.sum()) if flagged.sum() > 0 else float("nan")


def share_negatives_above(
    labels: ArrayLike, probabilities: ArrayLike, *, level: float = 0.95, weight: ArrayLike | None = None
) -> float:
    """Share of the legitimate rows with probability > level: certainty that was misplaced. NaN without such rows.

    >>> share_negatives_above([0, 0, 0, 0, 1], [0.99, 0.95, 0.4, 0.1, 0.99])
    0.25

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        level: probabilities above it are sure.
        weight: row weights, ≥ 0 [N].
    """
    s = sample(labels, probabilities, weight=weight)
    legitimate = s.weight * (1.0 - s.labels)
    total = float(legitimate.sum())
    return float(legitimate @ (s.probabilities > level)) / total if total > 0 else float("nan")


def card_precision(labels: ArrayLike, probabilities: ArrayLike, *, cards: CardTimes, top: int = 100) -> DailyCards:
    """Card precision top-k per day, as the Fraud Detection Handbook defines it (Le Borgne et al., 2022, ch. 4.4).

    Each UTC day the distinct cards are ordered by their highest probability that day, and the first `top` are looked
    into. A card is a hit if any of its rows that day is fraud; hits are removed from all later days, and cards whose
    fraud was known before the first day from all of them, as the Handbook's `get_train_test_set` removes what was known
    from its test set: such a card is blocked, and nobody is praised for finding it again. The day's precision is
    hits / top, also where fewer cards transacted, and days with no row left count 0 hits. Rows without a card cannot be
    looked into and are left out. Equal probabilities are ordered by card code, so row order changes nothing.

    >>> cards = CardTimes(np.array([1, 2, 1, 2]), np.array([0, 0, DAY, DAY]))
    >>> card_precision([1, 0, 1, 1], [0.9, 0.4, 0.8, 0.3], cards=cards, top=1).precision.tolist()
    [1.0, 1.0]

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        cards: which card each row is of, when it happened, and which cards were known to be compromised before.
        top: cards looked into per day.

    Raises:
        ValueError: an array has another length than the labels, or a label or probability is impossible.
    """
    s = sample(labels, probabilities)
    card, times = np.asarray(cards.card, dtype=np.int64), np.asarray(cards.event_time, dtype=np.int64)
    same_length(s.labels.size, card=card, event_time=times, compromised=cards.compromised)
    kept = card >= 0
    day, code, best, fraud = _card_days(times[kept] // DAY, card[kept], s.probabilities[kept], s.labels[kept] > 0.5)
    known = np.zeros(0, np.int64) if cards.compromised is None else card[kept & cards.compromised]
    every, place = np.unique(code, return_inverse=True)
    found = np.isin(every, known)
    days, start = np.unique(day, return_index=True)
    hits, compromised = np.zeros(days.size), np.zeros(days.size, dtype=np.int64)
    for i, (first, last) in enumerate(pairwise([*start.tolist(), day.size])):
        open_rows = first + np.flatnonzero(~found[place[first:last]])
        compromised[i] = fraud[open_rows].sum()
        listed = open_rows[np.lexsort((code[open_rows], -best[open_rows]))[:top]]
        caught = listed[fraud[listed]]
        hits[i] = caught.size
        found[place[caught]] = True
    return DailyCards(days, hits / top, compromised)


def _card_days(
    day: Integers, card: Integers, probabilities: Floats, fraud: Mask
) -> tuple[Integers, Integers, Floats, Mask]:
    """One row per day and card, days ascending: highest probability and whether any row is fraud."""
    order = np.lexsort((card, day))
    day, card, probabilities, fraud = day[order], card[order], probabilities[order], fraud[order]
    if day.size == 0:
        return day, card, probabilities, fraud
    start = np.flatnonzero(np.r_[True, (np.diff(day) != 0) | (np.diff(card) != 0)])
    return day[start], card[start], np.maximum.reduceat(probabilities, start), np.logical_or.reduceat(fraud, start)
