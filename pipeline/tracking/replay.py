"""From the journal to MLflow, whatever the store does meanwhile.

`replay` sends what the journal holds and the store has not acknowledged. Sending twice is harmless: a run is found
again by its key, and MLflow keeps equal metric points, parameters, tags and inputs once. So a server that is down,
hangs or loses a reply costs time and never a record.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from pipeline.sections import TrackingConfig
from pipeline.storage.locks import LockedError, held
from pipeline.tracking.acknowledged import Acknowledged, waiting_records
from pipeline.tracking.journal import Journal
from pipeline.tracking.mlflow_store import bounded_requests
from pipeline.tracking.sender import Sender, error_line

LOCK_SECONDS = 60.0


@dataclass(frozen=True)
class Replay:
    """What a replay did.

    Attributes:
        sent: records the store took.
        pending: records still to be sent.
        refused: records the store will never take; they stay in the journal.
        problem: why it stopped short or what was refused, if anything.
    """

    sent: int
    pending: int
    refused: int = 0
    problem: str | None = None


def replay(run: Path, config: TrackingConfig, *, deadline: float = math.inf) -> Replay:
    """Send the records of a run's journal that MLflow has not acknowledged, in order, artifacts last.

    Args:
        run: the run folder.
        config: the store and experiment.
        deadline: `time.monotonic()` after which no further request begins.

    Returns:
        The counts sent, pending and refused. A store that fails is a `problem` in words, never an exception.
    """
    if not config.enabled or not waiting_records(run, config):
        return Replay(0, 0)
    patience = max(0.0, min(deadline - time.monotonic(), LOCK_SECONDS))
    try:
        with held(run / ".tracking.lock", "another replay of this journal is at work", patience=patience):
            return _replay(run, config, deadline)
    except LockedError as error:
        return Replay(0, waiting_records(run, config), problem=str(error))


def _replay(run: Path, config: TrackingConfig, deadline: float) -> Replay:
    """The replay itself. Two at once would each look for a run, find none and make one."""
    acknowledged = Acknowledged.read(run, config)
    records = list(Journal(run / "journal.jsonl").records())
    waiting = acknowledged.count_waiting(records)
    refused: list[str] = []
    problem = None
    try:
        with bounded_requests(config):
            sender = Sender(run, config, acknowledged)
            waiting = acknowledged.count_waiting(records)
            problem = sender.send_all(records, refused, deadline)
    except Exception as error:  # whatever a store or its driver raises must not stop a training run
        problem = error_line(error)
    finally:
        acknowledged.write(run)
    pending = acknowledged.count_waiting(records)
    if refused and problem is None:
        problem = f"{len(refused)} records refused for good, the first because {refused[0]}"
    return Replay(waiting - pending - len(refused), pending, len(refused), problem)
