"""A file that shows a job is getting on: its age is what a liveness probe looks at.

It is touched by what the job says, never by a timer: a thread of its own would beat on beside a job that hangs.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.process.reporter import Reporter

HEARTBEAT = "HARBOR_HEARTBEAT"


class BeatingReporter:
    """Another reporter, and a touch of the file at everything that goes through it."""

    def __init__(self, reporter: Reporter, path: Path) -> None:
        self._reporter = reporter
        self._path = path
        self._beat()

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        self._beat()
        self._reporter.say(text, event=event, **fields)

    def warn(self, text: str) -> None:
        self._beat()
        self._reporter.warn(text)

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        self._beat()
        self._reporter.progress(done, total, note)

    @contextlib.contextmanager
    def stage(self, name: str, place: str = "") -> Iterator[None]:
        self._beat()
        with self._reporter.stage(name, place):
            yield
        self._beat()

    def _beat(self) -> None:
        with contextlib.suppress(OSError):  # a probe's file that cannot be written is no reason to lose a night's work
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
