"""The promotion ledger: which version was in production when; lines are appended and never changed.

MLflow knows what an alias points to now, not what it pointed to on a day in March. The ledger does: one JSON object a
line in `promotions.jsonl` beside the store, flushed to disk before a promotion is done.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from features.times import DAY, time_microseconds, time_text
from pipeline.storage.errors import InputError
from pipeline.storage.json_lines import append_lines, read_objects

LEDGER = "promotions.jsonl"

Action = Literal["promote", "refuse", "rollback", "found"]


@dataclass(frozen=True)
class Promotion:
    """One line of the ledger.

    Attributes:
        sequence: its place, from 1.
        time: microseconds since 1970.
        action: "promote", "refuse" (registered, but its gate had refused it), "rollback", or "found": the alias had
            been moved by other hands, which was noticed at that time.
        model: name of the registered model.
        version: the version the action speaks of.
        manifest: SHA-256 of that version's manifest.json.
        before: the version in production before the action, None for none.
        after: the version in production from then on, None for none.
        actor: who did it, as [registry] actor says.
    """

    sequence: int
    time: int
    action: Action
    model: str
    version: str
    manifest: str
    before: str | None
    after: str | None
    actor: str

    def to_dict(self) -> dict[str, Any]:
        """What stands in the ledger; `from` and `to` are versions."""
        return {
            "sequence": self.sequence,
            "time": time_text(self.time),
            "action": self.action,
            "model": self.model,
            "version": self.version,
            "manifest": self.manifest,
            "from": self.before,
            "to": self.after,
            "actor": self.actor,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Promotion":
        """The inverse of `to_dict`; raises KeyError or ValueError where the values are no such line."""
        return cls(
            sequence=int(values["sequence"]),
            time=time_microseconds(values["time"]),
            action=values["action"],
            model=values["model"],
            version=values["version"],
            manifest=values["manifest"],
            before=values["from"],
            after=values["to"],
            actor=values["actor"],
        )


@dataclass(frozen=True)
class Tenure:
    """A version's time in production: from `since` until `until` (microseconds since 1970; None: to this day)."""

    version: str
    manifest: str
    since: int
    until: int | None


def in_production(ledger: Path, moment: str, *, model: str = "harbor-fraud") -> list[Tenure]:
    """What was in production on a day ("2024-05-01") or at a moment ("2024-05-01T06:00:00Z"), in order.

    Args:
        ledger: promotions.jsonl.
        moment: an ISO 8601 date, meaning the whole day in UTC, or time.
        model: name of the registered model.

    Raises:
        InputError: the moment is neither, or the ledger cannot be read.
    """
    start = time_microseconds(moment)
    end = start + (DAY if len(moment) == len("2024-05-01") else 1)
    lines = [line for line in read_ledger(ledger) if line.model == model]
    return [each for each in tenures(lines) if each.since < end and (each.until is None or each.until > start)]


def tenures(promotions: Sequence[Promotion]) -> list[Tenure]:
    """Every version's times in production, in order; the promotions are of one model."""
    manifests = {line.version: line.manifest for line in promotions}
    moves = [line for line in promotions if line.before != line.after]
    ends = [line.time for line in moves[1:]]
    return [
        Tenure(line.after, manifests.get(line.after, ""), line.time, end)
        for line, end in zip(moves, [*ends, None], strict=False)
        if line.after is not None
    ]


def read_ledger(path: Path) -> list[Promotion]:
    """The lines of a ledger in order; none where there is no file. A last line cut short by a kill is left out.

    Raises:
        InputError: a line is not one of a ledger.
    """
    try:
        return [Promotion.from_dict(values) for values in read_objects(path)]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} must hold one promotion a line, but it does not: {error}") from error


def append_promotions(path: Path, promotions: Iterable[Promotion]) -> None:
    """Append lines and flush them to disk; what a kill left of an unfinished line goes first."""
    append_lines(path, *(each.to_dict() for each in promotions))
