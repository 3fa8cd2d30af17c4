"""What can be said about a row's window: a table of aggregates, one small function of a `Chunk` each.

Sums are exact whole numbers of minor units and only the last step divides in float64, so a value depends neither on
row order nor on how rows were cut into chunks. Nothing here computes before a chunk is handed in, so naming aggregates
(in a configuration, in a specification) compiles no loop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

if TYPE_CHECKING:
    from features.windows.chunk import Chunk, Window

Values = NDArray[Any]
Clock = Literal["event_time", "label_available_at"]
Needs = Literal["group", "all"]

IN_ORDER = "in order of label_available_at, frauds last among labels of one moment"
"""How labels follow one another: by what was known when, so that neither rows nor files decide it."""


@dataclass(frozen=True)
class Aggregate:
    """One aggregate: how it is computed and what another system must know to compute it again.

    A new one is an entry in `AGGREGATES` under the name that configurations use; where the name is to carry a number
    or an entity, one in `features.windows.aggregate_names`:

    >>> spread = Aggregate(
    ...     lambda chunk, window: chunk.extremes(window, largest=True) - chunk.extremes(window, largest=False),
    ...     "largest minus smallest amount of {rows}",
    ...     of="amount",
    ...     money=True,
    ... )
    >>> aggregates = AGGREGATES | {"amount_range": spread}

    Attributes:
        values: (chunk, window) to one value per row of the chunk [n]; amounts are in minor units.
        meaning: the definition in words; {rows} becomes the rows of the window.
        of: the column it reads besides time, if any.
        windowed: whether it takes a window; otherwise its window is the specification's horizon, or `chunk.EVER`.
        past_only: never sees the row itself or its ties, whatever include_current says.
        clock: the time that places a row in the window.
        dtype: int32 for counts, float32 for the rest.
        money: the values are minor units and are divided by the amount scale.
        needs: whose rows decide a value: "group", those of the row's own group; "all", of other groups also the
            frauds of the ids of `of`, so that neither a slice by group nor one group's history is enough.
        online: the loop of `features.online.answers` that answers one row; without one, `values` does, of the row's
            group as a chunk.
        numbers: what that loop must know besides.
        moments: of one that takes no window, how many of the group's last different event_time before t, with all
            rows of these, decide it; None where all the past does.
    """

    values: "Callable[[Chunk, Window], Values]"
    meaning: str
    of: str | None = None
    windowed: bool = True
    past_only: bool = False
    clock: Clock = "event_time"
    dtype: Literal["int32", "float32"] = "float32"
    money: bool = False
    needs: Needs = "group"
    online: str | None = None
    numbers: tuple[int, ...] = ()
    moments: int | None = None

    @property
    def reads_labels(self) -> bool:
        """Whether it needs label and label_available_at."""
        return self.of == "label" or self.needs == "all"


def zscore(chunk: "Chunk", window: "Window") -> Values:
    """The amount's distance from the window's mean in its standard deviations, NaN where that is 0 or unknown."""
    return chunk.quotients(chunk.amount - chunk.means(window), chunk.deviations(window))


def ratio(chunk: "Chunk", window: "Window") -> Values:
    """The amount over the window's mean, NaN where that is 0 or unknown."""
    return chunk.quotients(chunk.amount, chunk.means(window))


def fraud_rate(chunk: "Chunk", window: "Window") -> Values:
    """Frauds over labels, NaN where no label became known."""
    return chunk.quotients(chunk.frauds(window), chunk.labels(window))


AGGREGATES: dict[str, Aggregate] = {
    "count": Aggregate(lambda chunk, window: chunk.counts(window), "number of {rows}", dtype="int32", online="count"),
    "amount_sum": Aggregate(
        lambda chunk, window: chunk.sums(window),
        "sum of amount over {rows}, 0 where none",
        of="amount",
        money=True,
        online="sum",
    ),
    "amount_mean": Aggregate(
        lambda chunk, window: chunk.means(window), "mean of amount over {rows}", of="amount", money=True, online="mean"
    ),
    "amount_max": Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=True),
        "largest amount of {rows}",
        of="amount",
        money=True,
        online="largest",
    ),
    "amount_min": Aggregate(
        lambda chunk, window: chunk.extremes(window, largest=False),
        "smallest amount of {rows}",
        of="amount",
        money=True,
        online="smallest",
    ),
    "amount_std": Aggregate(
        lambda chunk, window: chunk.deviations(window),
        "standard deviation (n - 1) of amount over {rows}, missing under two",
        of="amount",
        money=True,
        online="deviation",
    ),
    "amount_zscore": Aggregate(
        zscore,
        "(amount - mean) / standard deviation (n - 1) of amount over {rows}, missing where that is 0 or unknown",
        of="amount",
        past_only=True,
        online="zscore",
    ),
    "amount_ratio": Aggregate(
        ratio,
        "amount / mean of amount over {rows}, missing where that is 0 or unknown",
        of="amount",
        past_only=True,
        online="ratio",
    ),
    "seconds_since_last": Aggregate(
        lambda chunk, past: chunk.seconds_since_last(past),
        "seconds since the last of {rows}",
        windowed=False,
        past_only=True,
        online="seconds_since",
        moments=1,
    ),
    "first_seen": Aggregate(
        lambda chunk, past: chunk.first_seen(past),
        "1 where there are no {rows}, else 0",
        windowed=False,
        past_only=True,
        online="first_seen",
        moments=1,
    ),
    "label_count": Aggregate(
        lambda chunk, window: chunk.labels(window),
        "number of labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
        online="labels",
    ),
    "fraud_count": Aggregate(
        lambda chunk, window: chunk.frauds(window),
        "number of fraud labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
        online="frauds",
    ),
    "fraud_rate": Aggregate(
        fraud_rate,
        "fraud labels over all labels of {rows}",
        of="label",
        past_only=True,
        clock="label_available_at",
        online="fraud_rate",
    ),
    "last_label": Aggregate(
        lambda chunk, window: chunk.last_labels(window),
        f"last label of {{rows}} {IN_ORDER}, missing where none",
        of="label",
        past_only=True,
        clock="label_available_at",
        online="last_label",
    ),
    "seconds_since_last_fraud": Aggregate(
        lambda chunk, window: chunk.seconds_since_last_fraud(window),
        "seconds since the latest label_available_at of the fraud labels of {rows}, missing where none",
        of="label",
        past_only=True,
        clock="label_available_at",
        online="since_fraud",
    ),
    "fraud_run_length": Aggregate(
        lambda chunk, window: chunk.run_lengths(window),
        f"number of fraud labels behind the last legitimate one, or of all where there is none, of {{rows}} {IN_ORDER}",
        of="label",
        past_only=True,
        clock="label_available_at",
        dtype="int32",
        online="run_length",
    ),
    "fraud_run_seconds": Aggregate(
        lambda chunk, window: chunk.run_seconds(window),
        "seconds since the label_available_at of the first of the fraud labels behind the last legitimate one, or of "
        f"all where there is none, of {{rows}} {IN_ORDER}, missing where there is no such fraud",
        of="label",
        past_only=True,
        clock="label_available_at",
        online="run_seconds",
    ),
}
"""Every aggregate whose name is a word of its own; those that carry a number or an entity come on top of these."""
