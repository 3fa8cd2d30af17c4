"""Intervals of every headline statistic, and of differences between candidates, from one paired cluster bootstrap.

Fraud comes in bursts on one card, so rows are not independent: whole cards (or days) are drawn with replacement. All
candidates see the same draws, so a difference between two of them keeps what they have in common.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evaluation.options import BootstrapSettings
from evaluation.statistics.alerts import CardTimes, card_precision
from evaluation.statistics.resampling import Folded, folded, statistics
from evaluation.statistics.sample import DAY, Floats, Integers, same_length, sample

BLOCK_FLOATS = 12_000_000
"""Floats that one block of resamples may need: it bounds memory and never changes a result."""
BIASED = ("ece", "ece_equal_mass", "ece_equal_positives")
"""Statistics that resampling pushes upwards; their intervals are moved back by that bias."""


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap percentile interval; NaN and a reason where it is undefined."""

    value: float
    low: float
    high: float
    reason: str = ""

    def because(self, reason: str) -> "Interval":
        """The same interval with the reason why it is undefined."""
        return replace(self, reason=reason)


UNDEFINED = Interval(float("nan"), float("nan"), float("nan"))


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
    cards: CardTimes | None = None,
) -> Replicates:
    """Headline statistics of every candidate under the same draws of whole clusters (Efron & Tibshirani, 1993).

    As many clusters as there are get drawn with replacement, `resamples` times. Card precision is a mean over days, so
    days are drawn for it, from the same generator afterwards, with the day's list as it came out on the data.

    >>> labels, clusters = [1, 0, 0, 1], [0, 0, 1, 2]
    >>> one, other = [0.9, 0.2, 0.1, 0.8], [0.6, 0.3, 0.3, 0.6]
    >>> drawn = paired_bootstrap(labels, {"one": one, "other": other}, clusters=clusters,
    ...     rng=np.random.default_rng(1), settings=BootstrapSettings(resamples=200))
    >>> drawn.clusters, drawn.difference("one", "other", "brier").high < 0
    (3, True)

    Args:
        labels: 0 or 1 [N].
        candidates: name to P(fraud) [N].
        clusters: any integer code per row [N], such as the card's or the day's; see `cluster_codes`.
        rng: source of the draws; what is drawn does not depend on the candidates.
        settings: number of resamples, thresholds, bins.
        amount: value of each row [N]; None counts each row as 1.
        cards: card and time of each row; None leaves card precision out.

    Raises:
        ValueError: arrays of different length, a label that is not 0 or 1, or a probability outside [0, 1].
    """
    y = np.asarray(labels, dtype=np.float64)
    codes = np.unique(np.asarray(clusters, dtype=np.int64), return_inverse=True)[1].astype(np.int64)
    value = np.ones(y.shape) if amount is None else np.asarray(amount, dtype=np.float64)
    same_length(y.size, clusters=codes, amount=value)
    rows = {
        name: folded(sample(y, p), clusters=codes, amount=value, settings=settings) for name, p in candidates.items()
    }
    count = int(codes.max()) + 1 if codes.size else 0
    point = {name: _scalars(statistics(f, np.ones((count, 1)))) for name, f in rows.items()}
    resampled = _resampled(rows, count, rng, settings.resamples)
    if cards is not None:
        days = {
            name: card_precision(y, p, cards=cards, top=settings.top_cards).precision for name, p in candidates.items()
        }
        _add_card_precision(point, resampled, days, rng, settings.resamples)
    return Replicates(point, resampled, settings.confidence, count)


def percentile_interval(value: float, draws: Floats, *, confidence: float, centred: bool = False) -> Interval:
    """Equal-tailed percentiles of the finite draws; a resample without a class has no value and is left out.

    With `centred` the draws are first moved by value − mean(draws) and kept ≥ 0 at the lower end if value is: a binned
    error is pushed upwards by resampling and would otherwise lie below its own interval.

    >>> percentile_interval(50.0, np.arange(101.0), confidence=0.5)
    Interval(value=50.0, low=25.0, high=75.0, reason='')

    Args:
        value: the statistic on the rows themselves.
        draws: the same on each resample, NaN where it is undefined [B].
        confidence: coverage of the interval.
        centred: move the draws back by their bias.
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

    >>> cluster_codes(np.array([7, -1, 7]), np.array([0, 1, 2]), by="card").tolist()
    [7, -2, 7]

    Raises:
        ValueError: `by` is none of the three.
    """
    if by not in {"card", "day", "row"}:
        raise ValueError(f"clusters must be 'card', 'day' or 'row', got {by!r}")
    own = np.arange(event_time.size, dtype=np.int64)
    if by == "day":
        return event_time // DAY
    if by == "row" or card is None:
        return own
    return np.where(card >= 0, card, -1 - own)


def count_blocks(clusters: int, *, rng: np.random.Generator, resamples: int, block: int) -> Iterator[Floats]:
    """Blocks [clusters, ≤ block] of how often each cluster was drawn; the draws do not depend on the block size.

    >>> blocks = count_blocks(4, rng=np.random.default_rng(1), resamples=3, block=2)
    >>> [(block.shape, block.sum(axis=0).tolist()) for block in blocks]
    [((4, 2), [4.0, 4.0]), ((4, 1), [4.0])]

    Args:
        clusters: how many there are; as many are drawn, with replacement.
        rng: source of the draws.
        resamples: how many columns all blocks have together.
        block: largest number of columns of one block.
    """
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = np.empty((size, clusters))
        for i in range(size):
            counts[i] = np.bincount(rng.integers(0, clusters, clusters), minlength=clusters)
        yield np.ascontiguousarray(counts.T)


def _resampled(
    rows: Mapping[str, Folded], clusters: int, rng: np.random.Generator, resamples: int
) -> dict[str, dict[str, Floats]]:
    if clusters == 0 or resamples == 0:
        return {name: _undefined(f, clusters, resamples) for name, f in rows.items()}
    widest = max((f.width for f in rows.values()), default=1)
    block = max(1, BLOCK_FLOATS // (widest + clusters))
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in rows}
    for counts in count_blocks(clusters, rng=rng, resamples=resamples, block=block):
        for name, f in rows.items():
            parts[name].append(statistics(f, counts))
    return {name: _joined(blocks) for name, blocks in parts.items()}


def _undefined(f: Folded, clusters: int, resamples: int) -> dict[str, Floats]:
    return {name: np.full(resamples, np.nan) for name in statistics(f, np.ones((clusters, 1)))}


def _joined(blocks: Sequence[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


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
