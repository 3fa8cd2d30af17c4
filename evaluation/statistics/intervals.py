"""Intervals of every headline statistic, and of differences between candidates, from one paired cluster bootstrap.

Fraud comes in bursts on one card and at one merchant, so rows are not independent: whole cards, merchants or days are
drawn with replacement, each unit by itself, and the draws of the widest are stretched to what two units do together.
All candidates see the same draws, so a difference between two of them keeps what they have in common.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from evaluation.options import BootstrapSettings
from evaluation.statistics.alerts import CardTimes, card_precision
from evaluation.statistics.calibrator_noise import CalibratorRows, line_steps
from evaluation.statistics.debiased_error import debiased_error, stretched_noise
from evaluation.statistics.dependence import CELL, Dependence, compact
from evaluation.statistics.dependence import cluster_codes as cluster_codes
from evaluation.statistics.percentiles import UNDEFINED as UNDEFINED
from evaluation.statistics.percentiles import Interval as Interval
from evaluation.statistics.percentiles import percentile_interval as percentile_interval
from evaluation.statistics.resampling import Foldable, Folded, foldable, statistics
from evaluation.statistics.sample import Floats, same_length, sample
from evaluation.statistics.side_by_side import side_by_side
from evaluation.statistics.two_way import combined_draws, two_way_variance

BLOCK_FLOATS = 12_000_000
"""Floats that one block of resamples may need: it bounds memory and never changes a result."""
DEBIASED, CARD_PRECISION = "ece_debiased", "card_precision_at_100"
BIASED = ("ece", "ece_equal_mass", "ece_equal_positives", DEBIASED)
"""Statistics that resampling pushes upwards; their intervals are moved back by that bias."""
ABOVE_ZERO = ("log_loss", "observed_expected")
ANY_SIGN = ("calibration_slope", "calibration_intercept", "leaning", DEBIASED)
UNBOUNDED = (-np.inf, np.inf)
WIDTH_ONLY, FEWEST_DRAWS, DRAWN_SHARE = (CELL, "day"), 100, 4
"""Beside others these only say how wide an interval is, not its shape: a quarter of the resamples measures that."""


@dataclass(frozen=True)
class RowDetails:
    """What a statistic may want of the rows beside labels and probabilities.

    Attributes:
        amount: value of each row [N]; None counts each row as 1.
        cards: card and time of each row; None leaves card precision out.
        weight: how many rows each row stands for, ≥ 0 [N]; None counts each once. Card precision counts each once.
    """

    amount: ArrayLike | None = None
    cards: CardTimes | None = None
    weight: ArrayLike | None = None


@dataclass(frozen=True)
class Replicates:
    """Statistics on the rows themselves and on each resample, per unit that was drawn, candidate and statistic.

    Attributes:
        values: candidate and statistic to the value on the rows themselves.
        by_unit: unit, candidate and statistic to the values on its resamples [B].
        confidence: coverage of the intervals.
        units: what was drawn as a whole.
        gaps: candidate to (observed − expected) / rows of each bin of equal width [bins].
        gap_noise: candidate and unit to the same in each resample minus `gaps` [bins, B].
        calibrators_moved: whether the calibrators' own sampling noise is in the draws.
    """

    values: Mapping[str, Mapping[str, float]]
    by_unit: Mapping[str, Mapping[str, Mapping[str, Floats]]]
    confidence: float
    units: Dependence
    gaps: Mapping[str, Floats] = field(default_factory=dict)
    gap_noise: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    calibrators_moved: bool = False

    @property
    def resampled(self) -> Mapping[str, Mapping[str, Floats]]:
        """Draws of the first unit, by candidate and statistic."""
        return next(iter(self.by_unit.values()))

    @property
    def clusters(self) -> int:
        """How many there are of the first unit."""
        return next(iter(self.units.clusters.values()))

    def interval(self, candidate: str, statistic: str) -> Interval:
        """Percentile interval of one statistic; for calibration errors it is moved back by the bootstrap's bias.

        A plain calibration error's interval lies about its plain value, which noise pushes upwards: it says how far
        that value would move, not where the true error is. The debiased error's interval does, and may hold 0.
        """
        if statistic == DEBIASED:
            return debiased_error(self.gaps[candidate], self.gap_noise[candidate], confidence=self.confidence)
        draws = {unit: found[candidate][statistic] for unit, found in self.by_unit.items()}
        return self._percentiles(self.values[candidate][statistic], draws, statistic, within=_range(statistic))

    def difference(self, candidate: str, other: str, statistic: str) -> Interval:
        """Interval of candidate − other on the same draws: it excludes 0 where the two really differ."""
        value = self.values[candidate][statistic] - self.values[other][statistic]
        draws = {unit: each[candidate][statistic] - each[other][statistic] for unit, each in self.by_unit.items()}
        return self._percentiles(value, draws, statistic, within=UNBOUNDED)

    def deviation(self, candidate: str, statistic: str) -> float:
        """Standard deviation of one statistic, by all units together."""
        draws = {unit: found[candidate][statistic] for unit, found in self.by_unit.items()}
        return float(np.sqrt(two_way_variance(draws)))

    def _percentiles(
        self, value: float, draws: Mapping[str, Floats], statistic: str, *, within: tuple[float, float]
    ) -> Interval:
        combined = combined_draws(value, draws, within=within)
        return percentile_interval(value, combined, confidence=self.confidence, centred=statistic in BIASED)


def paired_bootstrap(
    labels: ArrayLike,
    candidates: Mapping[str, ArrayLike],
    *,
    clusters: ArrayLike | Dependence,
    rng: np.random.Generator,
    settings: BootstrapSettings,
    details: RowDetails | None = None,
    calibrators: CalibratorRows | None = None,
) -> Replicates:
    """Headline statistics of every candidate under the same draws of whole clusters (Efron & Tibshirani, 1993).

    As many clusters as there are get drawn with replacement, `resamples` times, for each unit by itself. Card precision
    is a mean over days, so days are drawn for it, from the same generator afterwards, with the day's list as it came
    out on the data.

    >>> labels, clusters = [1, 0, 0, 1], [0, 0, 1, 2]
    >>> one, other = [0.9, 0.2, 0.1, 0.8], [0.6, 0.3, 0.3, 0.6]
    >>> drawn = paired_bootstrap(labels, {"one": one, "other": other}, clusters=clusters,
    ...     rng=np.random.default_rng(1), settings=BootstrapSettings(resamples=200))
    >>> drawn.clusters, drawn.difference("one", "other", "brier").high < 0
    (3, True)

    Args:
        labels: 0 or 1 [N].
        candidates: name to P(fraud) [N].
        clusters: units that move together, see `dependence`; or any integer code per row [N], for one unit.
        rng: source of the draws; what is drawn does not depend on the candidates.
        settings: number of resamples, thresholds, bins.
        details: amounts, cards and weights of the rows.
        calibrators: the rows that the calibrators were fitted on: observed/expected and the calibration errors of the
            candidates that it names then hold their sampling noise too. None takes the calibrators as they are.

    Raises:
        ValueError: arrays of different length, a label that is not 0 or 1, or a probability outside [0, 1].
    """
    y, extra = np.asarray(labels, dtype=np.float64), details or RowDetails()
    amount = np.ones(y.shape) if extra.amount is None else np.asarray(extra.amount, dtype=np.float64)
    units = clusters if isinstance(clusters, Dependence) else _one_unit(clusters)
    same_length(y.size, amount=amount, **units.units)
    twins = _twins(candidates, calibrators)
    distinct = list(dict.fromkeys(twins.values()))

    def folded(name: str) -> Foldable:
        return foldable(sample(y, candidates[name], weight=extra.weight), amount=amount, settings=settings)

    rows = dict(zip(distinct, side_by_side(folded, distinct), strict=True))
    drawn = _with_twins(_all_units(rows, units, calibrators, rng, settings), twins)
    if extra.cards is None:
        return drawn
    cards, top = extra.cards, settings.top_cards
    days = {name: card_precision(y, p, cards=cards, top=top).precision for name, p in candidates.items()}
    return _add_card_precision(drawn, days, rng, settings.resamples)


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


def _twins(candidates: Mapping[str, ArrayLike], calibrators: CalibratorRows | None) -> dict[str, str]:
    """The first candidate of the same probabilities as each, on calib too: what is drawn for one holds for both."""
    first: dict[bytes, str] = {}
    twins = {}
    for name, p in candidates.items():
        arrays = [p, () if calibrators is None else calibrators.candidates.get(name, ())]
        digest = b"".join(hashlib.sha256(np.asarray(each, dtype=np.float64).tobytes()).digest() for each in arrays)
        twins[name] = first.setdefault(digest, name)
    return twins


def _with_twins(drawn: Replicates, twins: Mapping[str, str]) -> Replicates:
    return replace(
        drawn,
        values={name: dict(drawn.values[twin]) for name, twin in twins.items()},
        by_unit={unit: {name: found[twin] for name, twin in twins.items()} for unit, found in drawn.by_unit.items()},
        gaps={name: drawn.gaps[twin] for name, twin in twins.items()},
        gap_noise={name: drawn.gap_noise[twin] for name, twin in twins.items()},
    )


def _one_unit(clusters: ArrayLike) -> Dependence:
    codes = compact(np.asarray(clusters, dtype=np.int64))
    return Dependence({"cluster": codes}, {"cluster": int(codes.max()) + 1 if codes.size else 0})


def _all_units(
    rows: Mapping[str, Foldable],
    units: Dependence,
    calibrators: CalibratorRows | None,
    rng: np.random.Generator,
    settings: BootstrapSettings,
) -> Replicates:
    """Every unit drawn in turn, the rows of calib before those that are judged."""
    by_unit: dict[str, dict[str, dict[str, Floats]]] = {}
    noise: dict[str, dict[str, Floats]] = {name: {} for name in rows}
    whole: dict[str, _Block] = {}
    for unit, codes in units.units.items():
        dense = compact(codes)
        by_cluster = dict(zip(rows, side_by_side(partial(Foldable.by, clusters=dense), rows.values()), strict=True))
        whole = whole or {name: _block(each, np.ones((each.clusters, 1)), None) for name, each in by_cluster.items()}
        resamples = _resamples(unit, units, settings.resamples)
        moves = {} if calibrators is None else _moves(calibrators, unit, rng, resamples)
        draws = _resampled(by_cluster, moves, rng, resamples)
        by_unit[unit] = {name: each.statistics for name, each in draws.items()}
        for name, each in draws.items():
            noise[name][unit] = each.shares - whole[name].shares
    values = {name: _scalars(each.statistics) for name, each in whole.items()}
    _add_debiased(values, by_unit, noise)
    gaps = {name: each.shares[:, 0] for name, each in whole.items()}
    return Replicates(values, by_unit, settings.confidence, units, gaps, noise, calibrators is not None)


@dataclass(frozen=True)
class _Block:
    """Statistics [B] of one candidate in each resample, and (observed − expected) / rows of each bin [bins, B]."""

    statistics: dict[str, Floats]
    shares: Floats


def _resamples(unit: str, units: Dependence, resamples: int) -> int:
    if len(units.clusters) == 1 or unit not in WIDTH_ONLY:
        return resamples
    return min(resamples, max(FEWEST_DRAWS, resamples // DRAWN_SHARE))


def _moves(calibrators: CalibratorRows, unit: str, rng: np.random.Generator, resamples: int) -> dict[str, Floats]:
    """Moves of intercept and slope of each candidate's line under draws of calib's clusters [2, B]."""
    codes = compact(calibrators.unit(unit))
    steps = {
        name: line_steps(calibrators.labels, np.asarray(p, dtype=np.float64), calibrators.weight, codes)
        for name, p in calibrators.candidates.items()
    }
    parts: dict[str, list[Floats]] = {name: [np.zeros((2, 0))] for name in steps}
    count = int(codes.max()) + 1 if codes.size else 0
    for counts in count_blocks(count, rng=rng, resamples=resamples, block=max(1, BLOCK_FLOATS // (count + 1))):
        for name, step in steps.items():
            parts[name].append(step @ (counts - 1.0))
    return {name: np.concatenate(found, axis=1) for name, found in parts.items()}


def _resampled(
    rows: Mapping[str, Folded], moves: Mapping[str, Floats], rng: np.random.Generator, resamples: int
) -> dict[str, _Block]:
    clusters = max((f.clusters for f in rows.values()), default=0)
    if clusters == 0 or resamples == 0:
        return {name: _undefined(f, resamples) for name, f in rows.items()}
    block = max(1, BLOCK_FLOATS // (max(f.width for f in rows.values()) + clusters))
    parts: dict[str, list[_Block]] = {name: [] for name in rows}
    start = 0
    for counts in count_blocks(clusters, rng=rng, resamples=resamples, block=block):
        stop = start + counts.shape[1]

        def block_of(name: str, counts: Floats = counts, columns: slice = slice(start, stop)) -> _Block:
            return _block(rows[name], counts, _columns(moves.get(name), columns))

        for name, each in zip(rows, side_by_side(block_of, rows), strict=True):
            parts[name].append(each)
        start = stop
    return {name: _joined(blocks) for name, blocks in parts.items()}


def _columns(moves: Floats | None, columns: slice) -> Floats | None:
    return None if moves is None else moves[:, columns]


def _block(f: Folded, counts: Floats, moves: Floats | None) -> _Block:
    found = statistics(f, counts, moves)
    rows = f.total_rows(counts)
    shares = np.divide(f.bin_gaps(counts, moves), rows, out=np.full((f.bins, rows.size), np.nan), where=rows > 0)
    return _Block(found, shares)


def _undefined(f: Folded, resamples: int) -> _Block:
    names = statistics(f, np.ones((f.clusters, 1)))
    return _Block({name: np.full(resamples, np.nan) for name in names}, np.full((f.bins, resamples), np.nan))


def _joined(blocks: Sequence[_Block]) -> _Block:
    statistics_of_all = {
        name: np.concatenate([block.statistics[name] for block in blocks]) for name in blocks[0].statistics
    }
    return _Block(statistics_of_all, np.concatenate([block.shares for block in blocks], axis=1))


def _add_debiased(
    values: Mapping[str, dict[str, float]],
    by_unit: Mapping[str, Mapping[str, dict[str, Floats]]],
    noise: Mapping[str, Mapping[str, Floats]],
) -> None:
    """The debiased error's value; its draws are those of the plain error, from which it differs by a constant."""
    for name, found in values.items():
        sizes = np.abs(stretched_noise(noise[name])).sum(axis=0)
        found[DEBIASED] = found["ece"] - float(sizes.mean()) if sizes.size else float("nan")
        for draws in by_unit.values():
            draws[name][DEBIASED] = draws[name]["ece"]


def _add_card_precision(
    drawn: Replicates, days: Mapping[str, Floats], rng: np.random.Generator, resamples: int
) -> Replicates:
    """The same draws of days stand under every unit, so that they alone make the interval."""
    size = next((d.size for d in days.values()), 0)
    picked = rng.integers(0, max(size, 1), (resamples, size)) if size else np.zeros((resamples, 0), dtype=np.int64)
    means = {name: d[picked].mean(axis=1) if size else np.full(resamples, np.nan) for name, d in days.items()}
    point = {name: float(d.mean()) if size else float("nan") for name, d in days.items()}
    values = {name: {**found, CARD_PRECISION: point[name]} for name, found in drawn.values.items()}
    by_unit = {
        unit: {name: {**found, CARD_PRECISION: means[name]} for name, found in each.items()}
        for unit, each in drawn.by_unit.items()
    }
    return replace(drawn, values=values, by_unit=by_unit)


def _range(statistic: str) -> tuple[float, float]:
    if statistic in ANY_SIGN:
        return UNBOUNDED
    if statistic == "brier_skill":
        return -np.inf, 1.0
    return (0.0, np.inf) if statistic in ABOVE_ZERO else (0.0, 1.0)


def _scalars(arrays: Mapping[str, Floats]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in arrays.items()}
