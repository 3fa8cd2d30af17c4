"""Promotion: a judged bundle becomes a version in the registry, and what is in production changes hands."""

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.bundle.verify import verify_bundle
from pipeline.config import Config
from pipeline.registry.champion_copy import judged_against
from pipeline.registry.ledger import LEDGER, Action, Promotion, append_promotions, read_ledger
from pipeline.registry.model_registry import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    Registry,
    SourceRun,
    Version,
    opened_registry,
)
from pipeline.storage.content import read_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import read_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError, held
from pipeline.tracking.journal import Journal
from pipeline.tracking.mlflow_store import sqlite_file, store_uri
from pipeline.tracking.replay import ACKNOWLEDGED, replay


@dataclass(frozen=True)
class Promoted:
    """What a promotion or rollback came to.

    Attributes:
        version: the version that was promoted, refused or brought back.
        before: the version that was champion before, None for none.
        champion: the version that is champion now, None for none.
        reasons: what the gate said.
        remark: what else a person should know, else empty.
    """

    version: str
    before: str | None
    champion: str | None
    reasons: tuple[str, ...] = ()
    remark: str = ""

    @property
    def lines(self) -> list[str]:
        """What a person reads."""
        won = self.champion == self.version
        first = f"version {self.version} is champion" if won else f"version {self.version} is registered, not champion"
        replaced = f", in place of version {self.before}" if won and self.before not in (None, self.version) else ""
        notes = [f"  note: {self.remark}"] if self.remark else []
        return [first + replaced, *notes, *(f"  {reason}" for reason in self.reasons)]


def promote_run(run: Path, config: Config, *, began: int | None = None) -> Promoted:
    """Registers a run's bundle as `challenger`, and as `champion` where its gate passed; the old one is `previous`.

    The same bundle is never registered twice, and promoting what is champion already changes nothing.

    Args:
        run: the run folder, with a finished export.
        config: the run's configuration.
        began: when the caller set out, in microseconds since 1970; None for now. A promotion that another job has
            completed since then wins, and this one is not made.

    Raises:
        InputError: there is no finished bundle, it fails verification, or tracking is off.
        LockedError: another job is promoting, or has promoted since `began`.
    """
    began = _now() if began is None else began
    bundle = run / "export" / "bundle"
    if read_done(run / "export") is None:
        raise InputError(f"{run} must hold a finished export to promote, but there is no DONE in {run / 'export'}")
    checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    with tempfile.TemporaryDirectory(prefix="harbor-") as temporary:
        copied = Path(shutil.copytree(bundle, Path(temporary) / "bundle", symlinks=True))
        verify_bundle(copied, key=signing_key(config.export.sign_key_env))
        manifest, gate = _manifest_and_gate(copied)
        with _alone(config, runs=run.parent) as desk:
            version = _registered(desk, run, config, copied, manifest)
            return _crowned(desk, version, gate, began=began, judged=judged_against(run))


def rollback_champion(config: Config, *, runs: Path) -> Promoted:
    """Makes `previous` the champion again; it is `previous` no more, so that a second rollback does not undo the first.

    Args:
        config: where the registry is.
        runs: the folder of runs, beside which the store lies where it is sqlite.

    Raises:
        InputError: there is no previous version, no store, or tracking is off.
        LockedError: another job is promoting.
    """
    with _alone(config, runs=runs, must_exist=True) as desk:
        aliases = desk.registry.aliased()
        champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if previous is None or (champion is not None and champion.number == previous.number):
            raise InputError(f"{desk.registry.name} must have a previous version to go back to, but it has none")
        desk.registry.point(CHAMPION, previous.number)
        desk.registry.point(PREVIOUS, None)
        before = champion.number if champion is not None else None
        desk.write("rollback", previous, before=before, after=previous.number)
        return Promoted(previous.number, before, previous.number)


def _manifest_and_gate(bundle: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    manifest = read_json(bundle / MANIFEST)
    gate = manifest.get("gate")
    if not (isinstance(gate, dict) and isinstance(gate.get("passed"), bool) and isinstance(gate.get("reasons"), list)):
        raise InputError(f"{MANIFEST} must say what the gate found (passed, reasons), but it does not")
    return manifest, gate


@dataclass(frozen=True)
class _Desk:
    """Where a promotion is made, by one job at a time: the registry and the ledger."""

    registry: Registry
    ledger: Path
    actor: str

    def lines(self) -> list[Promotion]:
        return [line for line in read_ledger(self.ledger) if line.model == self.registry.name]

    def write(self, action: Action, version: Version, *, before: str | None, after: str | None) -> None:
        """One more line: first beside the model, then in the file, flushed to disk."""
        last = max((line.sequence for line in self.lines()), default=0)
        sequence = max([last, *self.registry.promotions()]) + 1
        line = Promotion(
            sequence, _now(), action, self.registry.name, version.number, version.manifest, before, after, self.actor
        )
        self.registry.carry_promotion(sequence, json.dumps(line.to_dict()))
        append_promotions(self.ledger, [line])

    def catch_up(self) -> None:
        """Lines that other machines wrote come into the file, and what other hands moved is written down as found."""
        known = {line.sequence for line in self.lines()}
        carried = self.registry.promotions().items()
        append_promotions(self.ledger, [Promotion.from_dict(json.loads(t)) for n, t in carried if n not in known])
        lines = self.lines()
        believed = lines[-1].after if lines else None
        champion = self.registry.aliased().get(CHAMPION)
        actual = champion.number if champion is not None else None
        if actual != believed:
            gone = Version(believed or "", "", "")
            self.write("found", champion or gone, before=believed, after=actual)


@contextmanager
def _alone(config: Config, *, runs: Path, must_exist: bool = False) -> Iterator[_Desk]:
    """The desk, while no other job has it.

    A sqlite store is guarded by a file lock beside it; a store behind a server by a claim in the registry itself.
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
        desk = _Desk(registry, folder / LEDGER, config.registry.actor)
        desk.catch_up()
        yield desk


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


def _registered(desk: _Desk, run: Path, config: Config, bundle: Path, manifest: dict[str, Any]) -> Version:
    digest = sha256_file(bundle / MANIFEST)
    found = desk.registry.with_manifest(digest)
    if found is not None:
        return found
    replay(run, config.tracking)
    tags = {
        "harbor.gate": "passed" if manifest["gate"]["passed"] else "refused",
        "harbor.candidate": str(manifest["candidate"]),
        "harbor.seen_until": str(manifest.get("seen_until", "unknown")),
        "harbor.run": run.name,
    }
    return desk.registry.register(bundle, manifest=digest, tags=tags, run=_source_run(run))


def _source_run(run: Path) -> SourceRun | None:
    """The MLflow run that the bundle's run folder became, with the headline numbers its journal gave it."""
    records = list(Journal(run / "journal.jsonl").records())
    roots = [record.key for record in records if record.kind == "open" and record.content.get("parent") is None]
    noted = run / ACKNOWLEDGED
    ids = read_json(noted)["ids"] if noted.is_file() else {}
    if not roots or roots[-1] not in ids:
        return None
    own = [record for record in records if record.kind == "metrics" and record.key == roots[-1]]
    points = {
        (name, float(value), record.time_ms, int(record.content.get("step", 0)))
        for record in own
        for name, value in record.content["values"].items()
        if value is not None
    }
    return SourceRun(ids[roots[-1]], sorted(points))


def _crowned(desk: _Desk, version: Version, gate: dict[str, Any], *, began: int, judged: str | None) -> Promoted:
    champion = desk.registry.aliased().get(CHAMPION)
    before = champion.number if champion is not None else None
    reasons = tuple(str(reason) for reason in gate["reasons"])
    if before == version.number:
        return Promoted(version.number, before, before, reasons, "it was champion already")
    lines = desk.lines()
    fresh = all(line.version != version.number for line in lines)
    if fresh:
        desk.registry.point(CHALLENGER, version.number)
    if not gate["passed"]:
        if fresh:
            desk.write("refuse", version, before=before, after=before)
        return Promoted(version.number, before, before, reasons)
    if any(line.time > began and line.action in ("promote", "rollback") for line in lines):
        raise LockedError(
            f"another job made version {before} champion while this one was promoting version {version.number}, "
            "which stays registered; judge it against the new champion by running it again"
        )
    if champion is not None:
        desk.registry.point(PREVIOUS, champion.number)
    desk.registry.point(CHAMPION, version.number)
    desk.write("promote", version, before=before, after=version.number)
    return Promoted(version.number, before, version.number, reasons, _stale(champion, judged))


def _stale(champion: Version | None, judged: str | None) -> str:
    if champion is None or champion.manifest == judged:
        return ""
    return f"it had not been judged against version {champion.number}, which it replaces"


def _now() -> int:
    return time.time_ns() // 1000
