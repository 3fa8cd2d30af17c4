"""Promotion: a judged bundle becomes a version in the registry, and what is in production changes hands."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.bundle.verify import verify_bundle
from pipeline.config import Config
from pipeline.registry.champion_copy import judged_against
from pipeline.registry.decision import Decision, decision
from pipeline.registry.held_registry import Promotions, held_registry, now
from pipeline.registry.model_registry import CHALLENGER, CHAMPION, PREVIOUS, Version
from pipeline.registry.source_run import source_run
from pipeline.registry.twin_bundle import write_twin_bundle
from pipeline.storage.content import read_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import read_done
from pipeline.storage.errors import InputError
from pipeline.storage.locks import LockedError
from pipeline.tracking.replay import replay


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
    """Register a run's bundle as `challenger`, and as `champion` where its gate passed; the old one is `previous`.

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
    began = now() if began is None else began
    bundle = run / "export" / "bundle"
    if read_done(run / "export") is None:
        raise InputError(f"{run} must hold a finished export to promote, but there is no DONE in {run / 'export'}")
    checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    with tempfile.TemporaryDirectory(prefix="harbor-") as temporary:
        copied = Path(shutil.copytree(bundle, Path(temporary) / "bundle", symlinks=True))
        verify_bundle(copied, key=signing_key(config.export.sign_key_env))
        gate = _gate(copied)
        with held_registry(config, runs=run.parent) as promotions:
            version = _registered(promotions, run, config, copied, gate)
            return _promoted(promotions, version, gate, began=began, judged=judged_against(run))


def rollback_champion(config: Config, *, runs: Path) -> Promoted:
    """Make `previous` the champion again; it is `previous` no more, so that a second rollback does not undo the first.

    Args:
        config: where the registry is.
        runs: the folder of runs, beside which the store lies where it is sqlite.

    Raises:
        InputError: there is no previous version, no store, or tracking is off.
        LockedError: another job is promoting.
    """
    with held_registry(config, runs=runs, must_exist=True) as promotions:
        aliases = promotions.registry.aliased()
        champion, previous = aliases.get(CHAMPION), aliases.get(PREVIOUS)
        if previous is None or (champion is not None and champion.number == previous.number):
            raise InputError(f"{promotions.registry.name} must have a previous version to go back to, but it has none")
        promotions.registry.point(CHAMPION, previous.number)
        promotions.registry.point(PREVIOUS, None)
        before = champion.number if champion is not None else None
        promotions.write("rollback", previous, before=before, after=previous.number)
        return Promoted(previous.number, before, previous.number)


def roll_back_refit(run: Path, config: Config, *, champion: str, reason: str) -> Promoted | None:
    """Put the judged twin of the champion's refit in its place; None where another model is champion by now.

    The twin's bundle becomes a version of its own, so that the ledger and whoever serves see what changed.

    Args:
        run: a run folder with a copy of the champion.
        config: the run's configuration.
        champion: the version whose refit was shown to be worse.
        reason: that it was, with the numbers.

    Raises:
        InputError: the bundle has no judged twin, or tracking is off.
        LockedError: another job is promoting.
    """
    key = signing_key(config.export.sign_key_env)
    bundle = checked_bundle(run / "champion" / "bundle", key=key)
    with tempfile.TemporaryDirectory(prefix="harbor-") as temporary:
        turned = Path(temporary) / "bundle"
        turned.mkdir()
        write_twin_bundle(bundle, turned, reason=reason, max_bytes=config.export.max_bytes, key=key)
        verify_bundle(turned, key=key)
        with held_registry(config, runs=run.parent, must_exist=True) as promotions:
            now_champion = promotions.registry.aliased().get(CHAMPION)
            if now_champion is None or now_champion.number != champion:
                return None
            version = _registered(promotions, run, config, turned, _gate(turned))
            promotions.registry.point(CHAMPION, version.number)
            promotions.write("rollback", version, before=champion, after=version.number)
            return Promoted(version.number, champion, version.number, (reason,))


@dataclass(frozen=True)
class _Gate:
    passed: bool
    reasons: tuple[str, ...]


def _gate(bundle: Path) -> _Gate:
    gate = read_json(bundle / MANIFEST).get("gate")
    if not (isinstance(gate, dict) and isinstance(gate.get("passed"), bool) and isinstance(gate.get("reasons"), list)):
        raise InputError(f"{MANIFEST} must say what the gate found (passed, reasons), but it does not")
    return _Gate(gate["passed"], tuple(str(reason) for reason in gate["reasons"]))


def _registered(promotions: Promotions, run: Path, config: Config, bundle: Path, gate: _Gate) -> Version:
    """The version of a bundle, made where there is none."""
    digest = sha256_file(bundle / MANIFEST)
    found = promotions.registry.with_manifest(digest)
    if found is not None:
        return found
    replay(run, config.tracking)
    manifest: dict[str, Any] = read_json(bundle / MANIFEST)
    tags = {
        "harbor.gate": "passed" if gate.passed else "refused",
        "harbor.candidate": str(manifest["candidate"]),
        "harbor.seen_until": str(manifest.get("seen_until", "unknown")),
        "harbor.run": run.name,
    }
    return promotions.registry.register(bundle, manifest=digest, tags=tags, run=source_run(run))


def _promoted(promotions: Promotions, version: Version, gate: _Gate, *, began: int, judged: str | None) -> Promoted:
    """Aliases and ledger moved as was decided; what the ledger has not seen yet is a challenger first."""
    champion = promotions.registry.aliased().get(CHAMPION)
    before = champion.number if champion is not None else None
    lines = promotions.lines()
    decided = decision(before, version.number, passed=gate.passed, lines=lines, began=began)
    unseen = all(line.version != version.number for line in lines)
    if unseen and decided is not Decision.ALREADY_CHAMPION:
        promotions.registry.point(CHALLENGER, version.number)
    match decided:
        case Decision.ALREADY_CHAMPION:
            return Promoted(version.number, before, before, gate.reasons, "it was champion already")
        case Decision.REFUSED:
            if unseen:
                promotions.write("refuse", version, before=before, after=before)
            return Promoted(version.number, before, before, gate.reasons)
        case Decision.OVERTAKEN:
            raise LockedError(
                f"another job made version {before} champion while this one was promoting version {version.number}, "
                "which stays registered; judge it against the new champion by running it again"
            )
        case Decision.PROMOTED:
            _make_champion(promotions, version, champion)
            return Promoted(version.number, before, version.number, gate.reasons, _not_compared(champion, judged))


def _make_champion(promotions: Promotions, version: Version, champion: Version | None) -> None:
    before = champion.number if champion is not None else None
    if before is not None:
        promotions.registry.point(PREVIOUS, before)
    promotions.registry.point(CHAMPION, version.number)
    promotions.write("promote", version, before=before, after=version.number)


def _not_compared(champion: Version | None, judged: str | None) -> str:
    if champion is None or champion.manifest == judged:
        return ""
    return f"it had not been judged against version {champion.number}, which it replaces"
