"""What tracking is told of a run itself: where it comes from, what it was asked for, and how it ended."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from features.times import time_text
from pipeline.config import Config
from pipeline.process.exits import InterruptedRunError
from pipeline.storage.digests import sha256_json
from pipeline.tracking.journal import Journal, Status
from pipeline.tracking.provenance import git_commit, trigger
from pipeline.tracking.stage_log import StageLog, close_below


def opened_log(run: Path, journal: Journal, settings: Mapping[str, object], *, config: Config) -> StageLog:
    """The log of a run, opened: one MLflow run for a folder and its settings, reopened when they come again.

    Where records are sent and runs are kept is no part of the key, so that both can move to another store.

    Args:
        run: the run folder.
        journal: its journal.
        settings: the content of config.json.
        config: the configuration in it.
    """
    first = next(journal.records(), None)
    identity = first.key.partition("-")[0] if first is not None else uuid.uuid4().hex[:12]
    asked = {**settings, "config": config.model_dump(mode="json", exclude={"tracking", "runs"})}
    log = StageLog(journal, f"{identity}-{sha256_json(asked)[:8]}", parent=None)
    log.open(run.name)
    as_of = settings["as_of"]
    commit = git_commit(Path(__file__).parent)
    log.tags(
        {
            "harbor.level": "run",
            "harbor.pipeline_id": identity,
            "harbor.trigger": trigger(os.environ),
            "harbor.as_of": time_text(as_of) if isinstance(as_of, int) else "history",
            **({"mlflow.source.git.commit": commit} if commit is not None else {}),
        }
    )
    log.params(
        {
            "preset": config.data.preset,
            "epochs": config.train.epochs,
            "seed": config.train.seed,
            "calibration": config.calibration.method,
        }
    )
    return log


@contextlib.contextmanager
def closed_log(log: StageLog) -> Iterator[None]:
    """Close a log at the end of a `with` block, and what was opened below it, with the status that the block earned."""
    status: Status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except (KeyboardInterrupt, InterruptedRunError):
        status = "KILLED"
        raise
    finally:
        close_below(log, status)
        log.close(status)
