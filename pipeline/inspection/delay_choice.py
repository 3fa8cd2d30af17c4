"""How late labels come, from the report dates of the frauds in the file, and which delays are worth trying."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.times import DAY, HOUR, duration_microseconds, duration_text
from pipeline.inspection.ingested_data import IngestedData
from pipeline.inspection.interview import Interview, Question

QUANTILES = (0.99, 0.97, 0.95)
"""Shares of the frauds that may be reported by `labels.delay`; a short history takes the smaller ones."""
FEWEST = 20
"""Reported frauds below which a quantile of their delays says nothing."""
USUAL = 7 * DAY
PART_OF_HISTORY = 20


@dataclass(frozen=True)
class DelayChoice:
    """Delays to try in turn (microseconds), each with the reason that would stand above it."""

    delays: Sequence[tuple[int, str]]


def delay_choice(data: IngestedData, interview: Interview) -> DelayChoice:
    """The delays to try; the one that somebody said alone, where the file does not tell."""
    observed = _observed(data)
    if len(observed) >= FEWEST:
        half, most = (duration_days(np.quantile(observed, share)) for share in (0.5, 0.95))
        return DelayChoice(
            [
                (
                    _rounded(float(np.quantile(observed, share))),
                    f"{share:.0%} of {len(observed):,} frauds were reported within this time (half within {half}, 95% "
                    f"within {most}); rows younger than that are not yet judged",
                )
                for share in QUANTILES
            ]
        )
    span = data.report.end - data.report.start
    guess = min(USUAL, max(span // PART_OF_HISTORY // DAY * DAY, DAY if span > 4 * DAY else 0))
    answer = interview.settle(
        Question(
            "labels.delay",
            "After how long are frauds known? (such as 30d)",
            duration_text(guess),
            "the file does not say when frauds became known; chargebacks take weeks, and too short a delay trains on "
            "frauds that nobody knew yet",
            reading=_delay,
        )
    )
    return DelayChoice([(duration_microseconds(answer), "")])


def duration_days(microseconds: float) -> str:
    """A length of time as people say it.

    >>> duration_days(8.2 * DAY), duration_days(3 * HOUR)
    ('8.2 days', '3 hours')
    """
    return f"{microseconds / DAY:.3g} days" if microseconds >= DAY else f"{microseconds / HOUR:.2g} hours"


def _delay(answer: str) -> str:
    return duration_text(duration_microseconds(answer))


def _observed(data: IngestedData) -> NDArray[np.float64]:
    """Delays of the frauds whose report time the file itself gives, microseconds; empty where it gives none."""
    given = any(role.partition(".")[0] == "label_available_at" for role in data.report.columns.used)
    if not given and data.report.chargebacks is None:
        return np.zeros(0)
    frauds = data.transactions.filter(pc.equal(data.transactions["label"], 1))
    times = [frauds[name].cast(pa.int64()).to_numpy() for name in ("label_available_at", "event_time")]
    delays: NDArray[np.float64] = (times[0] - times[1]).astype(np.float64)
    return delays[delays > 0]


def _rounded(delay: float) -> int:
    unit = DAY if delay > DAY else HOUR
    return int(-(-delay // unit)) * unit
