"""The journal of a run: every record meant for the tracking server, on disk before anything is sent.

One JSON object a line. Each record belongs to a *key*: the whole run, one stage of it, one setting of the sweep. The
tracking store sees them only when `pipeline.tracking` replays the journal, so a store that is down costs no record.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.files import json_ready

Kind = Literal["open", "params", "metrics", "tags", "artifact", "dataset", "close"]
Status = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class Record:
    """One line of the journal: what kind, for which key, with what content, when (ms since the epoch)."""

    kind: Kind
    key: str
    content: dict[str, Any] = field(default_factory=dict)
    time_ms: int = 0
    sequence: int = -1


class Journal:
    """An append-only file of records, each flushed to disk before `append` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = sum(1 for _ in self.records())

    def append(self, kind: Kind, key: str, content: Mapping[str, Any] | None = None) -> Record:
        """Write one record and flush it to disk."""
        record = Record(kind, key, json_ready(dict(content or {})), time.time_ns() // 1_000_000, self._next)
        head = {"sequence": record.sequence, "time_ms": record.time_ms, "kind": kind, "key": key}
        line = json.dumps({**head, "content": record.content})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as stream:
            stream.write(line.encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._next += 1
        return record

    def records(self) -> Iterator[Record]:
        """The records in order. A last line cut short by a kill was never acknowledged and is dropped."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.path.open("rb+") as stream:
                stream.truncate(whole)
        for line in content[:whole].splitlines():
            yield Record(**json.loads(line))

    def open_keys(self) -> list[str]:
        """Keys opened and not closed since, innermost last: what an interrupted process left running."""
        running: dict[str, None] = {}
        for record in self.records():
            if record.kind == "open":
                running.pop(record.key, None)
                running[record.key] = None
            elif record.kind == "close":
                running.pop(record.key, None)
        return list(running)
