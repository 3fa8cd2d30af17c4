"""How long a step still takes, from how fast it has come so far."""

from dataclasses import dataclass

FEWEST_PARTS = 5
"""Fewer parts are different things (scores, resamples, a report), and one tells nothing of the next."""


@dataclass(frozen=True)
class _Mark:
    """How far a step had come at a moment in seconds."""

    done: float
    moment: float


class Pace:
    """The speed of the step in hand.

    A step ends where another total is told, or less done than before: a sweep, then the rounds of a booster. What came
    before its first report (loading, compiling) says nothing about the rest, so the speed is that between reports.
    """

    def __init__(self) -> None:
        self._total: float | None = None
        self._first = self._last = _Mark(0.0, 0.0)

    def note(self, done: float, total: float | None, moment: float) -> None:
        """Take in a report: how much is done, of how much (None: nobody knows), at a moment in seconds."""
        mark = _Mark(done, moment)
        if total != self._total or done < self._last.done:
            self._total, self._first = total, mark
        self._last = mark

    def remaining(self, moment: float) -> float | None:
        """Seconds to the end of the step, 0 where it is overdue; None as long as nothing can be told."""
        done = self._last.done - self._first.done
        if self._total is None or self._total < FEWEST_PARTS or done <= 0:
            return None
        seconds = (self._last.moment - self._first.moment) / done
        return max(0.0, (self._total - self._last.done) * seconds - (moment - self._last.moment))


def clock_text(seconds: float) -> str:
    """Seconds as a clock shows them.

    >>> clock_text(3725.9)
    '1:02:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
