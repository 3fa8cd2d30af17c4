"""The MLflow run that a bundle comes from, as far as its run folder knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage.content import read_json
from pipeline.tracking.acknowledged import ACKNOWLEDGED
from pipeline.tracking.journal import Journal, Record

Point = tuple[str, float, int, int]
"""A metric's name, value, time in ms since 1970 and step."""


@dataclass(frozen=True)
class SourceRun:
    """The MLflow run a bundle comes from, and the headline numbers that were logged on it."""

    id: str
    metrics: Sequence[Point] = ()


def source_run(run: Path) -> SourceRun | None:
    """What the run folder became in MLflow; None where it was never sent."""
    records = list(Journal(run / "journal.jsonl").records())
    noted = run / ACKNOWLEDGED
    ids = read_json(noted)["ids"] if noted.is_file() else {}
    key = _last_opened(records)
    if key not in ids:
        return None
    points = {point for record in records if record.key == key for point in _points(record)}
    return SourceRun(ids[key], sorted(points))


def _last_opened(records: Sequence[Record]) -> str | None:
    """The key of the run itself, as the last job opened it."""
    opened = [record.key for record in records if record.kind == "open" and record.content.get("parent") is None]
    return opened[-1] if opened else None


def _points(record: Record) -> list[Point]:
    if record.kind != "metrics":
        return []
    step = int(record.content.get("step", 0))
    values = record.content["values"].items()
    return [(name, float(value), record.time_ms, step) for name, value in values if value is not None]
