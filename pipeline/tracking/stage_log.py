"""The log of a run, a stage or a setting, and how what was left open is closed."""

from collections.abc import Mapping

from pipeline.storage.done import Completion
from pipeline.tracking.journal import Journal, Record, Status


class StageLog:
    """Records of one MLflow run (the whole run, a stage, a setting of the sweep), written to the journal."""

    def __init__(self, journal: Journal, key: str, *, parent: "StageLog | None") -> None:
        self.key = key
        self._parent = parent
        self.journal = journal

    @property
    def run(self) -> "StageLog":
        """The log of the whole run: of a stage's log the one above it, of the run's own itself."""
        return self if self._parent is None else self._parent.run

    def open(self, name: str) -> None:
        """The run begins, or goes on."""
        parent = self._parent.key if self._parent is not None else None
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
    if not made or made == log.key:
        return
    log.tags({"harbor.made_by": made})
    maker = made.rpartition("/")[0]
    for record in _records_during(log.journal, made, of=maker):
        log.journal.append(record.kind, log.run.key, record.content)


def _records_during(journal: Journal, nested: str, *, of: str) -> list[Record]:
    """What was recorded for one key while another, nested one was last open."""
    found: list[Record] = []
    inside = False
    for record in journal.records():
        if record.key == nested and record.kind in ("open", "close"):
            inside = record.kind == "open"
            found = [] if inside else found
        elif inside and record.key == of:
            found.append(record)
    return found
