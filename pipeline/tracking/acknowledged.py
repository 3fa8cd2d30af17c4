"""What the store has acknowledged of a run's journal: a note beside it, safe to lose, as sending twice is harmless."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.sections import TrackingConfig
from pipeline.storage.content import read_json, write_json
from pipeline.tracking.journal import Journal, Record

ACKNOWLEDGED = ".tracking.json"


@dataclass
class Acknowledged:
    """What one store has taken, so far.

    Attributes:
        uri: the store, as configured.
        experiment: where in it.
        records: sequence after the last record taken, artifacts apart.
        artifacts: sequence after the last artifact taken.
        ids: the MLflow run that each key of the journal became.
        doubtful: keys whose run was asked for and not confirmed; there may be two.
    """

    uri: str
    experiment: str
    records: int = 0
    artifacts: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    doubtful: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, run: Path, config: TrackingConfig) -> "Acknowledged":
        """What the configured store has taken of a run; nothing where another store was asked before."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept = cls(**read_json(run / ACKNOWLEDGED))
            if (kept.uri, kept.experiment) == (config.uri, config.experiment):
                return kept
        return cls(config.uri, config.experiment)

    def write(self, run: Path) -> None:
        """Keep it in the run folder."""
        write_json(run / ACKNOWLEDGED, vars(self))

    def waiting(self, records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
        """Records not taken yet, then artifacts: these are large, and must not keep a number waiting."""
        plain = [r for r in records if r.kind != "artifact" and r.sequence >= self.records]
        return plain, [r for r in records if r.kind == "artifact" and r.sequence >= self.artifacts]

    def count_waiting(self, records: Sequence[Record]) -> int:
        """How many records are not taken yet."""
        return sum(map(len, self.waiting(records)))

    def forget(self) -> None:
        """Begin anew: the store was replaced."""
        self.records = self.artifacts = 0
        self.ids, self.doubtful = {}, []


def waiting_records(run: Path, config: TrackingConfig) -> int:
    """How many records of a run's journal the store has not acknowledged."""
    return Acknowledged.read(run, config).count_waiting(list(Journal(run / "journal.jsonl").records()))
