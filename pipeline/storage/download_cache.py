"""Source files in object stores, brought into a cache of local copies.

The cache is keyed by address and version (ETag or generation, and size), so an object is fetched once and read many
times as an ordinary local file: the same checks, the same fingerprint of the same bytes. An entry that nothing used
for a week goes.
"""

import contextlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from glob import has_magic
from hashlib import sha256
from pathlib import Path, PurePosixPath

from pipeline.storage.errors import InputError
from pipeline.storage.object_store import WORKERS, Remote, opened
from pipeline.storage.store_errors import StoreError

CACHE = "HARBOR_CACHE"
KEPT_SECONDS = 7 * 86_400
BUCKET_PART = 2
"""Which part between slashes of an address is its bucket."""


def matching_objects(text: str) -> list[Remote]:
    """The objects that an address or a pattern (`*`, `?`, `[…]`, `**` for any folders) stands for, sorted.

    Raises:
        InputError: nothing fits, it is a folder, the bucket is missing or access is refused.
    """
    if not has_magic(text):
        return [_existing_object(text)]
    parts = text.split("/")
    fixed = next(number for number, part in enumerate(parts) if has_magic(part))
    if fixed < BUCKET_PART + 1:
        raise InputError(f"{text}: must name a bucket; only what follows it may be a pattern")
    folder, pattern = opened("/".join(parts[:fixed])), parts[fixed:]
    deep = len(pattern) > 1 or pattern == ["**"]
    names = [name for name in folder.files(deep=deep) if _matches(name.split("/"), pattern)]
    if not names:
        raise InputError(f"{text}: no object fits this pattern")
    return [folder.child(name) for name in names]


def cached_copies(objects: Sequence[Remote]) -> list[Path]:
    """Local copies of objects, from the cache where their version stands there; fetched side by side.

    Raises:
        StoreError: an object changed while it was read, or the store failed.
    """
    cache = _cache_folder()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_unused(cache)
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda each: _cached_copy(each, cache), objects))


def cached_content(key: str, suffix: str, write: Callable[[Path], None]) -> Path:
    """A file in the cache under a key that decides its content; written where it does not stand there.

    Args:
        key: what the content depends on, all of it.
        suffix: of the file's name.
        write: writes the content to a path.
    """
    cache = _cache_folder()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_unused(cache)
    entry = cache / sha256(key.encode()).hexdigest()[:32]
    path = entry / f"content{suffix}"
    if not path.is_file():
        entry.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = entry / f"{uuid.uuid4().hex}.part"
        try:
            write(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    os.utime(entry)
    return path


def _existing_object(text: str) -> Remote:
    place = opened(text)
    if place.listed() is not None:
        return place
    if place.is_folder():
        raise InputError(f"{text}: is a folder; give a pattern such as '{text.rstrip('/')}/*.parquet'")
    place.files()  # a bucket that is missing says so here
    raise InputError(f"{text}: does not exist")


def _matches(name: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a name match those of a glob; as in a shell `*` takes no slash and nothing a leading dot."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        below = bool(name) and not name[0].startswith(".") and _matches(name[1:], pattern)
        return below or _matches(name, pattern[1:])
    if not name or not fnmatchcase(name[0], pattern[0]):
        return False
    hidden = name[0].startswith(".") and not pattern[0].startswith(".")
    return not hidden and _matches(name[1:], pattern[1:])


def _cache_folder() -> Path:
    if given := os.environ.get(CACHE):
        return Path(given)
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a container's user without a home
        base = Path(tempfile.gettempdir())
    return base / "harbor"


def _cached_copy(source: Remote, cache: Path) -> Path:
    version = source.version()
    entry = cache / sha256(f"{source.uri}\n{version}".encode()).hexdigest()[:32]
    path = entry / f"content{PurePosixPath(source.path).suffix}"
    size = int(version.rpartition(" ")[2])
    if not (path.is_file() and path.stat().st_size == size):
        entry.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.fetch(path)
        if source.version() != version or path.stat().st_size != size:
            path.unlink()
            raise StoreError(f"{source.uri} changed while it was being read")
    os.utime(entry)
    return path


def _remove_unused(cache: Path) -> None:
    for entry in cache.iterdir():
        with contextlib.suppress(OSError):
            if entry.is_dir() and time.time() - entry.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)
