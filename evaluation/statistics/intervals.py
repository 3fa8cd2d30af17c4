"""Intervals of every headline statistic, and of differences between candidates, from one paired cluster bootstrap.

Fraud comes in bursts on one card, so rows are not independent: whole cards (or days) are drawn with replacement. All
candidates see the same draws, so a difference between two of them keeps what they have in common.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaluation.statistics.alerts import card_precision
from evaluation.statistics.resampling import Folded, folded, statistics
from evaluation.statistics.sample import Floats, Integers, same_length, sample

BLOCK_FLOATS = 12_000_000
"""Floats that one block of resamples may need: it bounds memory and never changes a result."""
BIASED = ("ece", "ece_equal_mass", "ece_equal_positives")
"""Statistics that resampling pushes upwards; their intervals are moved back by that bias."""


@dataclass(frozen=True)
class BootstrapSettings:
    """What the statistics inside a bootstrap need to know."""

    resamples: int = 1000
    budget: float = 0.01
    bins: int = 15
    threshold: float = 0.5
    level: float = 0.95
    top_cards: int = 100
    ranking: bool = True
    confidence: float = 0.95


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap percentile interval; NaN and a reason where it is undefined."""

    value: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True)
class Replicates:
    """Statistics on the rows themselves and on each resample, per candidate and statistic."""

    values: Mapping[str, Mapping[str, float]]
    resampled: Mapping[str, Mapping[str, Floats]]
    confidence: float
    clusters: int

    def interval(self, candidate: str, statistic: str) -> Interval:
        """Percentile interval of one statistic; for calibration errors it is moved back by the bootstrap's bias."""
        value, draws = self.values[candidate][statistic], self.resampled[candidate][statistic]
        return percentile_interval(value, draws, confidence=self.confidence, centred=statistic in BIASED)

    def difference(self, candidate: str, other: str, statistic: str) -> Interval:
        """Interval of candidate − other on the same draws: it excludes 0 where the two really differ."""
        value = self.values[candidate][statistic] - self.values[other][statistic]
        draws = self.resampled[candidate][statistic] - self.resampled[other][statistic]
        return percentile_interval(value, draws, confidence=self.confidence, centred=statistic in BIASED)


def paired_bootstrap(
    labels: ArrayLike,
    candidates: Mapping[str, ArrayLike],
    *,
    clusters: ArrayLike,
    rng: np.random.Generator,
    settings: BootstrapSettings,
    amount: ArrayLike | None = None,
    card: ArrayLike | None = None,
    event_time: ArrayLike | None = None,
) -> Replicates:
    """Headline statistics of every candidate under the same draws of whole clusters (Efron & Tibshirani, 1993).

    As many clusters as there are get drawn with replacement, `resamples` times. Card precision is a mean over days, so
    days are drawn for it, from the same generator afterwards, with the day's list as it came out on the data.

    Args:
        labels: 0 or 1 [N].
        candidates: name to P(fraud) [N].
        clusters: any integer code per row [N], such as the card's or the day's; see `cluster_codes`.
        rng: source of the draws; the number of draws does not depend on the candidates.
        settings: number of resamples, thresholds, bins.
        amount: value of each row [N]; None counts each row as 1.
        card: card codes [N], < 0 where there is none; None leaves card precision out.
        event_time: microseconds since the epoch [N]; needed with `card`.
    """
    y = np.asarray(labels, dtype=np.float64)
    codes = np.unique(np.asarray(clusters, dtype=np.int64), return_inverse=True)[1].astype(np.int64)
    count = int(codes.max()) + 1 if codes.size else 0
    value = np.ones(y.shape) if amount is None else np.asarray(amount, dtype=np.float64)
    same_length(y.size, clusters=codes, amount=value)
    rows = {
        name: folded(
            sample(y, p),
            clusters=codes,
            cluster_count=count,
            amount=value,
            budget=settings.budget,
            bins=settings.bins,
            threshold=settings.threshold,
            level=settings.level,
            ranking=settings.ranking,
        )
        for name, p in candidates.items()
    }
    point = {name: _scalars(statistics(f, np.ones((count, 1)))) for name, f in rows.items()}
    resampled = _resampled(rows, count, rng, settings.resamples)
    if card is not None and event_time is not None:
        days = {
            name: card_precision(y, p, card=card, event_time=event_time, top=settings.top_cards).precision
            for name, p in candidates.items()
        }
        _add_card_precision(point, resampled, days, rng, settings.resamples)
    return Replicates(point, resampled, settings.confidence, count)


def percentile_interval(value: float, draws: Floats, *, confidence: float, centred: bool = False) -> Interval:
    """Equal-tailed percentiles of the finite draws; a resample without a class has no value and is left out.

    With `centred` the draws are first moved by value − mean(draws) and kept ≥ 0 at the lower end if value is: a binned
    error is pushed upwards by resampling and would otherwise lie below its own interval.
    """
    kept = draws[np.isfinite(draws)]
    if not np.isfinite(value) or kept.size < max(2, draws.size // 2):
        nan = float("nan")
        return Interval(value, nan, nan, f"undefined in {draws.size - kept.size} of {draws.size} resamples")
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(kept, [tail, 1.0 - tail])
    if centred:
        shift = value - kept.mean()
        low, high = (max(low + shift, 0.0) if value >= 0 and kept.min() >= 0 else low + shift), high + shift
    return Interval(value, float(low), float(high))


def cluster_codes(card: Integers | None, event_time: Integers, *, by: str) -> Integers:
    """Cluster of each row [N]: its card, its UTC day, or itself; rows without a card are clusters of their own.

    Args:
        card: card codes [N], < 0 where there is none, or None where the data has no cards.
        event_time: microseconds since the epoch [N].
        by: "card", "day" or "row"; "card" without cards falls back to "row".

    Raises:
        ValueError: `by` is none of the three.
    """
    if by not in {"card", "day", "row"}:
        raise ValueError(f"clusters must be 'card', 'day' or 'row', got {by!r}")
    own = np.arange(event_time.size, dtype=np.int64)
    if by == "day":
        return event_time // 86_400_000_000
    if by == "row" or card is None:
        return own
    return np.where(card >= 0, card, -1 - own)


def count_blocks(clusters: int, *, rng: np.random.Generator, resamples: int, block: int) -> Iterator[Floats]:
    """Blocks [clusters, ≤ block] of how often each cluster was drawn; the draws do not depend on the block size."""
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = np.empty((size, clusters))
        for i in range(size):
            counts[i] = np.bincount(rng.integers(0, clusters, clusters), minlength=clusters)
        yield np.ascontiguousarray(counts.T)


def _resampled(
    rows: Mapping[str, Folded], clusters: int, rng: np.random.Generator, resamples: int
) -> dict[str, dict[str, Floats]]:
    names = {name: list(statistics(f, np.ones((clusters, 1)))) for name, f in rows.items()}
    if clusters == 0 or resamples == 0:
        return {name: {key: np.full(resamples, np.nan) for key in keys} for name, keys in names.items()}
    widest = max((f.width for f in rows.values()), default=1)
    block = max(1, BLOCK_FLOATS // (widest + clusters))
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in rows}
    for counts in count_blocks(clusters, rng=rng, resamples=resamples, block=block):
        for name, f in rows.items():
            parts[name].append(statistics(f, counts))
    return {name: {key: np.concatenate([part[key] for part in parts[name]]) for key in names[name]} for name in rows}


def _add_card_precision(
    point: dict[str, dict[str, float]],
    resampled: dict[str, dict[str, Floats]],
    days: Mapping[str, Floats],
    rng: np.random.Generator,
    resamples: int,
) -> None:
    size = next((d.size for d in days.values()), 0)
    drawn = rng.integers(0, max(size, 1), (resamples, size)) if size else np.zeros((resamples, 0), dtype=np.int64)
    for name, precision in days.items():
        point[name]["card_precision_at_100"] = float(precision.mean()) if size else float("nan")
        resampled[name]["card_precision_at_100"] = precision[drawn].mean(axis=1) if size else np.full(resamples, np.nan)


def _scalars(arrays: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in arrays.items()}
