"""Whether a delivery is whole, single and fresh: days without rows, rows that came twice, an end long before as-of."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from features.schema.silent_days import Silence, daily_rows, silences
from features.times import DAY, duration_text, time_text
from pipeline.storage.errors import InputError

REPEATED = 0.01
"""Share of rows that repeat another one in everything from which a feed without ids may have been delivered twice."""
SHOWN = 6


def check_silence(times: NDArray[np.int64], *, as_of: int | None, longest: int | None) -> None:
    """Stop where no row came for longer than is allowed, up to as-of.

    Args:
        times: of the rows, in order, microseconds since 1970 [N].
        as_of: likewise, or None.
        longest: microseconds; None allows any.

    Raises:
        InputError: from when to when none came.
    """
    if longest is None or not len(times):
        return
    ends = times if as_of is None else np.append(times, as_of)
    gaps = np.diff(ends)
    if not len(gaps) or gaps.max() <= longest:
        return
    place = int(gaps.argmax())
    raise InputError(
        f"no row came from {time_text(int(ends[place]))} to {time_text(int(ends[place + 1]))}, "
        f"{gaps[place] / DAY:.1f} days, data.max_silence allows {duration_text(longest)}"
    )


def delivery_warnings(times: NDArray[np.int64], *, repeated: int, as_of: int | None) -> Iterator[str]:
    """What is silent, stale or doubled, in words.

    Args:
        times: of the rows written, microseconds since 1970, in any order [N].
        repeated: rows that repeat another one in every column, where the feed has no ids.
        as_of: microseconds since 1970, or None.
    """
    if not len(times):
        return
    found = list(silences(*daily_rows(times), until=as_of))
    holes = [each for each in found if not each.at_end]
    if holes:
        yield _holes(holes)
    if found and found[-1].at_end and as_of is not None:
        newest = int(times.max())
        yield (
            f"the feed is stale: its newest row is of {time_text(newest)}, {(as_of - newest) / DAY:.1f} days before "
            f"as-of {time_text(as_of)}, and about {found[-1].expected:,.0f} rows were to be expected since"
        )
    if repeated > REPEATED * len(times):
        yield (
            f"{repeated:,} of {len(times):,} rows repeat another one in every column, and the feed has no transaction "
            "ids: has a file been delivered twice?"
        )


def _holes(holes: list[Silence]) -> str:
    days, expected = sum(each.days for each in holes), sum(each.expected for each in holes)
    more = f" and {len(holes) - SHOWN} more" if len(holes) > SHOWN else ""
    named = ", ".join(map(_span, holes[:SHOWN]))
    return (
        f"no rows, or hardly any, on {days} day{'s' * (days > 1)} on which about {expected:,.0f} were to be expected: "
        f"{named}{more}; windows over them count too little"
    )


def _span(silence: Silence) -> str:
    first, last = (time_text(day * DAY)[:10] for day in (silence.first, silence.last))
    return first if first == last else f"{first} to {last}"
