"""The journal of a run: every record meant for the tracking server, on disk before anything is sent.

One JSON object a line. Each record belongs to a *key*: the whole run, one stage of it, one setting of the sweep. The
tracking store sees them only when `pipeline.tracking` replays the journal, so a store that is down costs no record.
One process writes, under the lock of the run; any may read at the same time.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.storage.atomic import sync_folder
from pipeline.storage.content import json_ready
from pipeline.storage.json_lines import append_lines, whole_lines

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
        self._next: int | None = None

    def append(self, kind: Kind, key: str, content: Mapping[str, Any] | None = None) -> Record:
        """Write one record and flush it to disk."""
        if self._next is None:
            self._next = self._begin()
        record = Record(kind, key, json_ready(dict(content or {})), time.time_ns() // 1_000_000, self._next)
        head = {"sequence": record.sequence, "time_ms": record.time_ms, "kind": kind, "key": key}
        append_lines(self.path, {**head, "content": record.content})
        self._next += 1
        return record

    def records(self) -> Iterator[Record]:
        """The records in order.

        A last line cut short by a kill was never acknowledged and is left out, and so is a line that a damaged disk
        made unreadable: tracking must not stop a run.
        """
        for line in whole_lines(self.path):
            with contextlib.suppress(ValueError, TypeError):
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

    def _begin(self) -> int:
        """Make the file, so that its name is on disk before its lines are; the next record's number."""
        append_lines(self.path)
        sync_folder(self.path.parent)
        return max((record.sequence for record in self.records()), default=-1) + 1
