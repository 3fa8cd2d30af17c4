"""What a person sees while a job works: live progress in a terminal, plain lines everywhere else."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from pipeline.storage.masking import masked

PLAIN_INTERVAL = 10.0


class Reporter(Protocol):
    """Where a job says what it does."""

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        """One line that stays; the event and its fields are for readers that are machines."""

    def warn(self, text: str) -> None:
        """One line that stays and asks for attention."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """How far the stage in hand has come; the note says what it is at."""

    def stage(self, name: str, /) -> AbstractContextManager[None]:
        """A stage begins; the `with` block is its life."""


class TerminalReporter:
    """Rich output: a bar for the stage in hand, lines above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def say(self, text: str, **_fields: object) -> None:
        self._console.print(masked(text), highlight=False, markup=False)

    def warn(self, text: str) -> None:
        self._console.print(f"! {masked(text)}", style="yellow", highlight=False, markup=False)

    def progress(self, done: float, total: float, note: str = "") -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, note=masked(note))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        columns = (
            SpinnerColumn(),
            TextColumn(f"{name:<10}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", style="dim"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(name, total=None, note="")
            try:
                yield
            finally:
                self._bar = self._task = None


class PlainReporter:
    """Plain lines for logs and pipes: progress at most every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name = ""
        self._last = 0.0

    def say(self, text: str, **_fields: object) -> None:
        self._console.print(masked(text), highlight=False, markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        self.say(f"warning: {text}")

    def progress(self, done: float, total: float, note: str = "") -> None:
        if time.monotonic() - self._last >= PLAIN_INTERVAL:
            self._last = time.monotonic()
            self.say(f"  {self._name} {done:g}/{total:g} {note}".rstrip())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._name, self._last = name, time.monotonic()
        yield


class SilentReporter:
    """Says nothing: for tests and for callers that have their own log."""

    def say(self, text: str, *, event: str = "message", **fields: object) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Nothing."""

    @contextmanager
    def stage(self, _name: str) -> Iterator[None]:
        """Nothing around the stage."""
        yield


def reporter_for(console: Console) -> Reporter:
    """The reporter that suits a console: live in a terminal, plain lines elsewhere."""
    return TerminalReporter(console) if console.is_terminal else PlainReporter(console)
