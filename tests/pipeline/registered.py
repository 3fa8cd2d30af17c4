"""Bundles to promote, and an empty store that is copied instead of made anew: making one costs seconds."""

import json
import shutil
from pathlib import Path

from pipeline.config import Config, load_config
from pipeline.registry.model_registry import opened_registry
from pipeline.storage.done import write_done


def empty_store(folder: Path) -> Path:
    """A folder with a sqlite store that holds its tables and nothing else."""
    with opened_registry(Config().tracking, name="harbor-fraud", runs=folder):
        return folder


def bundle_run(small_run: Path, run: Path, *, note: str, passed: bool = True, journal: bool = False) -> Path:
    """A run folder with nothing but a finished export; the note makes its bundle another one."""
    shutil.copytree(small_run / "export", run / "export")
    shutil.copy(small_run / "config.json", run)
    if journal:
        shutil.copy(small_run / "journal.jsonl", run)
    marked(run, note=note, passed=passed)
    return run


def marked(run: Path, *, note: str, passed: bool = True) -> None:
    """Gives a run's bundle a manifest of its own; the files it lists stay as they are."""
    path = run / "export" / "bundle" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest |= {"note": note, "gate": {"passed": passed, "reasons": ["as the test has it"]}}
    path.write_text(json.dumps(manifest))
    write_done(run / "export", fingerprint="none", details={})


def settings_of(*assignments: str) -> Config:
    """The defaults, with assignments and whatever the environment says left aside."""
    return load_config(None, assignments=assignments, environment={})
