"""Where a run comes from: the commit of the code and what set it going."""

import re
from collections.abc import Mapping
from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
TRIGGER = "HARBOR_TRIGGER"


def trigger(environment: Mapping[str, str]) -> str:
    """What set the run going: what a scheduler says in HARBOR_TRIGGER, else "cli"."""
    return environment.get(TRIGGER) or "cli"


def git_commit(place: Path) -> str | None:
    """The commit checked out in the git repository that holds a folder; None where there is none to be read.

    Read from the files themselves: a container may hold the sources and no git.
    """
    for folder in (place.resolve(), *place.resolve().parents):
        if (folder / ".git").exists():
            try:
                return _head(_repository(folder / ".git"))
            except (OSError, UnicodeDecodeError):
                return None
    return None


def _repository(path: Path) -> Path:
    """The repository itself; in a linked worktree `.git` is a file that names it."""
    if path.is_dir():
        return path
    return (path.parent / path.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()


def _head(repository: Path) -> str | None:
    content = (repository / "HEAD").read_text(encoding="utf-8").strip()
    if not content.startswith("ref:"):
        return content if COMMIT.fullmatch(content) else None
    reference = content.removeprefix("ref:").strip()
    common = repository / "commondir"
    places = [repository, *([(repository / common.read_text(encoding="utf-8").strip())] if common.is_file() else [])]
    for place in places:
        loose, packed = place / reference, place / "packed-refs"
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
        if packed.is_file():
            for line in packed.read_text(encoding="utf-8").splitlines():
                commit, _, name = line.partition(" ")
                if name == reference and COMMIT.fullmatch(commit):
                    return commit
    return None
