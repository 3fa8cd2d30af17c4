"""What a person sees while a job works: live progress in a terminal, plain lines everywhere else."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipeline.process.pace import Pace, clock_text
from pipeline.process.terminal import coloured, shown_line, shown_text

PLAIN_INTERVAL = 10.0
BAR_WIDTH, WIDE = 16, 100
"""Width of a bar, and of a terminal that has room for it beside the note."""


class Reporter(Protocol):
    """Where a job says what it does."""

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        """One line that stays; the event and its fields are for readers that are machines."""

    def warn(self, text: str) -> None:
        """One line that stays and asks for attention."""

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        """How far the step in hand has come, of how much (None: nobody knows); the note says what it is at."""

    def stage(self, name: str, /, place: str = "") -> AbstractContextManager[None]:
        """A stage begins, at its place among all ("stage 3 of 7"); the `with` block is its life."""


class TerminalReporter:
    """Rich output: a line for the stage in hand whose clock never stops, lines that stay above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line: StageLine | None = None

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        verdict = isinstance(fields.get("passed"), bool)
        shown = coloured(shown_text(text)) if verdict else Text(shown_text(text))
        if event == "stage_finished":
            shown.highlight_regex("^ *✓", "green")
        self._console.print(shown)

    def warn(self, text: str) -> None:
        self._console.print(Text(shown_text(f"! {text}"), "yellow"))

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        if self._line is not None:
            self._line.update(done, total, shown_line(note))

    @contextmanager
    def stage(self, name: str, place: str = "") -> Iterator[None]:
        self._line = StageLine(name, place)
        line, console = self._line, self._console
        with Live(get_renderable=lambda: line.render(console.width), console=console, transient=True):
            try:
                yield
            finally:
                self._line = None


class StageLine:
    """What stands on the last line while a stage works: place, bar, note, time taken and time to go.

    Bar and time to go are those of the step in hand; the clock is that of the stage and runs whatever is told.
    """

    def __init__(self, name: str, place: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = f"{place:<10} {name:<9}".lstrip() if place else f"{name:<9}"
        self._clock, self._began = clock, clock()
        self._spinner, self._pace = Spinner("dots"), Pace()
        self._done, self._note = 0.0, "getting ready"
        self._total: float | None = None

    def update(self, done: float, total: float | None, note: str) -> None:
        """Take in how far the step has come."""
        self._done, self._total, self._note = done, total, note
        self._pace.note(done, total, self._clock())

    def render(self, width: int) -> RenderableType:
        """The line as it is now, in a terminal of so many columns."""
        bar = ProgressBar(self._total or None, self._done, width=BAR_WIDTH, pulse=not self._total)
        middle: list[RenderableType] = [bar] if width >= WIDE else []
        note = Text(self._note, "dim")
        line = Table.grid(padding=(0, 1), expand=True)
        parts: list[RenderableType] = [self._spinner, self._title, *middle, note, self._times()]
        for part in parts:
            line.add_column(no_wrap=True, overflow="ellipsis", ratio=1 if part is note else None)
        line.add_row(*parts)
        return line

    def _times(self) -> Text:
        """Time since the stage began, and the time that the step in hand still takes."""
        now = self._clock()
        left = self._pace.remaining(now) or 0.0
        text = Text(clock_text(now - self._began), "progress.elapsed")
        return text.append(f"  {clock_text(left)} left", "progress.remaining") if left >= 1 else text


class PlainReporter:
    """Plain lines for logs and pipes: progress at most every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._last = 0.0
        self._pace = Pace()

    def say(self, text: str, **_fields: object) -> None:
        self._console.print(Text(shown_text(text)), soft_wrap=True)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        now = time.monotonic()
        self._pace.note(done, total, now)
        if now - self._last >= PLAIN_INTERVAL:
            self._last = now
            left = self._pace.remaining(now) or 0.0
            parts = (self._name, "" if total is None else f"{done:g}/{total:g}", note)
            self.say(f"  {' '.join(filter(None, parts))}" + (f", {clock_text(left)} left" if left >= 1 else ""))

    @contextmanager
    def stage(self, name: str, place: str = "") -> Iterator[None]:
        self._name, self._last, self._pace = " ".join(filter(None, (place, name))), time.monotonic(), Pace()
        yield


class SilentReporter:
    """Says nothing: for tests and for callers that have their own log."""

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def progress(self, done: float, total: float | None, note: str = "") -> None:
        """Nothing."""

    @contextmanager
    def stage(self, _name: str, _place: str = "") -> Iterator[None]:
        """Nothing around the stage."""
        yield


def reporter_for(console: Console) -> Reporter:
    """The reporter that suits a console: live in a terminal, plain lines elsewhere."""
    live = console.is_terminal and not console.is_dumb_terminal
    return TerminalReporter(console) if live else PlainReporter(console)
