"""The DONE of a stage's folder: written last, read first."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.storage.content import write_json
from pipeline.storage.digests import sha256_file

DONE = "DONE"


def folder_checksums(folder: Path) -> dict[str, dict[str, Any]]:
    """sha256 and size in bytes of every file below a folder except its DONE, by relative name in sorted order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / DONE)
    return {
        path.relative_to(folder).as_posix(): {"sha256": sha256_file(path), "bytes": path.stat().st_size}
        for path in files
    }


@dataclass(frozen=True)
class Completion:
    """What a stage's DONE says: the fingerprint it ran under, the files it left, and when, where and how long."""

    fingerprint: str
    files: dict[str, dict[str, Any]]
    details: dict[str, Any]


def write_done(folder: Path, *, fingerprint: str, details: dict[str, Any]) -> None:
    """Write DONE, the last file of a stage's folder."""
    write_json(folder / DONE, {"fingerprint": fingerprint, **details, "files": folder_checksums(folder)})


def read_done(folder: Path) -> Completion | None:
    """The completion of a stage's folder, or None where it was never finished or its DONE is not readable."""
    try:
        content = json.loads((folder / DONE).read_text(encoding="utf-8"))
        details = {key: value for key, value in content.items() if key not in ("fingerprint", "files")}
        return Completion(content["fingerprint"], content["files"], details)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def changed_files(folder: Path, done: Completion) -> list[str]:
    """Names of files that are missing, added or different from what DONE recorded."""
    now = folder_checksums(folder)
    return sorted(name for name in now.keys() | done.files.keys() if now.get(name) != done.files.get(name))
