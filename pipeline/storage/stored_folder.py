"""A finished folder on its way to an object store and back, whole or not at all.

Its old marker is removed first, its files follow, its new marker comes last; whoever brings it checks every file
against the checksums that the marker lists.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage.addresses import plain_name
from pipeline.storage.atomic import replaced_folder, write_bytes
from pipeline.storage.digests import sha256_file
from pipeline.storage.done import folder_checksums
from pipeline.storage.object_store import WORKERS, Remote

LARGEST_MARKER = 64 << 20


@dataclass(frozen=True)
class Marker:
    """The file that says that a folder is whole: its name there, and what stands in it."""

    name: str
    content: bytes


def listed_files(marker: bytes) -> dict[str, str]:
    """Names and checksums of a folder's files as its DONE lists them; a name that no file has where it is no such."""
    try:
        return {str(name): str(entry["sha256"]) for name, entry in json.loads(marker)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"": ""}


def bring_folder(place: Remote, target: Path, marker: Marker, listed: Mapping[str, str]) -> bool:
    """Copy a finished folder here; False, and nothing changed, where it is not whole.

    Args:
        place: the folder in the store.
        target: where it goes, in place of what is there.
        marker: of the folder in the store.
        listed: its files to their checksums, "" where there is none to compare with.
    """
    files = {name: checksum for name, checksum in listed.items() if name != marker.name}
    try:
        with replaced_folder(target) as out:
            with ThreadPoolExecutor(WORKERS) as pool:
                list(pool.map(lambda each: _bring_file(place, out, *each), files.items()))
            write_bytes(out / marker.name, marker.content)
    except _NotWholeError:
        return False
    return True


def send_folder(local: Path, place: Remote, marker: Marker, *, check: Callable[[], None] = lambda: None) -> None:
    """Replace what the store holds of a folder.

    Args:
        local: the finished folder here.
        place: where it goes in the store.
        marker: of the local folder.
        check: raises where it may no longer be written.
    """
    place.child(marker.name).remove()
    files = folder_checksums(local).keys() - {marker.name}
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda each: place.child(each).send(local / each), sorted(files)))
        list(pool.map(lambda each: place.child(each).remove(), place.files().keys() - files))
    check()
    place.child(marker.name).put(marker.content)


class _NotWholeError(Exception):
    """A folder in the store does not match its marker: another job is replacing it, or was killed doing so."""


def _bring_file(place: Remote, out: Path, name: str, checksum: str) -> None:
    """Fetch one file and compare it with its checksum, where there is one."""
    if not plain_name(name):
        raise _NotWholeError
    try:
        place.child(name).fetch(out / name)
    except FileNotFoundError:
        raise _NotWholeError from None
    if checksum and sha256_file(out / name) != checksum:
        raise _NotWholeError
