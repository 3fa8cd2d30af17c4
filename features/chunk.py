"""Whole groups of one entity in (group, time) order, and what the aggregates of a window share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features import kernels

Made = TypeVar("Made")


@dataclass(frozen=True)
class Window:
    """A length in microseconds; `closed_right` makes it (t - width, t], otherwise it is [t - width, t)."""

    width: int
    closed_right: bool = False


@dataclass(frozen=True)
class Chunk:
    """Some whole groups of one entity, small enough to stay in cache while every column is made of them.

    Attributes:
        time: int64 [n], microseconds.
        starts: int32 [groups + 1], where each group begins and the last one ends.
        amount: int64 [n], minor units ≥ 0; empty where no aggregate reads it.
        label_keys: int64 [n] as `kernels.label_events` reads them; empty where no aggregate reads labels.
        other: per entity, its codes int32 [n] (-1 null) and how many codes there are.
    """

    time: NDArray[np.int64]
    starts: NDArray[np.int32]
    amount: NDArray[np.int64]
    label_keys: NDArray[np.int64]
    other: dict[str, tuple[NDArray[np.int32], int]] = field(default_factory=dict)
    kept: dict[object, Any] = field(default_factory=dict)

    def bounds(self, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First row inside and first row behind each row's window."""
        return self._once(("bounds", window), lambda: self._bounds(window))

    def counts(self, window: Window) -> NDArray[np.int32]:
        """Rows in each window."""
        left, right = self.bounds(window)
        return right - left

    def sums(self, window: Window) -> NDArray[np.int64]:
        """Exact minor units in each window.

        Raises:
            ValueError: a sum needs more than 63 bits.
        """
        return self._once(("sums", window), lambda: self._sums(window))

    def means(self, window: Window) -> NDArray[np.float64]:
        """Mean minor units, NaN in an empty window."""
        return quotient(self.sums(window), self.counts(window))

    def deviations(self, window: Window) -> NDArray[np.float64]:
        """Sample standard deviation of minor units, NaN under two rows."""
        return self._once(("deviations", window), lambda: self._deviations(window))

    def extremes(self, window: Window, *, largest: bool) -> NDArray[np.float64]:
        """Largest or smallest minor units, NaN in an empty window."""
        extremes = np.empty(len(self.time), np.float64)
        kernels.window_extremes(self.amount, self.starts, *self.bounds(window), largest, extremes)
        return extremes

    def labels(self, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Labels that became known in [t - width, t), and frauds among them."""
        return self._once(("labels", window.width), lambda: self._labels(window.width))

    def distinct(self, window: Window, entity: str) -> NDArray[np.int32]:
        """Different ids of another entity in each window."""
        codes, _ = self.other[entity]
        previous, following = self._once(("neighbours", entity), lambda: self._neighbours(entity))
        distinct = np.empty(len(self.time), np.int32)
        kernels.window_distinct(codes, previous, following, self.starts, *self.bounds(window), distinct)
        return distinct

    def _once(self, key: object, made: Callable[[], Made]) -> Made:
        if key not in self.kept:
            self.kept[key] = made()
        kept: Made = self.kept[key]
        return kept

    def _bounds(self, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        left, right = np.empty(len(self.time), np.int32), np.empty(len(self.time), np.int32)
        kernels.window_bounds(self.time, self.starts, window.width, window.closed_right, left, right)
        return left, right

    def _sums(self, window: Window) -> NDArray[np.int64]:
        sums = np.empty(len(self.time), np.int64)
        overflows = kernels.window_sums(self.amount, self.starts, *self.bounds(window), sums)
        if overflows:
            raise ValueError(
                f"the amounts of a window must sum to less than 2^63 minor units, {overflows} windows do not"
            )
        return sums

    def _deviations(self, window: Window) -> NDArray[np.float64]:
        variances: NDArray[np.float64] = np.empty(len(self.time), np.float64)
        kernels.window_variances(self.amount, self.starts, *self.bounds(window), self.sums(window), variances)
        np.sqrt(variances, out=variances)
        return variances

    def _labels(self, width: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        events, event_starts = self._once("label events", self._label_events)
        labels, frauds = np.empty(len(self.time), np.int32), np.empty(len(self.time), np.int32)
        kernels.label_windows(self.time, self.starts, events, event_starts, width, labels, frauds)
        return labels, frauds

    def _label_events(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        events, event_starts = np.empty(len(self.time), np.int64), np.empty(len(self.starts), np.int32)
        kernels.label_events(self.label_keys, self.starts, events, event_starts)
        return events, event_starts

    def _neighbours(self, entity: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        codes, count = self.other[entity]
        previous, following = np.empty(len(self.time), np.int32), np.empty(len(self.time), np.int32)
        kernels.neighbours(codes, self.starts, count, previous, following)
        return previous, following


def quotient(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    """Elementwise division that is NaN where the denominator is 0."""
    values = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=values, where=denominator != 0)
    return values
