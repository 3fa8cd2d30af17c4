"""What tracking is told of a run: where it comes from, what it was asked for, what its stages found and became."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from features.times import time_text
from pipeline.config import Config
from pipeline.journal import Journal, Record, Status
from pipeline.provenance import git_commit, trigger
from pipeline.storage.digests import sha256_json
from pipeline.storage.done import Completion


class StageLog:
    """Records of one MLflow run (the whole run, a stage, a setting of the sweep), written to the journal."""

    def __init__(self, journal: Journal, key: str, *, parent: "StageLog | None") -> None:
        self.key = key
        self.parent = parent
        self.journal = journal

    def open(self, name: str) -> None:
        """The run begins, or goes on."""
        parent = self.parent.key if self.parent is not None else None
        self.journal.append("open", self.key, {"name": name, "parent": parent})

    def child(self, suffix: str, *, name: str) -> "StageLog":
        """A nested run, opened."""
        log = StageLog(self.journal, f"{self.key}/{suffix}", parent=self)
        log.open(name)
        return log

    def close(self, status: Status) -> None:
        """The run ends."""
        self.journal.append("close", self.key, {"status": status})

    def metrics(self, values: Mapping[str, float | None], *, step: int = 0) -> None:
        """Numbers; None and numbers that are not finite are left out by the store."""
        self.journal.append("metrics", self.key, {"values": dict(values), "step": step})

    def params(self, values: Mapping[str, object]) -> None:
        """What was chosen before the work began; MLflow keeps the first value for good."""
        self.journal.append("params", self.key, {"values": {name: str(value) for name, value in values.items()}})

    def tags(self, values: Mapping[str, object]) -> None:
        """Words to search by; the last value counts."""
        self.journal.append("tags", self.key, {"values": {name: str(value) for name, value in values.items()}})

    def artifact(self, path: str, *, folder: str | None = None) -> None:
        """A file of the run folder, named as "stage/file"."""
        self.journal.append("artifact", self.key, {"path": path, "folder": folder})

    def dataset(self, name: str, *, digest: str, rows: int, context: str) -> None:
        """A table that went in, by the digest of all of it."""
        content = {"name": name, "digest": digest, "rows": rows, "context": context}
        self.journal.append("dataset", self.key, content)


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
