"""Folds in time: how long each is, how late labels come, and which fold each row is in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.errors import InputError, faults_text
from features.times import DAY, Duration, duration_microseconds, duration_text, time_text

FOLDS = ("train", "valid", "calib", "test")
"""Fold names in order of time; the place in this tuple is the fold's code."""
NO_FOLD = -1
SPANS = ("train", "gap", "valid", "calib", "gap", "test")
"""What follows what in time."""
CLASSES = ("legitimate", "fraud")
AUTO = "auto"
LENGTH = "a duration such as '14d' or a share of rows such as '10%'"
Reason = Literal["cold", "unripe"]
"""Why a label that is known in time is not used: the row's windows were not full, or few of its age are known."""


class LabelsConfig(BaseModel):
    """How late labels come: a fold uses a label only if it was known when the fold's models or maps are fitted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    delay: Duration = Field(
        7 * DAY,
        description="when a label becomes known after the transaction, where the data has no label_available_at",
    )
    opinions: tuple[str, ...] = Field(
        ("investigator", "rule"),
        description="values of label_source whose labels are opinions and no outcomes: kept apart, neither learned "
        "from nor judged on; every other source counts as truth, and so does a label that names none",
    )
    approval_cap: float = Field(
        25.0,
        ge=1,
        le=1e6,
        description="how many rows a row may stand for at most that was let through with a small approval_probability, "
        "in valid, calib and test; 1 leaves the probabilities aside",
    )
    training_approval_cap: float = Field(
        1.0,
        ge=1,
        le=1e6,
        description="the same in train, where the weights are brought to a mean of 1; 1 leaves the probabilities aside",
    )


class SplitConfig(BaseModel):
    """How long the folds in time are and what is left out between them: durations, or shares of rows, not both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: str = Field("61d", description="length of the fold that models are fitted on")
    gap: str = Field("7d", description="left out before valid and before test, so that labels can mature")
    valid: str = Field("14d", description="length of the fold that stops training and selects settings")
    calib: str = Field("14d", description="length of the fold that calibrators are fitted on")
    test: str = Field("33d", description="length of the fold that is judged once, at the end")
    warmup: str = Field(
        AUTO,
        description="history that a row of train must have before it, so that its windows are full; `auto`: the "
        "longest window in use, label windows with `labels.delay` on top",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _with_unit(cls, length: object) -> object:
        """A bare number has no unit, and is refused."""
        return length if isinstance(length, str) else str(duration_microseconds(length))

    @property
    def by_rows(self) -> bool:
        """Whether lengths are shares of rows."""
        return self.train.endswith("%")

    def length(self, span: str) -> int:
        """Length of a fold or of a gap in microseconds, 0 where lengths are shares and it is none."""
        return duration_microseconds(getattr(self, span))

    def warmup_length(self, auto: int) -> int:
        """The warm-up in microseconds, `auto` being what the windows in use ask for."""
        return auto if self.warmup == AUTO else duration_microseconds(self.warmup)

    def share(self, span: str) -> float:
        """Length of a fold or of a gap as a share of rows."""
        text = getattr(self, span)
        return float(text.removesuffix("%")) / 100 if text.endswith("%") else 0.0

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = [fault for name in dict.fromkeys(SPANS) if (fault := self._length_fault(name))]
        if self.warmup != AUTO and (fault := _duration_fault(self.warmup, "'auto' or a duration such as '30d'")):
            faults.append(f"warmup: {fault}")
        if not faults:
            faults = self._mix_faults()
        if faults:
            raise InputError("; ".join(faults))
        return self

    def _length_fault(self, name: str) -> str | None:
        text = getattr(self, name)
        share = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)%", text)
        if share is None and (fault := _duration_fault(text, LENGTH)):
            return f"{name}: {fault}"
        if name != "gap" and (float(share[1]) if share else duration_microseconds(text)) == 0:
            return f"{name}: must be longer than 0, got {text!r}"
        return None

    def _mix_faults(self) -> list[str]:
        none = float(self.gap.rstrip("%dhms")) == 0
        lengths = {n: getattr(self, n) for n in dict.fromkeys(SPANS) if n != "gap" or not none}
        shares = [n for n, text in lengths.items() if text.endswith("%")]
        if 0 < len(shares) < len(lengths):
            return [f"lengths must be all durations or all shares of rows, got shares for {', '.join(shares)} alone"]
        total = sum(self.share(span) for span in SPANS)
        if total > 1 + 1e-9:
            return [f"shares of rows, the gap counted twice, must sum to at most 100%, got {100 * total:g}%"]
        return []


@dataclass(frozen=True)
class Fold:
    """One fold: rows with start < event_time <= end, microseconds since 1970 UTC.

    Attributes:
        name: one of `FOLDS`.
        start: the last microsecond before it.
        end: its last microsecond.
        rows: all rows of the fold.
        unknown: rows whose label is not known; the class of these nobody can tell.
        usable: rows per class (legitimate, fraud) whose label may be used.
        immature: rows per class whose label is known now but was not yet at `deadline`.
        deadline: when a label had to be known; None for test, whose labels fit nothing.
        cold: rows per class that are not usable because their windows were not yet full.
        unripe: rows per class that are not usable because too few labels of their age are known by the deadline.
    """

    name: str
    start: int
    end: int
    rows: int
    unknown: int
    usable: tuple[int, int]
    immature: tuple[int, int]
    deadline: int | None
    cold: tuple[int, int] = (0, 0)
    unripe: tuple[int, int] = (0, 0)

    @property
    def immature_share(self) -> tuple[float, float]:
        """Share of each class (legitimate, fraud) that was left out as immature; NaN where the class has no row.

        Where the two differ, leaving them out biases the prevalence that a model learns.
        """
        counts = (self.usable, self.cold, self.unripe, self.immature)
        known = [sum(each[value] for each in counts) for value in range(len(CLASSES))]
        legitimate, fraud = (late / k if k else float("nan") for late, k in zip(self.immature, known, strict=True))
        return legitimate, fraud


@dataclass(frozen=True)
class Folds:
    """Every row's fold.

    Attributes:
        code: int8 [N], place in `FOLDS`, -1 in gaps and history.
        usable: bool [N], whether the row's label may be used in its fold.
        folds: what stands in each fold, in order of time.
        newest_training_row: event_time of the last row that train fits on.
    """

    code: NDArray[np.int8]
    usable: NDArray[np.bool_]
    folds: tuple[Fold, ...]
    newest_training_row: int

    def rows(self, name: str) -> NDArray[np.bool_]:
        """Mask of the rows of a fold."""
        return np.equal(self.code, FOLDS.index(name))

    def names(self) -> NDArray[np.object_]:
        """Fold name of each row, None in gaps and history."""
        return np.array([*FOLDS, None], dtype=object)[self.code]

    def without(
        self,
        rows: NDArray[np.bool_],
        *,
        label: NDArray[np.float32],
        event_time: NDArray[np.int64],
        reason: Reason,
    ) -> "Folds":
        """The same folds with some rows no longer usable, counted under their reason.

        Args:
            rows: bool [N], what is left out; rows that were not usable count for nothing.
            label: [N], 0, 1 or NaN.
            event_time: int64 [N].
            reason: which count they go to.

        Raises:
            InputError: a fold keeps no row of a class.
        """
        lost = self.usable & rows
        usable = self.usable & ~rows
        folds = []
        for fold in self.folds:
            left, gone = (_by_class(label[mask & self.rows(fold.name)]) for mask in (usable, lost))
            kept = replace(fold, usable=left)
            folds.append(replace(kept, cold=gone) if reason == "cold" else replace(kept, unripe=gone))
        if faults := [fault for fold in folds for fault in _lost_faults(fold, reason)]:
            raise InputError(faults_text(faults, "the folds"))
        newest = int(event_time[usable & self.rows("train")].max())
        return Folds(self.code, usable, tuple(folds), newest)


def _duration_fault(text: str, wanted: str) -> str:
    """Why a text is no duration, in the words of what is wanted; empty where it is one."""
    try:
        duration_microseconds(text)
    except InputError as error:
        return f"must be {wanted}, got {str(error).rpartition(', got ')[2]}"
    return ""


def time_folds(
    event_time: NDArray[np.int64],
    label: NDArray[np.float32],
    label_available_at: NDArray[np.int64],
    *,
    split: SplitConfig,
    delay: int,
    as_of: int | None,
) -> Folds:
    """Folds counted back from the last event, or from `as_of` - `delay`.

    Without `as_of` the file is history and every label counts as known; with it, rows after `as_of` are in no fold and
    labels that became available after it are unknown. Shares of rows are cut between two times: ties stay together.

    >>> time = np.arange(1, 11)
    >>> split = SplitConfig(train="40%", gap="0%", valid="20%", calib="20%", test="20%")
    >>> folds = time_folds(time, np.float32(time % 2), time, split=split, delay=0, as_of=None)
    >>> [(fold.name, fold.rows) for fold in folds.folds]
    [('train', 4), ('valid', 2), ('calib', 2), ('test', 2)]

    Args:
        event_time: int64 [N], microseconds since 1970 UTC, any order.
        label: [N], 0, 1 or NaN where not known.
        label_available_at: int64 [N], microseconds since 1970 UTC; read where the label is known.
        split: the [split] section.
        delay: [labels] delay in microseconds.
        as_of: microseconds since 1970 UTC, or None.

    Raises:
        InputError: the data is shorter than the folds, a fold has no row or only one class, or the gap is shorter than
            the delay; every fault at once.
    """
    known = ~np.isnan(label) & ((label_available_at <= as_of) if as_of is not None else True)
    edges = _edges(event_time, split, delay, as_of)
    code = np.full(len(event_time), NO_FOLD, np.int8)
    usable = np.zeros(len(event_time), np.bool_)
    folds = []
    for place, interval in enumerate(_intervals(edges)):
        rows = (event_time > interval.start) & (event_time <= interval.end)
        mature = known & rows
        if interval.deadline is not None:
            mature &= label_available_at <= interval.deadline
        code[rows] = place
        usable |= mature
        folds.append(_fold(interval, label, rows=rows, known=known, mature=mature))
    faults = [*_length_faults(event_time, edges), *_gap_faults(edges, split, delay), *_row_faults(folds)]
    if faults:
        raise InputError(faults_text(faults, "the folds"))
    newest = int(event_time[usable & (code == 0)].max())
    return Folds(code, usable, tuple(folds), newest)


def layout_faults(event_time: NDArray[np.int64], *, split: SplitConfig, delay: int, as_of: int | None) -> list[str]:
    """What keeps lengths of time from fitting a history, told without a label: its span, and gaps below the delay.

    Args:
        event_time: int64 [N], microseconds since 1970 UTC; the first and the last one will do.
        split: the [split] section; nothing is told of shares of rows.
        delay: [labels] delay in microseconds.
        as_of: microseconds since 1970 UTC, or None.
    """
    if split.by_rows:
        return []
    edges = _edges(event_time, split, delay, as_of)
    return [*_length_faults(event_time, edges), *_gap_faults(edges, split, delay)]


def label_deadlines(
    event_time: NDArray[np.int64], *, split: SplitConfig, delay: int, as_of: int | None
) -> NDArray[np.int64]:
    """By when the label of each row had to be known for its fold, the end of time where nothing asks for it.

    A label that changes later was another one when the fold's models or maps were fitted.

    Args:
        event_time: int64 [N], microseconds since 1970 UTC, any order.
        split: the [split] section.
        delay: [labels] delay in microseconds.
        as_of: microseconds since 1970 UTC, or None.

    Returns:
        int64 [N], microseconds since 1970.
    """
    deadlines = np.full(len(event_time), np.iinfo(np.int64).max)
    for interval in _intervals(_edges(event_time, split, delay, as_of)):
        if interval.deadline is not None:
            deadlines[(event_time > interval.start) & (event_time <= interval.end)] = interval.deadline
    return deadlines


def _edges(event_time: NDArray[np.int64], split: SplitConfig, delay: int, as_of: int | None) -> list[int]:
    """Where each of the six spans begins and, last, where test ends."""
    end = int(event_time.max(initial=0)) if as_of is None else as_of - delay
    return _edges_by_rows(event_time, split, end) if split.by_rows else _edges_by_time(split, end)


def _edges_by_time(split: SplitConfig, end: int) -> list[int]:
    lengths = [split.length(span) for span in SPANS]
    return [end - sum(lengths[place:]) for place in range(len(SPANS) + 1)]


def _edges_by_rows(event_time: NDArray[np.int64], split: SplitConfig, end: int) -> list[int]:
    """For shares of rows: an edge is the time of the last row before the cut, so that ties stay together."""
    times = np.sort(event_time[event_time <= end])
    if len(times) == 0:
        return [end] * (len(SPANS) + 1)
    shares = [split.share(span) for span in SPANS]
    earlier = [round(len(times) * (1 - sum(shares[place:]))) for place in range(len(SPANS))]
    before_all = int(times[0]) - 1
    return [*(int(times[rows - 1]) if rows > 0 else before_all for rows in earlier), int(times[-1])]


@dataclass(frozen=True)
class _Interval:
    """Where one fold lies, and when its labels had to be known: before the next one that learns from them begins."""

    name: str
    start: int
    end: int
    deadline: int | None


def _intervals(edges: list[int]) -> Iterator[_Interval]:
    deadlines = {"train": edges[2], "valid": edges[5], "calib": edges[5], "test": None}
    for place, span in enumerate(SPANS):
        if span != "gap":
            yield _Interval(span, edges[place], edges[place + 1], deadlines[span])


def _fold(
    interval: _Interval,
    label: NDArray[np.float32],
    *,
    rows: NDArray[np.bool_],
    known: NDArray[np.bool_],
    mature: NDArray[np.bool_],
) -> Fold:
    late = rows & known & ~mature
    return Fold(
        name=interval.name,
        start=interval.start,
        end=interval.end,
        rows=int(rows.sum()),
        unknown=int((rows & ~known).sum()),
        usable=_by_class(label[mature]),
        immature=_by_class(label[late]),
        deadline=interval.deadline,
    )


def _by_class(label: NDArray[np.float32]) -> tuple[int, int]:
    """How many of these labels are 0 and how many 1."""
    return int((label == 0).sum()), int((label == 1).sum())


def _length_faults(event_time: NDArray[np.int64], edges: list[int]) -> list[str]:
    if len(event_time) == 0:
        return ["data: must have rows, got 0"]
    first = int(event_time.min())
    if first <= edges[0] + 1:
        return []
    return [
        f"data: must reach back over all folds and gaps, {_days(edges[-1] - edges[0])} before {time_text(edges[-1])}, "
        f"got {_days(max(edges[-1] - first, 0))} (first row {time_text(first)})"
    ]


def _gap_faults(edges: list[int], split: SplitConfig, delay: int) -> list[str]:
    gaps = {"valid": edges[2] - edges[1], "test": edges[5] - edges[4]}
    return [
        f"gap before {name}: must be at least labels.delay ({duration_text(delay)}), got {split.gap!r}"
        + (f", which is {_days(gap)} here" if split.by_rows else "")
        for name, gap in gaps.items()
        if gap < delay
    ]


def _row_faults(folds: list[Fold]) -> list[str]:
    faults = []
    for fold in folds:
        place = f"fold '{fold.name}' ({time_text(fold.start)}, {time_text(fold.end)}]"
        if fold.rows == 0:
            faults.append(f"{place}: must have rows, got 0")
            continue
        known = "known" if fold.deadline is None else f"known by {time_text(fold.deadline)}"
        faults += [
            f"{place}: must have a {name} row whose label is {known}, got 0 of {fold.rows} rows "
            f"({late} known later, {fold.unknown} rows without a label)"
            for name, used, late in zip(CLASSES, fold.usable, fold.immature, strict=True)
            if used == 0
        ]
    return faults


_REMEDIES: dict[Reason, str] = {
    "cold": "has full windows (a longer history, a later train, shorter windows, or split.warmup = '0d')",
    "unripe": "is of an age at which a fifth of each class is known by the deadline (a longer gap)",
}


def _lost_faults(fold: Fold, reason: Reason) -> Iterator[str]:
    lost: tuple[int, int] = getattr(fold, reason)
    for name, used, gone in zip(CLASSES, fold.usable, lost, strict=True):
        if used == 0:
            place = f"fold '{fold.name}' ({time_text(fold.start)}, {time_text(fold.end)}]"
            yield f"{place}: must have a {name} row that {_REMEDIES[reason]}, got 0: all {gone} have not"


def _days(microseconds: int) -> str:
    return f"{microseconds / DAY:.4g} days"
