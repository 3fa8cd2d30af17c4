"""The champion in a run: its bundle is copied into the run folder at the start and scores the rows of the test fold."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.report.evidence import ChampionScores
from features.times import time_microseconds
from features.windows.spec import FeatureSpec
from features.windows.window_table import window_features
from pipeline.bundle.manifest import MANIFEST, CheckedBundle, checked_bundle, signing_key
from pipeline.bundle.scorer import loaded_scorer
from pipeline.config import Config
from pipeline.process.hardware import cpu_threads
from pipeline.process.reporter import Reporter
from pipeline.registry import CHAMPION, Registry, Version, opened_registry
from pipeline.stage import CHAMPION_FILE, StageContext
from pipeline.storage.atomic import replaced_folder
from pipeline.storage.content import read_json, read_table, write_json
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError, portable_message
from pipeline.store_lock import sqlite_file
from pipeline.tracking import store_uri

FOLDER = "champion"


UNREACHABLE = "the registry could not be asked when the run began"


@dataclass(frozen=True)
class ChampionRows:
    """The champion on the test fold, and its P(fraud) on the rows later than that [M]; NaN where it cannot score."""

    test: ChampionScores
    later: np.ndarray


def bring_champion(run: Path, config: Config, reporter: Reporter) -> None:
    """Copies the champion's bundle to RUN/champion, checked, where another one lies there than the registry names.

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
            elif not _stands(run, version):
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
    return None if _stands(run, version) else f"version {version.number} is champion now"


def judged_against(run: Path) -> str | None:
    """SHA-256 of the manifest of the champion in a run folder; None where there is none."""
    path = run / CHAMPION_FILE
    return str(read_json(path)["manifest"]) if path.is_file() else None


def _has_registry(run: Path, config: Config) -> bool:
    if not config.tracking.enabled:
        return False
    path = sqlite_file(store_uri(config.tracking, runs=run.parent))
    return path is None or path.is_file()


def _stands(run: Path, version: Version) -> bool:
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
        problem = ""
        if not version.manifest:
            problem = "it was not registered by harbor promote"
        else:
            registry.fetch_bundle(version, out / "bundle")
            problem = _bundle_problem(out / "bundle", config, version)
        if problem:
            shutil.rmtree(out / "bundle", ignore_errors=True)
        _write_note(out, version, problem)


def _bundle_problem(bundle: Path, config: Config, version: Version) -> str:
    try:
        checked_bundle(bundle, key=signing_key(config.export.sign_key_env))
    except InputError as error:
        return f"its bundle fails the check: {portable_message(error, bundle)}"
    if sha256_file(bundle / MANIFEST) != version.manifest:
        return "its bundle is not the one that was registered"
    return ""


def _write_note(out: Path, version: Version, problem: str) -> None:
    write_json(out / "champion.json", {"version": version.number, "manifest": version.manifest, "problem": problem})


def champion_rows(context: StageContext) -> ChampionRows | None:
    """The champion in the run folder on the rows that evaluation looks at; None where there is no champion.

    Its features are computed anew from its own specification: what it was trained on, not what this run computes.
    """
    path = context.run / CHAMPION_FILE
    if not path.is_file():
        return None
    note = read_json(path)
    test, later = _test_and_later(context)
    probabilities = np.full(len(test), np.nan)
    own = time_microseconds(read_json(context.path("features", "report.json"))["folds"]["calib"]["to"])
    seen_until, problem = own, str(note["problem"])
    if not problem:
        try:
            bundle = checked_bundle(path.parent / "bundle", key=signing_key(context.config.export.sign_key_env))
            seen_until = max(own, _seen_until(bundle.manifest))
            probabilities[test | later] = _scored(context, bundle, test | later)
        except Exception as error:  # another release's bundle may break in any way, and must not break this run
            problem = f"it cannot score these transactions: {portable_message(error, context.run)}"
    judged = ChampionScores(str(note["version"]), probabilities[test], seen_until, problem)
    return ChampionRows(judged, probabilities[later])


def _test_and_later(context: StageContext) -> tuple[np.ndarray, np.ndarray]:
    """Masks over all transactions: the rows of the test fold, and the rows later than it."""
    table = read_table(context.path("features", "features.parquet"), columns=["fold", "event_time"])
    test = pc.fill_null(pc.equal(table["fold"], "test"), False).to_numpy(zero_copy_only=False)
    end = time_microseconds(read_json(context.path("features", "report.json"))["folds"]["test"]["to"])
    return test, table["event_time"].cast(pa.int64()).to_numpy() > end


def _scored(context: StageContext, bundle: CheckedBundle, rows: np.ndarray) -> np.ndarray:
    threads = cpu_threads(context.config.train.threads)
    scorer = loaded_scorer(bundle)
    spec = FeatureSpec.from_json(bundle.read("features.json").decode())
    transactions = read_table(context.path("ingest", "transactions.parquet"))
    missing = sorted(_needed(spec) - set(transactions.column_names))
    if missing:
        raise InputError(f"the data lacks {', '.join(missing)}")
    table = window_features(transactions, spec=spec, threads=threads).filter(pa.array(rows))
    probability: np.ndarray = scorer.probabilities(table, threads=threads)["probability"]
    return probability


def _needed(spec: FeatureSpec) -> set[str]:
    return {name for column in spec.columns for name in (*column.entity, column.of) if name}


def _seen_until(manifest: Mapping[str, object]) -> int:
    value = manifest.get("seen_until_microseconds")
    if not isinstance(value, int):
        raise InputError("its manifest does not say seen_until_microseconds")
    return value
