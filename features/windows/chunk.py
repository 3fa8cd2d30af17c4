"""Whole groups of one entity in (group, time) order, and what the aggregates of a window share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.windows import bounds, fraud_elsewhere, kernels, label_runs, previous_moments, standing_labels
from features.windows.standing_labels import EndedLabels, LabelEvents, StandingLabels
from features.windows.workers import Scratch

Made = TypeVar("Made")
AnyNumber = TypeVar("AnyNumber", bound=np.generic)


@dataclass(frozen=True)
class Window:
    """A length in microseconds; `closed_right` makes it (t - width, t], otherwise it is [t - width, t)."""

    width: int
    closed_right: bool = False


EVER = Window(np.iinfo(np.int64).max)
"""All the past, for aggregates that take no window where a specification sets no horizon."""


@dataclass(frozen=True)
class Chunk:
    """Some whole groups of one entity, small enough to stay in cache while every column is made of them.

    Attributes:
        time: int64 [n], microseconds.
        starts: int32 [groups + 1], where each group begins and the last one ends.
        amount: int64 [n], minor units ≥ 0; empty where no aggregate reads it.
        label_keys: int64 [n] as `kernels.label_events` reads them; empty where no aggregate reads labels.
        ended_labels: what stood before them; None where nothing did.
        other: per entity, its codes int32 [n] (-1 null) and how many codes there are.
        elsewhere: per entity, as `fraud_elsewhere.known_elsewhere` tells it of its ids int64 [n].
        ended_elsewhere: per entity, its frauds that ended, groups counted from the chunk's first; where there are any.
        scratch: where arrays are made that live as long as the chunk.
        kept: what several columns need of one window, by (name, its arguments).
    """

    time: NDArray[np.int64]
    starts: NDArray[np.int32]
    amount: NDArray[np.int64]
    label_keys: NDArray[np.int64]
    ended_labels: EndedLabels | None = None
    other: dict[str, tuple[NDArray[np.int32], int]] = field(default_factory=dict)
    elsewhere: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    ended_elsewhere: dict[str, fraud_elsewhere.EndedFrauds] = field(default_factory=dict)
    scratch: Scratch = field(default_factory=Scratch)
    kept: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def empty(self, dtype: type[AnyNumber], *, more: int = 0) -> NDArray[AnyNumber]:
        """Memory for a value of each row and `more` behind them."""
        return self.scratch.empty(len(self.time) + more, dtype)

    def bounds(self, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First row inside and first row behind each row's window."""
        return self._rows(window.width, window.closed_right), self._rows(0, window.closed_right)

    def counts(self, window: Window) -> NDArray[np.int32]:
        """Rows in each window."""
        left, right = self.bounds(window)
        return np.subtract(right, left, out=self.empty(np.int32))

    def sums(self, window: Window) -> NDArray[np.int64]:
        """Exact minor units in each window.

        Raises:
            InputError: a sum needs more than 63 bits.
        """
        return self._once(("sums", window), lambda: self._sums(window))

    def means(self, window: Window) -> NDArray[np.float64]:
        """Mean minor units, NaN in an empty window."""
        return self._once(("means", window), lambda: self.quotients(self.sums(window), self.counts(window)))

    def deviations(self, window: Window) -> NDArray[np.float64]:
        """Sample standard deviation of minor units, NaN under two rows."""
        return self._once(("deviations", window), lambda: self._deviations(window))

    def extremes(self, window: Window, *, largest: bool) -> NDArray[np.float64]:
        """Largest or smallest minor units, NaN in an empty window."""
        extremes = self.empty(np.float64)
        queue = self.empty(np.int32)
        kernels.window_extremes(self.amount, self.starts, *self.bounds(window), largest, queue, extremes)
        return extremes

    def distinct(self, window: Window, entity: str) -> NDArray[np.int32]:
        """Different ids of another entity in each window."""
        return self._once(("distinct", window, entity), lambda: self._distinct(window, entity))

    def compromised(self, window: Window, entity: str) -> NDArray[np.int32]:
        """Those of them in [t - width, t) of which a fraud in another group, since, became known before t."""
        return self._once(("compromised", window, entity), lambda: self._compromised(window, entity))

    def labels(self, window: Window) -> NDArray[np.int32]:
        """Labels that became available in [t - width, t)."""
        if self.ended_labels is not None:
            return self._standing(window.width).labels
        left, right = self._label_bounds(window)
        return np.subtract(right, left, out=self.empty(np.int32))

    def frauds(self, window: Window) -> NDArray[np.int32]:
        """Frauds among the labels that became available in [t - width, t)."""
        if self.ended_labels is not None:
            return self._standing(window.width).frauds
        return self._once(("frauds", window.width), lambda: self._frauds(window))

    def last_labels(self, window: Window) -> NDArray[np.float32]:
        """The last of the labels that became available in [t - width, t), NaN where none did."""
        labels = self.empty(np.float32)
        label_runs.last_labels(self._fraud_places[1], *self._label_bounds(window), labels)
        return labels

    def seconds_since_last_fraud(self, window: Window) -> NDArray[np.float32]:
        """Seconds since the last fraud of [t - width, t) became known, NaN where none did."""
        seconds = self.empty(np.float32)
        available, last_fraud = self._events.available, self._fraud_places[0]
        label_runs.seconds_since_last_fraud(self.time, available, last_fraud, *self._label_bounds(window), seconds)
        return seconds

    def run_lengths(self, window: Window) -> NDArray[np.int32]:
        """Frauds in a row up to the last label that became available in [t - width, t)."""
        lengths = self.empty(np.int32)
        label_runs.run_lengths(self._fraud_places[2], self.frauds(window), self._events_before(0), lengths)
        return lengths

    def run_seconds(self, window: Window) -> NDArray[np.float32]:
        """Seconds since the first of these frauds became known, NaN where there is none."""
        seconds = self.empty(np.float32)
        available, run_start = self._events.available, self._fraud_places[1]
        label_runs.run_seconds(self.time, available, run_start, *self._label_bounds(window), seconds)
        return seconds

    def previous_amounts(self, k: int, past: Window = EVER) -> NDArray[np.float64]:
        """Largest minor units of the group's k-th last moment before t, NaN where it has fewer."""
        amounts = self.empty(np.float64)
        previous_moments.values_at(self._largest_of_moments, self._moments_before(k, past)[0], amounts)
        return amounts

    def seconds_since_previous(self, k: int, past: Window = EVER) -> NDArray[np.float32]:
        """Seconds since the group's k-th last moment before t, NaN where it has fewer."""
        seconds = self.empty(np.float32)
        previous_moments.seconds_since(self.time, self._moments_before(k, past)[0], seconds)
        return seconds

    def same_as_previous(self, k: int, entity: str, past: Window = EVER) -> NDArray[np.float32]:
        """Whether another entity's id is among those of the k-th last moment, NaN where there is neither."""
        codes, count = self.other[entity]
        flags, seen_at = self.empty(np.float32), self.scratch.empty(count, np.int32)
        previous_moments.same_codes(codes, self._rows(0, False), *self._moments_before(k, past), seen_at, flags)
        return flags

    def seconds_since_last(self, past: Window = EVER) -> NDArray[np.float32]:
        """Seconds since the group's last strictly earlier row, NaN where there is none."""
        seconds = self.empty(np.float32)
        kernels.seconds_since_last(self.time, self.starts, past.width, seconds)
        return seconds

    def first_seen(self, past: Window = EVER) -> NDArray[np.float32]:
        """1 where the group has no strictly earlier row, else 0."""
        flags = self.empty(np.float32)
        kernels.first_seen(self.time, self.starts, past.width, flags)
        return flags

    def quotients(self, numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
        """Elementwise division that is NaN where the denominator is 0."""
        values = self.empty(np.float64)
        kernels.quotients(numerator, denominator, values)
        return values

    def _once(self, key: tuple[object, ...], made: Callable[[], Made]) -> Made:
        if key not in self.kept:
            self.kept[key] = made()
        kept: Made = self.kept[key]
        return kept

    def _rows(self, shift: int, after: bool) -> NDArray[np.int32]:
        """First row of the group at or (`after`) behind t - shift."""
        if shift == 0:
            return self._once(("tied", after), lambda: self._tied_rows(after))
        return self._once(("rows", shift, after), lambda: self._places(self.time, self.starts, shift, after))

    def _tied_rows(self, after: bool) -> NDArray[np.int32]:
        places = self.empty(np.int32)
        bounds.tied_rows(self.time, self.starts, after, places)
        return places

    def _label_bounds(self, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First label inside that stands and first label behind each row's window, which never holds its own time."""
        right = self._events_before(0)
        ends = self.ended_labels is not None
        return self._standing(window.width).first if ends else self._events_before(window.width), right

    def _frauds(self, window: Window) -> NDArray[np.int32]:
        frauds = self.empty(np.int32)
        kernels.differences(self._events.frauds_before, *self._label_bounds(window), frauds)
        return frauds

    def _standing(self, width: int) -> StandingLabels:
        return self._once(("standing", width), lambda: self._found_standing(width))

    def _found_standing(self, width: int) -> StandingLabels:
        found = StandingLabels(*(self.empty(np.int32) for _ in range(3)))
        gone = self.scratch.empty(len(self._events.ended), np.bool_)
        windows = self._events_before(width), self._events_before(0)
        standing_labels.standing_labels(self.starts, self._events, *windows, gone, found)
        return found

    def _events_before(self, shift: int) -> NDArray[np.int32]:
        """First label of the group that became available at or behind t - shift."""
        events = self._events
        return self._once(("events", shift), lambda: self._places(events.available, events.starts, shift, False))

    def _places(
        self, moments: NDArray[np.int64], moment_starts: NDArray[np.int32], shift: int, after: bool
    ) -> NDArray[np.int32]:
        places = self.empty(np.int32)
        bounds.first_moments(self.time, self.starts, moments, moment_starts, shift, after, places)
        return places

    def _sums(self, window: Window) -> NDArray[np.int64]:
        sums = self.empty(np.int64)
        overflows = kernels.window_sums(*self._totals, *self.bounds(window), sums)
        if overflows:
            raise InputError(
                f"the amounts of a window must sum to less than 2^63 minor units, {overflows} windows do not"
            )
        return sums

    def _deviations(self, window: Window) -> NDArray[np.float64]:
        deviations = self.empty(np.float64)
        kernels.window_deviations(*self._squares, *self.bounds(window), self.sums(window), deviations)
        return deviations

    @cached_property
    def _totals(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """High and low word of the sum of all amounts before each row."""
        return self._running(kernels.running_totals)

    @cached_property
    def _squares(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """High and low word of the sum of all squared amounts before each row."""
        return self._running(kernels.running_squares)

    def _running(self, kernel: Callable[..., None]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        high, low = self.empty(np.uint64, more=1), self.empty(np.uint64, more=1)
        kernel(self.amount, high, low)
        return high, low

    @cached_property
    def _events(self) -> LabelEvents:
        more = 0 if self.ended_labels is None else 2 * len(self.ended_labels.rows)
        events = LabelEvents(
            available=self.empty(np.int64, more=more),
            starts=self.scratch.empty(len(self.starts), np.int32),
            frauds_before=self.empty(np.int32, more=more + 1),
            ended=self.scratch.empty(len(self.time) + more if more else 0, np.int32),
        )
        if self.ended_labels is None:
            kernels.label_events(self.label_keys, self.starts, *events[:3])
        else:
            standing_labels.label_and_end_events(self.label_keys, self.starts, self.ended_labels, events)
        return events

    @cached_property
    def _fraud_places(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """The last fraud before each place among the labels, where the frauds up to it begin, and how many they are."""
        events = self._events
        places = int(events.starts[-1]) + 1
        last_fraud, run_start, runs = (self.scratch.empty(places, np.int32) for _ in range(3))
        frauds_before = events.frauds_before[:places]
        if self.ended_labels is None:
            label_runs.fraud_places(frauds_before, last_fraud, run_start, runs)
            return last_fraud, run_start, runs
        steps = self.scratch.empty(4 * (places + 1), np.int32).reshape(4, -1)
        between = self.scratch.empty(places + 1, np.int32)
        ended = events.ended[: places - 1]
        standing_labels.standing_fraud_places(frauds_before, ended, steps, between, last_fraud, run_start, runs)
        return last_fraud, run_start, runs

    def _moments_before(self, k: int, past: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First row of each row's k-th last moment and first row behind that moment, -1 where there is none."""

        def found() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
            first, end = self.empty(np.int32), self.empty(np.int32)
            previous_moments.moments_before(self._rows(0, False), self.starts, k, first, end)
            previous_moments.forget_beyond(self.time, past.width, first, end)
            return first, end

        return self._once(("moments", k, past), found)

    @cached_property
    def _largest_of_moments(self) -> NDArray[np.int64]:
        largest = self.empty(np.int64)
        previous_moments.largest_of_moments(self.amount, self._rows(0, False), largest)
        return largest

    def _distinct(self, window: Window, entity: str) -> NDArray[np.int32]:
        distinct = self.empty(np.int32)
        neighbours = self._neighbours(entity)
        kernels.window_distinct(self.other[entity][0], *neighbours, self.starts, *self.bounds(window), distinct)
        return distinct

    def _compromised(self, window: Window, entity: str) -> NDArray[np.int32]:
        counts, spans = self.empty(np.int32), self.empty(np.int64, more=len(self.time)).reshape(2, -1)
        rows = self.time, self.elsewhere[entity], self._neighbours(entity)[0], self.starts
        fraud_elsewhere.window_compromised(*rows, window.width, spans, counts)
        ended = self.ended_elsewhere.get(entity)
        if ended is not None:
            fraud_elsewhere.count_compromised_for_a_time(rows, window.width, self.other[entity][0], ended, counts)
        return counts

    def _neighbours(self, entity: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The row before and the row behind with the same id of another entity."""
        return self._once(("neighbours", entity), lambda: self._found_neighbours(entity))

    def _found_neighbours(self, entity: str) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        codes, count = self.other[entity]
        previous, following = self.empty(np.int32), self.empty(np.int32)
        last_row = self.scratch.empty(count, np.int32)
        kernels.neighbours(codes, self.starts, last_row, previous, following)
        return previous, following
