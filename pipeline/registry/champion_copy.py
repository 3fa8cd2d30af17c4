"""The champion in a run: its bundle is copied into the run folder at the start and scores the rows of the test fold."""

import shutil
from pathlib import Path
from typing import Any

from pipeline.bundle.manifest import MANIFEST, checked_bundle, signing_key
from pipeline.config import Config
from pipeline.process.reporter import Reporter
from pipeline.registry.anchor import anchor_version
from pipeline.registry.held_registry import now
from pipeline.registry.model_registry import CHAMPION, Registry, Version, opened_registry
from pipeline.stages.stage import ANCHOR, CHAMPION_FILE
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.content import read_json, write_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError, portable_message
from pipeline.tracking.mlflow_store import sqlite_file, store_uri

FOLDER = "champion"
UNREACHABLE = "the registry could not be asked when the run began"


def bring_champion(run: Path, config: Config, reporter: Reporter) -> None:
    """Copy the champion's bundle to RUN/champion, checked, where another one lies there than the registry names.

    Beside it comes the anchor, RUN/champion/anchor: the version that was champion `gate.anchor_days` ago, or the first
    one since then, where that is another. It is chosen when the champion is copied and stays until that one changes.
    Without tracking or without a store nothing is asked and nothing changes. A registry that cannot be asked, or a
    bundle that is broken, is told and never stops a run. A run whose own bundle is the champion keeps the champion it
    was judged against, so that promoting it makes nothing stale.
    """
    if not _has_registry(run, config):
        return
    try:
        with opened_registry(config.tracking, name=config.registry.name, runs=run.parent) as registry:
            version = registry.aliased().get(CHAMPION)
            if version is None:
                shutil.rmtree(run / FOLDER, ignore_errors=True)
            elif not _is_settled(run, version):
                _copy_champion(run, config, registry, version)
    except Exception as error:  # whatever a store or its driver raises must not stop a training run
        reporter.warn(f"the registry could not be asked for a champion ({type(error).__name__})")
        if not (run / CHAMPION_FILE).is_file():
            with replaced_folder(run / FOLDER) as out:
                _write_note(out, Version("(unknown)", "", ""), UNREACHABLE)


def champion_news(run: Path, config: Config) -> str | None:
    """What `bring_champion` would change, in words; None for nothing, or where the registry cannot be asked."""
    if not _has_registry(run, config):
        return None
    try:
        with opened_registry(config.tracking, name=config.registry.name, runs=run.parent) as registry:
            version = registry.aliased().get(CHAMPION)
    except Exception:  # as above; the run itself will tell
        return None
    if version is None:
        return "there is no champion any more" if (run / CHAMPION_FILE).is_file() else None
    return None if _is_settled(run, version) else f"version {version.number} is champion now"


def judged_against(run: Path) -> str | None:
    """SHA-256 of the manifest of the champion in a run folder; None where there is none."""
    path = run / CHAMPION_FILE
    return str(read_json(path)["manifest"]) if path.is_file() else None


def _has_registry(run: Path, config: Config) -> bool:
    if not config.tracking.enabled:
        return False
    path = sqlite_file(store_uri(config.tracking, runs=run.parent))
    return path is None or path.is_file()


def _is_settled(run: Path, version: Version) -> bool:
    """Whether the run folder needs no other champion: it has this one, or is this one."""
    own = run / "export" / "bundle" / MANIFEST
    if own.is_file() and sha256_file(own) == version.manifest:
        return True
    path = run / CHAMPION_FILE
    if not path.is_file():
        return False
    note = read_json(path)
    copied = run / FOLDER / "bundle" / MANIFEST
    whole = bool(note["problem"]) or (copied.is_file() and sha256_file(copied) == version.manifest)
    return whole and (note["version"], note["manifest"]) == (version.number, version.manifest)


def _copy_champion(run: Path, config: Config, registry: Registry, version: Version) -> None:
    with replaced_folder(run / FOLDER) as out:
        _write_note(
            out, version, _copy_bundle(out, config, registry, version), _copy_anchor(out, config, registry, version)
        )


def _copy_bundle(out: Path, config: Config, registry: Registry, version: Version) -> str:
    """What is wrong with a version, in words; its bundle lies in the folder where nothing is."""
    if not version.manifest:
        return "it was not registered by harbor promote"
    registry.fetch_bundle(version, out / "bundle")
    problem = _bundle_problem(out / "bundle", config, version)
    if problem:
        shutil.rmtree(out / "bundle", ignore_errors=True)
    return problem


def _copy_anchor(out: Path, config: Config, registry: Registry, champion: Version) -> dict[str, Any] | None:
    """The anchor's note, its bundle beside the champion's; an anchor that is lost must not cost the champion."""
    try:
        version = anchor_version(registry, champion, days=config.gate.anchor_days, now=now())
    except Exception as error:  # whatever a store or its driver raises, or a line of the ledger that nobody can read
        return _note(
            Version("(unknown)", "", ""), f"the ledger of promotions could not be read ({type(error).__name__})"
        )
    if version is None:
        return None
    (out / ANCHOR).mkdir()
    try:
        problem = _copy_bundle(out / ANCHOR, config, registry, version)
    except Exception as error:  # whatever a store or its driver raises
        problem = f"its bundle could not be fetched ({type(error).__name__})"
    return _note(version, problem)


def _bundle_problem(bundle: Path, config: Config, version: Version) -> str:
    try:
        checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    except InputError as error:
        return f"its bundle fails the check: {portable_message(error, bundle)}"
    if sha256_file(bundle / MANIFEST) != version.manifest:
        return "its bundle is not the one that was registered"
    return ""


def _write_note(out: Path, version: Version, problem: str, anchor: dict[str, Any] | None = None) -> None:
    write_json(out / "champion.json", _note(version, problem) | ({ANCHOR: anchor} if anchor else {}))


def _note(version: Version, problem: str) -> dict[str, Any]:
    return {"version": version.number, "manifest": version.manifest, "problem": problem}
