"""Which old runs of a scheduled job go: never one in production, never one somebody works in."""

import contextlib
import hashlib
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.bundle.manifest import LARGEST_MANIFEST, MANIFEST
from pipeline.runs.stored_run import CLAIMS
from pipeline.runs.working_copy import owner_name
from pipeline.storage.atomic import TEMPORARY
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import DONE
from pipeline.storage.lease import claimed
from pipeline.storage.locks import LockedError, held
from pipeline.storage.object_store import Remote, opened

TIME = r"\d{8}T\d{6}(\.\d{1,6})?Z"


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
    old = [runs / each for each in _oldest((path.name for path in runs.glob(f"{name}-*")), name, keep=keep)]
    return tuple(
        each.name for each in old if each != current and _manifest(each) not in in_production and _removed(each)
    )


def remove_old_stored_runs(
    store: str, name: str, *, keep: int, current: Path, in_production: Collection[str]
) -> tuple[str, ...]:
    """The same in the store of runs: markers go first, so that no reader takes what is left for a whole stage.

    Args:
        store: [runs] store.
        name: the configuration's name.
        keep: how many stay.
        current: the run just made, in the folder of runs whose jobs claim the others.
        in_production: manifest checksums of the versions that must stay.
    """
    place = opened(store)
    names = {path.partition("/")[0] for path in place.files() if "/" in path}
    gone = []
    for each in _oldest(names, name, keep=keep):
        if each != current.name and _stored_manifest(place.child(each)) not in in_production:
            with contextlib.suppress(LockedError):
                _remove_stored(place.child(each), owner_name(current.parent))
                gone.append(each)
    return tuple(gone)


def _oldest(names: Iterable[str], name: str, *, keep: int) -> list[str]:
    """The runs of a configuration beyond the newest `keep`, by as-of time."""
    found = [each for each in names if re.fullmatch(f"{re.escape(name)}-{TIME}", each)]
    return sorted(found, key=lambda each: each.removesuffix("Z"), reverse=True)[keep:]


def _remove_stored(run: Remote, owner: str) -> None:
    with claimed(run.child(CLAIMS), owner, what=run.uri):
        files = [each for each in run.files() if not each.startswith(f"{CLAIMS}/")]
        for each in sorted(files, key=lambda each: not each.endswith(f"/{DONE}")):
            run.child(each).remove()
    run.remove_folder()


def _stored_manifest(run: Remote) -> str | None:
    content = run.child(f"export/bundle/{MANIFEST}").content(limit=LARGEST_MANIFEST)
    return hashlib.sha256(content).hexdigest() if content is not None else None


def _manifest(run: Path) -> str | None:
    path = run / "export" / "bundle" / "manifest.json"
    return sha256_file(path) if path.is_file() else None


def _removed(run: Path) -> bool:
    """Whether the folder is gone; a run that somebody works in stays."""
    gone = run.with_name(f"{TEMPORARY}{run.name}")
    try:
        with held(run / ".lock", f"another job is working in {run}"):
            run.rename(gone)
    except LockedError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
