"""Which old runs of a scheduled job go: never one in production, never one somebody works in."""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field

from pipeline.files import TEMPORARY, sha256_file

TIME = r"\d{8}T\d{6}(\.\d{1,6})?Z"


class RunsConfig(BaseModel):
    """Which run folders a scheduled job keeps ([runs])."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: int = Field(30, ge=1, description="newest run folders of a configuration that `harbor retrain` keeps")


def remove_old_runs(
    runs: Path, name: str, *, keep: int, current: Path, in_production: Collection[str]
) -> tuple[str, ...]:
    """Remove the oldest run folders of a configuration beyond the newest `keep`; their names.

    A folder disappears by a rename first, so a kill leaves no half of a run under a run's name.

    Args:
        runs: the folder of runs.
        name: the configuration's name; folders are `<name>-<as_of>`.
        keep: how many stay, the newest by as-of time.
        current: the run just made; it stays whatever its age.
        in_production: manifest checksums of the versions that must stay (champion, previous).
    """
    for leftover in runs.glob(f"{TEMPORARY}{name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    found = [each for each in runs.glob(f"{name}-*") if re.fullmatch(f"{re.escape(name)}-{TIME}", each.name)]
    newest_first = sorted(found, key=lambda each: each.name.removesuffix("Z"), reverse=True)
    return tuple(
        each.name
        for each in newest_first[keep:]
        if each != current and _manifest(each) not in in_production and _removed(each)
    )


def _manifest(run: Path) -> str | None:
    path = run / "export" / "bundle" / "manifest.json"
    return sha256_file(path) if path.is_file() else None


def _removed(run: Path) -> bool:
    """Whether the folder is gone; a run that somebody works in stays."""
    lock = FileLock(run / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    gone = run.with_name(f"{TEMPORARY}{run.name}")
    try:
        run.rename(gone)
    finally:
        lock.release()
    shutil.rmtree(gone, ignore_errors=True)
    return True
