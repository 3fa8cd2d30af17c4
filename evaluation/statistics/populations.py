"""The parts of a fold that a number can speak of, and what a fold would show at another prevalence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.errors import InputError
from evaluation.formatting import day_text
from evaluation.statistics.sample import DAY, WEEK, Floats, Integers, Mask, Sample, same_length, sample


@dataclass(frozen=True)
class JudgedRows:
    """What evaluation knows of the rows it judges, beside their probabilities.

    Attributes:
        labels: 0, 1 or NaN where the outcome is not known [N].
        event_time: microseconds since the epoch, UTC [N].
        amount: major units, ≥ 0 [N].
        card: integer codes, < 0 where there is none [N]; None for data without cards. Codes never leave this folder.
        new_card: True where the card has no earlier row in all the data [N]; None where unknown.
        groups: name of a grouping such as "merchant_category" to each row's value [N].
        merchant: integer codes like those of cards [N]; None for data without merchants.
        weight: how many rows of its class each row stands for, ≥ 0 [N]; None where every row counts once.
        compromised: True where a fraud of the card was known before the fold began [N]; None where unknown.
    """

    labels: Floats
    event_time: Integers
    amount: Floats
    card: Integers | None = None
    new_card: Mask | None = None
    groups: Mapping[str, NDArray[Any]] | None = None
    merchant: Integers | None = None
    weight: Floats | None = None
    compromised: Mask | None = None

    def __post_init__(self) -> None:
        same_length(
            self.labels.size,
            event_time=self.event_time,
            amount=self.amount,
            card=self.card,
            new_card=self.new_card,
            merchant=self.merchant,
            weight=self.weight,
            compromised=self.compromised,
            **dict(self.groups or {}),
        )

    def where(self, mask: Mask) -> "JudgedRows":
        """The rows of a mask."""
        return JudgedRows(
            self.labels[mask],
            self.event_time[mask],
            self.amount[mask],
            None if self.card is None else self.card[mask],
            None if self.new_card is None else self.new_card[mask],
            {name: values[mask] for name, values in (self.groups or {}).items()},
            None if self.merchant is None else self.merchant[mask],
            None if self.weight is None else self.weight[mask],
            compromised=None if self.compromised is None else self.compromised[mask],
        )

    @property
    def effective_rows(self) -> float:
        """Rows of weight 1 whose mean would be as certain: (Σ weight)² / Σ weight² (Kish, 1965)."""
        if self.weight is None:
            return float(self.labels.size)
        squares = float((self.weight**2).sum())
        return float(self.weight.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True)
class Population:
    """A named part of a fold: which kind of cut, its name, and its rows [N]."""

    kind: str
    name: str
    mask: Mask


def shared_populations(rows: JudgedRows, *, largest_groups: int = 12) -> list[Population]:
    """Parts that do not depend on a model: weeks, the largest values of each grouping, new cards.

    Weeks run from the first day of the fold, so the first is a whole one; the last may be short.

    >>> rows = JudgedRows(np.zeros(3), np.array([0, DAY, WEEK]), np.ones(3))
    >>> [(part.kind, part.name, int(part.mask.sum())) for part in shared_populations(rows)]
    [('week', '1970-01-01', 2), ('week', '1970-01-08', 1)]

    Args:
        rows: the judged rows.
        largest_groups: how many values of each grouping become a part, the most frequent first.
    """
    result = _weeks(rows.event_time)
    for kind, values in (rows.groups or {}).items():
        names, counts = np.unique(values.astype(str), return_counts=True)
        order = np.lexsort((names, -counts))[:largest_groups]
        result += [Population(kind, str(names[i]), values.astype(str) == names[i]) for i in order]
    if rows.new_card is not None:
        result.append(Population("card", "new cards", rows.new_card))
        result.append(Population("card", "known cards", ~rows.new_card))
    return result


def score_populations(
    probabilities: ArrayLike, *, budgets: Sequence[float], borderline: tuple[float, float]
) -> list[Population]:
    """Parts chosen by the model itself: the rows an alert budget would show to people, and the undecided ones.

    A budget takes whole ties only, so it may hold fewer rows than its share.

    >>> parts = score_populations([0.9, 0.6, 0.6, 0.1], budgets=(0.5,), borderline=(0.2, 0.8))
    >>> [(part.name, part.mask.tolist()) for part in parts]
    [('top 50 %', [True, False, False, False]), ('0.2 ≤ p ≤ 0.8', [False, True, True, False])]

    Args:
        probabilities: P(fraud) [N].
        budgets: shares of rows, each in (0, 1].
        borderline: the lowest and the highest probability that counts as undecided.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    values, counts = np.unique(-p, return_counts=True)
    reached = np.cumsum(counts)
    result = []
    for budget in budgets:
        fits = reached <= max(budget * p.size, 1.0)
        cut = -values[fits][-1] if fits.any() else np.inf
        result.append(Population("alert budget", f"top {100 * budget:g} %", p >= cut))
    low, high = borderline
    result.append(Population("borderline", f"{low:g} ≤ p ≤ {high:g}", (p >= low) & (p <= high)))
    return result


def at_prevalence(
    labels: ArrayLike, probabilities: ArrayLike, *, prevalence: float, weight: ArrayLike | None = None
) -> Sample:
    """The same rows as they would look where fraud had another prevalence.

    Rows are weighted so that each class gets its new share, and odds are multiplied by the ratio of the new to the old
    prior odds (Saerens, Latinne & Decaestecker, 2002): right where only the prior differs, within classes nothing.

    >>> there = at_prevalence([1, 0], [0.5, 0.5], prevalence=0.2)
    >>> there.probabilities.tolist(), there.weight.tolist()
    ([0.2, 0.2], [0.4, 1.6])

    Args:
        labels: 0 or 1 [N].
        probabilities: P(fraud) [N].
        prevalence: the other one.
        weight: row weights, ≥ 0 [N]; what they make the prevalence of these rows is the old one.

    Raises:
        InputError: the prevalence is not inside (0, 1), or one class is missing.
    """
    s = sample(labels, probabilities, weight=weight)
    own = s.frauds / s.rows if s.rows else 0.0
    if not (0.0 < prevalence < 1.0 and 0.0 < own < 1.0):
        raise InputError(
            f"both prevalences must lie inside (0, 1), got {own:g} in the data and {prevalence:g} asked for"
        )
    factor = prevalence * (1.0 - own) / (own * (1.0 - prevalence))
    shifted = factor * s.probabilities / (factor * s.probabilities + 1.0 - s.probabilities)
    times = np.where(s.labels > 0.5, prevalence / own, (1.0 - prevalence) / (1.0 - own))
    return Sample(s.labels, shifted, s.weight * times)


def _weeks(event_time: Integers) -> list[Population]:
    if event_time.size == 0:
        return []
    start = int(event_time.min()) // DAY * DAY
    week = (event_time - start) // WEEK
    return [Population("week", day_text(start + int(w) * WEEK), week == w) for w in np.unique(week)]
