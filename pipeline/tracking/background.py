"""The journal on its way to MLflow while a run works: in a thread of its own, waited for within a bound.

Timeouts of single requests do not add up to one: a name server, a database driver or a reply that drips in can each
hold a thread for minutes. So the run waits a fixed time and goes on; what was not sent is in the journal.
"""

import threading
import time
from pathlib import Path

from pipeline.process.reporter import Reporter
from pipeline.sections import TrackingConfig
from pipeline.tracking.acknowledged import waiting_records
from pipeline.tracking.replay import Replay, replay

SHORT = 2.0


class Delivery:
    """Sends what a run's journal holds; after a failure it tries again for a short time only, once a stage."""

    def __init__(self, run: Path, config: TrackingConfig, *, reporter: Reporter) -> None:
        self._run = run
        self._config = config
        self._reporter = reporter
        self._worker: threading.Thread | None = None
        self._left = config.patience
        self._failed = False
        self._warned = False

    def before_stage(self) -> None:
        """Show that a stage has begun, unless the store has failed already."""
        self._left = self._config.patience
        if not self._failed:
            began = time.monotonic()
            self._send(self._left)
            self._left -= time.monotonic() - began

    def after_stage(self) -> None:
        """Send what a stage recorded."""
        short = min(SHORT, self._config.patience)
        self._send(short if self._failed else max(short, self._left))

    def at_end(self) -> None:
        """Send what is left, and say what could not be sent."""
        outcome = self._send(min(SHORT, self._config.patience) if self._failed else self._config.patience)
        if outcome is not None and outcome.pending:
            self._reporter.warn(
                f"{outcome.pending} records wait in the journal; `harbor sync --run {self._run}` sends them"
            )

    def _send(self, seconds: float) -> Replay | None:
        if not self._config.enabled:
            return None
        deadline = time.monotonic() + seconds
        outcome = self._sent_by(deadline)
        self._failed = outcome.pending > 0
        if outcome.problem is not None and not self._warned:
            self._warned = True
            self._reporter.warn(f"MLflow did not take every record ({outcome.problem}); none is lost")
        return outcome

    def _sent_by(self, deadline: float) -> Replay:
        """The outcome of a replay that had until the deadline. One that outlives it is not disturbed by a second."""
        outcomes: list[Replay] = []

        def work() -> None:
            try:
                outcomes.append(replay(self._run, self._config, deadline=deadline))
            except Exception as error:  # a full disk, a folder gone: the run goes on without MLflow
                outcomes.append(Replay(0, 1, problem=f"{type(error).__name__}: {error}"))

        if self._worker is not None:
            self._worker.join(max(0.0, deadline - time.monotonic()))
        if self._worker is None or not self._worker.is_alive():
            self._worker = threading.Thread(target=work, name="mlflow", daemon=True)
            self._worker.start()
            self._worker.join(max(0.0, deadline - time.monotonic()))
        if outcomes:
            return outcomes[0]
        return Replay(0, waiting_records(self._run, self._config), problem="no answer in time")
