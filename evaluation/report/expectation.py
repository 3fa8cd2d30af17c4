"""What a shipped model leads to expect of later rows: its numbers on the judged fold, and how its columns looked there.

It travels in the manifest, so that outcomes which arrive later are held against it without the data of the run.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluation.statistics.populations import JudgedRows
from evaluation.statistics.sample import DAY, Floats, Integers, Mask, sample
from evaluation.statistics.scores import log_loss
from evaluation.statistics.stability import CategoryBins, NumericBins, Stability, category_bins, numeric_bins

SCORE = "score"
"""The name of the score among the columns."""
WEEK_DAYS = 7


@dataclass(frozen=True)
class UsualColumn:
    """A column as it was on the judged fold, and the largest index that a span of the fold shows against the whole.

    A day differs from its fold for no reason but the calendar: what one day of the fold shows is no drift of another.
    """

    bins: NumericBins | CategoryBins
    largest_of_days: float
    largest_of_weeks: float

    def index(self, values: NDArray[Any]) -> Stability:
        """The stability index of later rows [N]."""
        return self.bins.index(values)

    def usual(self, *, days: float) -> float:
        """The largest index of spans of the fold that are no longer than so many days, or than a week."""
        return self.largest_of_days if days < WEEK_DAYS else self.largest_of_weeks


@dataclass(frozen=True)
class Expectation:
    """Numbers on the judged fold.

    Attributes:
        rows: judged, of known label.
        prevalence: their fraud rate, weighted.
        log_loss: of the judged model.
        promised_log_loss: what the same rows would score if the probabilities were right.
        average_precision: of the judged model.
        columns: by name, the score among them.
    """

    rows: int
    prevalence: float
    log_loss: float
    promised_log_loss: float
    average_precision: float
    columns: Mapping[str, UsualColumn]

    @property
    def kept(self) -> float:
        """How well the promise was kept: log loss over what was promised; 1 is right."""
        return self.log_loss / self.promised_log_loss if self.promised_log_loss > 0 else 1.0

    def to_dict(self) -> dict[str, Any]:
        """JSON values, from which `expectation_from` makes the same again."""
        return {
            "rows": self.rows,
            "prevalence": self.prevalence,
            "log_loss": self.log_loss,
            "promised_log_loss": self.promised_log_loss,
            "average_precision": self.average_precision,
            "columns": {name: _column_values(each) for name, each in self.columns.items()},
        }


def expectation(
    rows: JudgedRows,
    probabilities: Floats,
    columns: Mapping[str, NDArray[Any]],
    *,
    average_precision: float,
    event_time: Integers,
    scores: Floats,
    bins: int = 10,
) -> Expectation:
    """What the judged fold shows.

    Args:
        rows: those of known label [N].
        probabilities: the judged model's P(fraud) on them [N].
        columns: every column of the whole fold, numbers or texts [M].
        average_precision: as the report has it.
        event_time: of the whole fold, microseconds [M].
        scores: P(fraud) on the whole fold [M].
        bins: of an index.
    """
    s = sample(rows.labels, probabilities, weight=rows.weight)
    return Expectation(
        rows=int(rows.labels.size),
        prevalence=s.frauds / s.rows,
        log_loss=log_loss(rows.labels, probabilities, weight=rows.weight),
        promised_log_loss=promised_log_loss(probabilities, weight=rows.weight),
        average_precision=average_precision,
        columns={name: _usual(values, event_time, bins=bins) for name, values in {**columns, SCORE: scores}.items()},
    )


def promised_log_loss(probabilities: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """The log loss that rows would have on average if their probabilities were right: their mean entropy in nats.

    It follows from the probabilities alone, so it moves with the mix of rows as an honest log loss does.

    >>> round(promised_log_loss([0.5, 0.5]), 4), promised_log_loss([0.0, 1.0])
    (0.6931, 0.0)

    Args:
        probabilities: P(fraud) [N].
        weight: row weights, ≥ 0 [N].
    """
    p = np.asarray(probabilities, dtype=np.float64)
    inner = np.clip(p, 1e-300, 1.0 - 1e-16)
    entropy = np.where((p > 0) & (p < 1), -(inner * np.log(inner) + (1.0 - inner) * np.log1p(-inner)), 0.0)
    return float(np.average(entropy, weights=None if weight is None else np.asarray(weight, dtype=np.float64)))


def expectation_from(values: Mapping[str, Any]) -> Expectation:
    """What `Expectation.to_dict` gave, read back."""
    return Expectation(
        rows=int(values["rows"]),
        prevalence=float(values["prevalence"]),
        log_loss=float(values["log_loss"]),
        promised_log_loss=float(values["promised_log_loss"]),
        average_precision=float(values["average_precision"]),
        columns={str(name): _column_from(each) for name, each in values["columns"].items()},
    )


def _usual(values: NDArray[Any], event_time: Integers, *, bins: int) -> UsualColumn:
    whole = numeric_bins(values, bins=bins) if values.dtype.kind == "f" else category_bins(values, bins=bins)
    day = (event_time - int(event_time.min())) // DAY if event_time.size else event_time
    return UsualColumn(whole, _largest(whole, values, _spans(day, 1)), _largest(whole, values, _spans(day, WEEK_DAYS)))


def _spans(day: Integers, length: int) -> Iterator[Mask]:
    """Rows of each whole span of so many days; at least one span, of all rows."""
    spans = (int(day.max()) + 1) // length if day.size else 0
    yield from ((day // length == span) for span in range(spans))


def _largest(whole: NumericBins | CategoryBins, values: NDArray[Any], spans: Iterator[Mask]) -> float:
    found = [whole.index(values[mask]).index for mask in spans if mask.any()]
    return max((each for each in found if np.isfinite(each)), default=0.0)


def _column_values(column: UsualColumn) -> dict[str, Any]:
    bins = column.bins
    held = bins.edges if isinstance(bins, NumericBins) else bins.values
    return {
        "edges" if isinstance(bins, NumericBins) else "values": held.tolist(),
        "counts": [int(each) for each in bins.counts],
        "usual": [column.largest_of_days, column.largest_of_weeks],
    }


def _column_from(values: Mapping[str, Any]) -> UsualColumn:
    counts = np.asarray(values["counts"], dtype=np.float64)
    bins: NumericBins | CategoryBins = (
        NumericBins(np.asarray(values["edges"], dtype=np.float64), counts)
        if "edges" in values
        else CategoryBins(np.asarray(values["values"], dtype=str), counts)
    )
    return UsualColumn(bins, *(float(each) for each in values["usual"]))
