"""Which rows move together: the units that are drawn as a whole, and what two of them share.

Fraud comes in bursts on one card, at one merchant and on one day, so rows are not independent and neither are cards:
two cards at one compromised merchant fall together. A unit of which there are few tells little about its own spread
and is not drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY, Floats, Integers

CELL = "cell"
"""What one card and one merchant share: rows that two one-way draws both count, and that are therefore taken off."""
CROSSED = ("card", "merchant")
MOST_GROUPS = 5_000
"""Clusters of a unit beyond this number are dealt at random into so many groups, whose spread is the same."""
SPARSE = 8
"""How many times as many values as codes make sorting the codes quicker than counting them."""
CHOICES = ("auto", "card", "merchant", "day", "row")


@dataclass(frozen=True)
class Dependence:
    """Units that are drawn as a whole.

    Attributes:
        units: name to the code of each row's cluster, or of the group it was dealt to [N]; `cell` among them where
            both cards and merchants are drawn.
        clusters: name to how many clusters there are, before any were dealt into groups; without `cell`. A row without
            a card or merchant is drawn as one of its own, but is not counted as one.
        left_out: units that were wanted or at hand, and of which there are too few to be drawn.
    """

    units: Mapping[str, Integers]
    clusters: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def by(self) -> str:
        """The units in words, such as "card, merchant and day"."""
        *others, last = self.clusters
        return f"{', '.join(others)} and {last}" if others else last

    @property
    def crossed(self) -> bool:
        """Whether both cards and merchants are drawn."""
        return CELL in self.units

    def widest(self, residuals: Floats) -> Integers:
        """Codes of the unit whose clusters spread a sum of residuals most [N]: for draws that afford one unit only.

        Args:
            residuals: weight · (label − P(fraud)) [N].
        """
        return self.units[self.widest_name(residuals)]

    def widest_name(self, residuals: Floats) -> str:
        """Which unit `widest` gives the codes of."""
        spread = {name: float((np.bincount(self.units[name], weights=residuals) ** 2).sum()) for name in self.clusters}
        return max(spread, key=lambda name: spread[name])


def dependence(rows: JudgedRows, *, by: str, fewest: int) -> Dependence:
    """The units that are drawn on these rows.

    With "auto" cards, merchants and days, each where the data has it and at least `fewest` of it; rows where neither
    cards nor merchants can be drawn. A unit asked for by name that is absent or too few gives way to the next of
    card, merchant, day and row. What is counted is what these rows hold, so units of a part are asked of that part.

    >>> rows = JudgedRows(np.zeros(4), np.arange(4), np.ones(4), card=np.array([0, 0, 1, 2]))
    >>> dependence(rows, by="auto", fewest=3).by, dependence(rows, by="day", fewest=2).by
    ('card', 'card')

    Args:
        rows: the rows that are drawn from, and no others.
        by: "auto", "card", "merchant", "day" or "row".
        fewest: clusters below which a unit is not drawn.

    Raises:
        ValueError: `by` is none of the five.
    """
    if by not in CHOICES:
        raise ValueError(f"clusters must be one of {', '.join(CHOICES)}, got {by!r}")
    codes = _every_unit(rows)
    clusters = {name: _known(rows, name, found) for name, found in codes.items()}
    scarce = _scarce(clusters, fewest)
    chosen = _chosen([name for name in codes if name not in scarce], by)
    left_out = {name: clusters[name] for name in scarce if by in {"auto", name}}
    return Dependence(_dealt_units(codes, chosen), {name: clusters[name] for name in chosen}, left_out)


def cluster_codes(
    card: Integers | None, event_time: Integers, *, by: str, merchant: Integers | None = None
) -> Integers:
    """Cluster of each row [N]: its card, its merchant, its UTC day, or itself; rows without one are their own.

    Args:
        card: card codes [N], < 0 where there is none, or None where the data has no cards.
        event_time: microseconds since the epoch [N].
        by: "card", "merchant", "day" or "row"; a column that is absent falls back to "row".
        merchant: merchant codes [N], like those of cards.

    >>> cluster_codes(np.array([7, -1, 7]), np.array([0, 1, 2]), by="card").tolist()
    [7, -2, 7]

    Raises:
        ValueError: `by` is none of the four.
    """
    if by not in CHOICES[1:]:
        raise ValueError(f"clusters must be one of {', '.join(CHOICES[1:])}, got {by!r}")
    own = np.arange(event_time.size, dtype=np.int64)
    if by == "day":
        return event_time // DAY
    column = {"card": card, "merchant": merchant, "row": None}[by]
    return own if column is None else np.where(column >= 0, column, -1 - own)


def compact(codes: Integers) -> Integers:
    """The same clusters as codes 0 … G − 1, in the order of the given ones [N].

    >>> compact(np.array([7, -2, 7])).tolist()
    [1, 0, 1]
    """
    low, high = (int(codes.min()), int(codes.max())) if codes.size else (0, 0)
    if high - low >= SPARSE * max(codes.size, 1):
        return np.unique(codes, return_inverse=True)[1].astype(np.int64)
    present = np.bincount(codes - low) > 0
    result: Integers = (np.cumsum(present) - 1)[codes - low]
    return result


def _every_unit(rows: JudgedRows) -> dict[str, Integers]:
    present = {"card": rows.card, "merchant": rows.merchant, "day": rows.event_time, "row": rows.event_time}
    return {
        name: compact(cluster_codes(rows.card, rows.event_time, by=name, merchant=rows.merchant))
        for name, column in present.items()
        if column is not None and not (name in CROSSED and column.size and not (column >= 0).any())
    }


def _known(rows: JudgedRows, unit: str, codes: Integers) -> int:
    """How many cards or merchants these rows name, or how many days or rows they are."""
    column = {"card": rows.card, "merchant": rows.merchant}.get(unit)
    return _count(codes) if column is None else int(np.unique(column[column >= 0]).size)


def _count(codes: Integers) -> int:
    return int(codes.max()) + 1 if codes.size else 0


def _scarce(clusters: Mapping[str, int], fewest: int) -> list[str]:
    return [name for name, count in clusters.items() if name != "row" and count < fewest]


def _chosen(enough: list[str], by: str) -> list[str]:
    """What is drawn of the units of which there are enough; rows, the last of them, always are."""
    if by != "auto":
        return [by if by in enough else enough[0]]
    return [name for name in enough if name != "row"] if set(CROSSED) & set(enough) else enough


def _dealt_units(codes: Mapping[str, Integers], chosen: list[str]) -> dict[str, Integers]:
    units = {name: _dealt(codes[name]) for name in chosen}
    return units | {CELL: _dealt(_crossed(codes))} if set(CROSSED) <= set(chosen) else units


def _crossed(codes: Mapping[str, Integers]) -> Integers:
    card, merchant = (codes[name] for name in CROSSED)
    return compact(card * _count(merchant) + merchant)


def _dealt(codes: Integers) -> Integers:
    """Codes 0 … G − 1 as they are where G is moderate; else whole clusters dealt into groups by a hash of their code.

    The groups of independent clusters are independent, and a sum over them has the variance of the sum over clusters.
    """
    if codes.size == 0 or int(codes.max()) < MOST_GROUPS:
        return codes
    mixed = codes.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for factor, shift in ((0xBF58476D1CE4E5B9, 30), (0x94D049BB133111EB, 27)):  # Steele, Lea & Flood (2014)
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return compact(((mixed ^ (mixed >> np.uint64(31))) % np.uint64(MOST_GROUPS)).astype(np.int64))
