"""What a fixed model promised and what has come of it by event day, while labels are still arriving."""

from dataclasses import dataclass

import numpy as np

from evaluation.statistics.change_detection import DailySums
from evaluation.statistics.label_delay import LabelCurves
from evaluation.statistics.sample import DAY, Floats, Integers, Mask

LEAST_KNOWN = 0.2
"""Share of a class that must be known at a row's age before the row counts: no label stands for more than five."""

SETTLED = 0.5
"""Share of both classes known from which on it can be told how many rows never get a label, blocked ones above all."""


@dataclass(frozen=True)
class WatchedRows:
    """Rows that a fixed model scored and never saw before.

    Attributes:
        labels: 0, 1 or NaN where not known yet [N].
        probabilities: P(fraud), finite [N].
        event_time: microseconds since 1970 [N].
    """

    labels: Floats
    probabilities: Floats
    event_time: Integers


@dataclass(frozen=True)
class ChampionDays:
    """Daily sums of a model: frauds, and the log loss that frauds cost, in the unit of a fraud of mean surprise."""

    frauds: DailySums
    loss: DailySums


def champion_days(rows: WatchedRows, delays: LabelCurves, *, as_of: int | None) -> ChampionDays:
    """What came of a model's promises by event day, as of one night.

    A known fraud counts 1 / P(a fraud of its age is known) times (Horvitz and Thompson, 1952); what was promised is the
    sum over all rows, known or not, so that it has no noise of its own. Rows too young to have a fifth of their frauds
    known are left out; so are rows older than the longest delay of either class that have no label, and of the younger
    ones' promise the share that no label ever comes of. A row without a label says that only once its label is due
    whichever its class: where honest rows are cleared later than frauds are reported, most of the unlabelled are honest
    rows whose time has not come.

    The loss is the part of the log loss that frauds cost, Σ −log p over frauds, against its promise Σ −p log p: it
    moves most where a model misses frauds that it used to find.

    >>> rows = WatchedRows(np.array([1.0, 0.0]), np.array([0.5, 0.25]), np.array([0, DAY]))
    >>> found = champion_days(rows, LabelCurves(None, None), as_of=None).frauds
    >>> found.observed.tolist(), found.expected.tolist()
    ([1.0, 0.0], [0.5, 0.25])

    Args:
        rows: in any order.
        delays: how soon labels of either class are known.
        as_of: the night, microseconds; None where all labels are known.
    """
    age = np.full(rows.labels.size, np.inf) if as_of is None else (as_of - rows.event_time).astype(np.float64)
    share, honest = delays.known_share(fraud=True, age=age), delays.known_share(fraud=False, age=age)
    due, unlabelled = np.minimum(share, honest), ~np.isfinite(rows.labels)
    finished, settled = due >= 1.0, due >= SETTLED
    kept = (share >= LEAST_KNOWN) & (age >= 0) & ~(finished & unlabelled)
    known = rows.probabilities * share + (1.0 - rows.probabilities) * honest
    labelled = _labelled_share(rows.probabilities[settled], unlabelled[settled], known[settled])
    coming = np.where(finished, 1.0, labelled)[kept]
    p, weight = np.clip(rows.probabilities[kept], 1e-12, 1.0), 1.0 / share[kept]
    fraud, day = rows.labels[kept] == 1, rows.event_time[kept] // DAY
    surprise = -np.log(p)
    unit = _ratio(float((p * surprise**2).sum()), float((p * surprise).sum()))
    frauds = _daily(day, fraud * weight, p * coming, weight)
    return ChampionDays(frauds, _daily(day, fraud * weight * surprise / unit, p * coming * surprise / unit, weight))


def _daily(day: Integers, observed: Floats, expected: Floats, weight: Floats) -> DailySums:
    first = int(day.min()) if day.size else 0
    place = day - first
    present = np.flatnonzero(np.bincount(place)).astype(np.int64)
    came, promised, noise = (
        np.bincount(place, each)[present].astype(np.float64) for each in (observed, expected, expected * (weight - 1.0))
    )
    return DailySums(present + first, came, promised, noise)


def _labelled_share(probabilities: Floats, unlabelled: Mask, known: Floats) -> float:
    """Share of the promise that ever gets a label: of that on labelled rows, against what should be labelled by now."""
    promised = float((probabilities * known).sum())
    return min(1.0, float(probabilities[~unlabelled].sum()) / promised) if promised > 0 else 1.0


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
