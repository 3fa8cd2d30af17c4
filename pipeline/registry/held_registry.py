"""The registry in the hands of one job: aliases move and the ledger says so, and nobody else does it meanwhile."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.registry.ledger import LEDGER, Action, Promotion, append_promotions, read_ledger
from pipeline.registry.model_registry import CHAMPION, Registry, Version, opened_registry
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError, held
from pipeline.tracking.mlflow_store import sqlite_file, store_uri


@dataclass(frozen=True)
class Promotions:
    """What one job at a time may change: the registry's aliases and the ledger of what they meant."""

    registry: Registry
    ledger: Path
    actor: str

    def lines(self) -> list[Promotion]:
        """The ledger's lines on this model, in order."""
        return [line for line in read_ledger(self.ledger) if line.model == self.registry.name]

    def write(self, action: Action, version: Version, *, before: str | None, after: str | None) -> None:
        """One more line: first beside the model, then in the file, flushed to disk."""
        last = max((line.sequence for line in self.lines()), default=0)
        sequence = max([last, *self.registry.promotions()]) + 1
        line = Promotion(
            sequence, now(), action, self.registry.name, version.number, version.manifest, before, after, self.actor
        )
        self.registry.carry_promotion(sequence, json.dumps(line.to_dict()))
        append_promotions(self.ledger, [line])

    def catch_up(self) -> None:
        """Lines that other machines wrote come into the file, and what other hands moved is written down as found."""
        known = {line.sequence for line in self.lines()}
        missing = [text for number, text in self.registry.promotions().items() if number not in known]
        append_promotions(self.ledger, [Promotion.from_dict(json.loads(text)) for text in missing])
        lines = self.lines()
        believed = lines[-1].after if lines else None
        champion = self.registry.aliased().get(CHAMPION)
        actual = champion.number if champion is not None else None
        if actual != believed:
            gone = Version(believed or "", "", "")
            self.write("found", champion or gone, before=believed, after=actual)


@contextmanager
def held_registry(config: Config, *, runs: Path, must_exist: bool = False) -> Iterator[Promotions]:
    """The registry and its ledger, while no other job has them; the ledger knows what others did meanwhile.

    A sqlite store is guarded by a file lock beside it; a store behind a server by a claim in the registry itself.

    Args:
        config: where the registry is.
        runs: the folder of runs, beside which the store lies where it is sqlite.
        must_exist: refuse to make a store that is not there.

    Raises:
        InputError: tracking is off, or there is no store and there must be.
        LockedError: another job is promoting.
    """
    if not config.tracking.enabled:
        raise InputError("tracking.enabled must be true: the registry is in the tracking store")
    path = sqlite_file(store_uri(config.tracking, runs=runs))
    if must_exist and path is not None and not path.is_file():
        raise InputError(f"there must be a registry beside the runs, but {path.name} is not in {path.parent}")
    folder = path.parent if path is not None else runs
    folder.mkdir(parents=True, exist_ok=True)
    with (
        held(folder / "promotions.lock", "another job is promoting: it holds promotions.lock"),
        opened_registry(config.tracking, name=config.registry.name, runs=runs) as registry,
        _claimed(registry, needed=path is None),
    ):
        promotions = Promotions(registry, folder / LEDGER, config.registry.actor)
        promotions.catch_up()
        yield promotions


@contextmanager
def _claimed(registry: Registry, *, needed: bool) -> Iterator[None]:
    if not needed:
        yield
        return
    token = uuid.uuid4().hex
    try:
        if not registry.claim(token):
            raise LockedError(f"another job is promoting a version of {registry.name}")
        yield
    finally:
        registry.release(token)


def now() -> int:
    """The time of a line, in microseconds since 1970."""
    return time.time_ns() // 1000
