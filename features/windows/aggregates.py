"""What can be said about a row's window: a table of aggregates, one small function of a `Chunk` each.

A new aggregate is one entry in `AGGREGATES` and, at most, one function. Sums are exact whole numbers of minor units and
only the last step divides in float64, so a value depends neither on row order nor on how rows were cut into chunks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from features.windows import kernels
from features.windows.chunk import Chunk, Window

Values = NDArray[Any]
Clock = Literal["event_time", "label_available_at"]


@dataclass(frozen=True)
class Aggregate:
    """One aggregate: how it is computed and what another system must know to compute it again.

    Attributes:
        values: the column of a chunk; amounts are in minor units.
        meaning: the definition in words; {rows} becomes the rows of the window.
        of: the column it reads besides time, if any.
        windowed: whether it takes a window; otherwise it sees all the past.
        past_only: never sees the row itself or its ties, whatever include_current says.
        clock: the time that places a row in the window.
        dtype: int32 for counts, float32 for the rest.
        money: the values are minor units and are divided by the amount scale.
    """

    values: Callable[[Chunk, Window], Values]
    meaning: str
    of: str | None = None
    windowed: bool = True
    past_only: bool = False
    clock: Clock = "event_time"
    dtype: Literal["int32", "float32"] = "float32"
    money: bool = False


def zscore(chunk: Chunk, window: Window) -> Values:
    """The amount's distance from the window's mean in its standard deviations, NaN where that is 0 or unknown."""
    return chunk.quotients(chunk.amount - chunk.means(window), chunk.deviations(window))


def ratio(chunk: Chunk, window: Window) -> Values:
    """The amount over the window's mean, NaN where that is 0 or unknown."""
    return chunk.quotients(chunk.amount, chunk.means(window))


def fraud_rate(chunk: Chunk, window: Window) -> Values:
    """Frauds over labels, NaN where no label became known."""
    return chunk.quotients(chunk.frauds(window), chunk.labels(window))


def seconds_since_last(chunk: Chunk, window: Window) -> Values:
    """Seconds since the last strictly earlier row, NaN where there is none."""
    seconds = chunk.empty(np.float32)
    kernels.seconds_since_last(chunk.time, chunk.starts, seconds)
    return seconds


def first_seen(chunk: Chunk, window: Window) -> Values:
    """1 where no strictly earlier row exists, else 0."""
    flags = chunk.empty(np.float32)
    kernels.first_seen(chunk.time, chunk.starts, flags)
    return flags


def distinct(entity: str) -> Aggregate:
    """How many different ids of another entity the window holds; nulls do not count."""
    return Aggregate(
        lambda chunk, window: chunk.distinct(window, entity),
        f"number of different {entity}_id, nulls not counted, in {{rows}}",
        of=f"{entity}_id",
        dtype="int32",
    )


AGGREGATES: dict[str, Aggregate] = {
    "count": Aggregate(lambda chunk, window: chunk.counts(window), "number of {rows}", dtype="int32"),
    "amount_sum": Aggregate(
        lambda chunk, window: chunk.sums(window), "sum of amount over {rows}, 0 where none", of="amount", money=True
    ),
    "amount_mean": Aggregate(
        lambda chunk, window: chunk.means(window), "mean of amount over {rows}", of="amount", money=True
    ),
    "amount_max": Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=True), "largest amount of {rows}", of="amount", money=True
    ),
    "amount_min": Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=False),
        "smallest amount of {rows}",
        of="amount",
        money=True,
    ),
    "amount_std": Aggregate(
        lambda chunk, window: chunk.deviations(window),
        "standard deviation (n - 1) of amount over {rows}, missing under two",
        of="amount",
        money=True,
    ),
    "amount_zscore": Aggregate(
        zscore,
        "(amount - mean) / standard deviation (n - 1) of amount over {rows}, missing where that is 0 or unknown",
        of="amount",
        past_only=True,
    ),
    "amount_ratio": Aggregate(
        ratio, "amount / mean of amount over {rows}, missing where that is 0 or unknown", of="amount", past_only=True
    ),
    "seconds_since_last": Aggregate(
        seconds_since_last, "seconds since the last of {rows}", windowed=False, past_only=True
    ),
    "first_seen": Aggregate(first_seen, "1 where there are no {rows}, else 0", windowed=False, past_only=True),
    "label_count": Aggregate(
        lambda chunk, window: chunk.labels(window),
        "number of labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
    ),
    "fraud_count": Aggregate(
        lambda chunk, window: chunk.frauds(window),
        "number of fraud labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
    ),
    "fraud_rate": Aggregate(
        fraud_rate,
        "fraud labels over all labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
    ),
}


def aggregate_named(name: str, *, entities: tuple[str, ...]) -> Aggregate | None:
    """The aggregate of a name, "merchants" being the distinct count of entity "merchant"; None where there is none."""
    if name in AGGREGATES:
        return AGGREGATES[name]
    return distinct(name[:-1]) if name.endswith("s") and name[:-1] in entities else None
