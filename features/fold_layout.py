"""Folds that fit a history: lengths for its span, gaps as long as labels take, windows that are full when train begins.

What a person would work out with a calendar: of the days that there are, two gaps and the warm-up go first, and the
folds share the rest. Whatever is proposed here has been tried: the rows were put into its folds and every fold found
its frauds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.split import SplitConfig, time_folds
from features.times import DAY, HOUR, duration_text

SHARES = {"valid": 0.11, "calib": 0.14, "test": 0.25}
"""Of the time that folds have; the rest is train's. Near those of the default configuration."""
EVENER = {"valid": 0.18, "calib": 0.18, "test": 0.26}
"""Where some fold would have too few frauds to learn anything from."""
MUCH_BETTER = 1.5
"""Factor by which another division must have more frauds in its poorest fold to be taken."""
WORTH_FITTING = 25
"""Frauds from which a rate is known within 20 % (1 / √25)."""
LONGEST = {"valid": 28 * DAY, "calib": 28 * DAY, "test": 63 * DAY}
"""More brings little where these hold enough frauds: train has the rest."""
ENOUGH = 200
"""Frauds of a fold that is held to its longest."""
FEW_DAYS = 10
"""A history of fewer days is divided by the hour."""
MANY_MOMENTS = 1_000
"""Different times above which nobody asks whether all of them lie on one grid."""


@dataclass(frozen=True)
class LabelledTimes:
    """Rows as folds see them: times in microseconds [N], label 0, 1 or NaN [N], when each became known [N]."""

    event_time: NDArray[np.int64]
    label: NDArray[np.float32]
    available_at: NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """What folds must leave room for: `delay` and `warmup` in microseconds, and the moment `as_of` or None."""

    delay: int
    warmup: int
    as_of: int | None = None


def fitting_split(rows: LabelledTimes, asked: Asked) -> SplitConfig | None:
    """The lengths of folds that hold what each must hold; None where there are none.

    >>> time = np.arange(183 * 50) * (DAY // 50)
    >>> rows = LabelledTimes(time, np.float32(time % 7 == 0), time + 7 * DAY)
    >>> split = fitting_split(rows, Asked(delay=7 * DAY, warmup=37 * DAY))
    >>> split.train, split.gap, split.valid, split.calib, split.test
    ('66d', '7d', '14d', '18d', '33d')

    Args:
        rows: all rows of the history.
        asked: what must fit.
    """
    best, most = None, 0
    for lengths in _possible_lengths(rows, asked):
        split = SplitConfig(**{name: duration_text(length) for name, length in lengths.items()})
        frauds = _fewest_frauds(rows, asked, split)
        if frauds > MUCH_BETTER * most:
            best, most = split, frauds
        if frauds >= WORTH_FITTING:
            break
    return best


def fold_share(split: SplitConfig, rows: LabelledTimes) -> float:
    """Which part of the history lies in folds, gaps and warm-up apart."""
    span = int(rows.event_time.max()) - int(rows.event_time.min())
    return sum(split.length(name) for name in ("train", *SHARES)) / max(span, 1)


def split_toml(split: SplitConfig) -> str:
    """The section [split] to paste into a configuration."""
    names = ("train", "gap", "valid", "calib", "test")
    return "\n".join(["[split]", *(f'{name} = "{getattr(split, name)}"' for name in names)])


def time_grid(event_time: NDArray[np.int64]) -> int:
    """The step that lengths are whole numbers of, microseconds: a day, an hour of a short history, or the file's own.

    >>> time_grid(np.array([0, 30, 60, 210]) * DAY) == 30 * DAY
    True
    """
    span = int(event_time.max()) - int(event_time.min())
    usual = DAY if span >= FEW_DAYS * DAY else HOUR
    if len(np.unique(event_time[: 4 * MANY_MOMENTS])) > MANY_MOMENTS:
        return usual
    moments = np.unique(event_time)
    step = int(np.gcd.reduce(np.diff(moments))) if 1 < len(moments) <= MANY_MOMENTS else 0
    return step if step > usual else usual


def _possible_lengths(rows: LabelledTimes, asked: Asked) -> Iterator[dict[str, int]]:
    """Lengths in microseconds, those that one would like best first."""
    if not len(rows.event_time):
        return
    step = time_grid(rows.event_time)
    end = int(rows.event_time.max()) if asked.as_of is None else asked.as_of - asked.delay
    gap, warmup = -(-asked.delay // step), -(-asked.warmup // step)
    steps = (end - int(rows.event_time.min()) + 1) // step - 2 * gap - warmup
    if steps < len(SHARES) + 1:
        return
    whole = {name: max(1, round(share * steps)) for name, share in SHARES.items()}
    capped = {name: min(length, max(1, LONGEST[name] // step)) for name, length in whole.items()}
    evener = {name: max(1, round(share * steps)) for name, share in EVENER.items()}
    equal = dict.fromkeys(SHARES, max(1, steps // 4))
    for lengths in (capped, whole, evener, equal):
        train = steps - sum(lengths.values())
        if train > 0 and (lengths is not capped or _enough(rows, lengths, step, end)):
            yield {name: count * step for name, count in {"train": train, "gap": gap, **lengths}.items()}


def _enough(rows: LabelledTimes, lengths: dict[str, int], step: int, end: int) -> bool:
    """Whether the shortest of the capped folds may well hold enough frauds, the newest rows taken as any others."""
    newest = end - sum(lengths.values()) * step
    frauds = int(((rows.label == 1) & (rows.event_time > newest) & (rows.event_time <= end)).sum())
    return frauds * min(lengths.values()) / sum(lengths.values()) >= ENOUGH


def _fewest_frauds(rows: LabelledTimes, asked: Asked, split: SplitConfig) -> int:
    """The frauds that the fold with the fewest may use, train beginning after the warm-up; 0 without some."""
    try:
        folds = time_folds(
            rows.event_time, rows.label, rows.available_at, split=split, delay=asked.delay, as_of=asked.as_of
        )
    except InputError:
        return 0
    return min(fold.usable[1] for fold in folds.folds)
