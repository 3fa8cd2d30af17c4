"""What tracking is told of a run as a whole: where it comes from, what it was asked for, what became of its stages."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from pipeline.config import Config
from pipeline.files import Completion, sha256_json
from pipeline.journal import Journal, Record, Status
from pipeline.provenance import git_commit, trigger
from pipeline.stage import StageLog
from pipeline.times import time_text


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


def close_interrupted(journal: Journal) -> None:
    """Close as KILLED what a process that is no more left open. The caller holds the lock of the run."""
    for key in reversed(journal.open_keys()):
        journal.append("close", key, {"status": "KILLED"})


def close_below(log: StageLog, status: Status) -> None:
    """Close what a stage opened and an error kept it from closing."""
    for key in reversed(log.journal.open_keys()):
        if key.startswith(f"{log.key}/"):
            log.journal.append("close", key, {"status": status})


def log_kept(log: StageLog, done: Completion | None) -> None:
    """Say that a stage was kept, and give the run what the stage once told the run that made it.

    So a run whose early stages were kept can be compared like any other; nested runs stay with the run that made them.
    """
    details = done.details if done is not None else {}
    made = str(details.get("mlflow_key", ""))
    log.tags({"harbor.outcome": "kept", "harbor.fingerprint": done.fingerprint[:16] if done is not None else ""})
    log.metrics({"duration_seconds": details.get("seconds")})
    parent = log.parent
    if parent is None or not made or made == log.key:
        return
    log.tags({"harbor.made_by": made})
    maker = made.rpartition("/")[0]
    for record in told_by(log.journal, made, to=maker):
        log.journal.append(record.kind, parent.key, record.content)


def told_by(journal: Journal, key: str, *, to: str) -> list[Record]:
    """What was recorded for one key while another, nested one was last open."""
    told: list[Record] = []
    inside = False
    for record in journal.records():
        if record.key == key and record.kind in ("open", "close"):
            inside = record.kind == "open"
            told = [] if inside else told
        elif inside and record.key == to:
            told.append(record)
    return told
