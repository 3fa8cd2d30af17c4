"""Which files of outcomes are judged together: one, or those of a folder that gets one more every day."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.reading.whole_table import SUFFIXES
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError


def outcome_files(place: Path) -> list[Path]:
    """The files, by name; a file stands for itself.

    Names of days sort as days do. Hidden files and other kinds, such as earlier reports, are passed over.

    Raises:
        InputError: a folder without such a file.
    """
    if not place.is_dir():
        return [place]
    found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES and path.name[0] not in "._")
    if not found:
        raise InputError(f"a folder of outcomes must hold {', '.join(SUFFIXES)} files, but {place} holds none")
    return found


def named_outcomes(place: Path, files: Sequence[Path]) -> dict[str, Any]:
    """What was judged, by name and digest; that of a folder is taken over the names and digests of its files."""
    if files == [place]:
        return {"file": place.name, "sha256": sha256_file(place)}
    digests = {path.name: sha256_file(path) for path in files}
    whole = hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in digests.items()).encode()).hexdigest()
    return {"file": place.name, "sha256": whole, "files": digests}
