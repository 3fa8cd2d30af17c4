"""Source files in object stores, brought into a cache of local copies.

The cache is keyed by address and version (ETag or generation, and size), so an object is fetched once and read many
times as an ordinary local file: the same checks, the same fingerprint of the same bytes. An entry that nothing used
for a week goes.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from glob import has_magic
from hashlib import sha256
from pathlib import Path, PurePosixPath

from pipeline.storage.atomic import write_text
from pipeline.storage.digests import sha256_file
from pipeline.storage.errors import InputError
from pipeline.storage.object_store import WORKERS, Remote, opened
from pipeline.storage.store_errors import StoreError

CACHE = "HARBOR_CACHE"
CHECKSUM = "content.sha256"
"""Beside each content: what its bytes were when they came."""
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
    cache = _own_cache()
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda each: _cached_copy(each, cache), objects))


def cached_content(key: str, suffix: str, write: Callable[[Path], None]) -> Path:
    """A file in the cache under a key that decides its content; written where it does not stand there.

    Args:
        key: what the content depends on, all of it.
        suffix: of the file's name.
        write: writes the content to a path.
    """
    entry = _own_cache() / sha256(key.encode()).hexdigest()[:32]
    path = entry / f"content{suffix}"
    if not _is_whole(path):
        entry.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = entry / f"{uuid.uuid4().hex}.part"
        try:
            write(part)
            _place(part, path)
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
    if not (_is_whole(path) and path.stat().st_size == size):
        entry.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = entry / f"{uuid.uuid4().hex}.part"
        try:
            source.fetch(part)
            if source.version() != version or part.stat().st_size != size:
                raise StoreError(f"{source.uri} changed while it was being read")
            if not _is_confirmed(part, source, version.rpartition(" ")[0]):
                raise StoreError(f"{source.uri} came with other bytes each time it was read")
            _place(part, path)
        finally:
            part.unlink(missing_ok=True)
    os.utime(entry)
    return path


def _own_cache() -> Path:
    """The cache, which nobody else may write into.

    Raises:
        InputError: somebody else can, and could put other rows in place of what was fetched.
    """
    cache = _cache_folder()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = cache.stat()
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(f"the cache {cache} must be this user's and writable by nobody else; name another in {CACHE}")
    _remove_unused(cache)
    return cache


def _place(part: Path, path: Path) -> None:
    """Give a file its place in the cache, its checksum first: without the right one it is no entry."""
    write_text(path.with_name(CHECKSUM), sha256_file(part))
    part.replace(path)


def _is_whole(path: Path) -> bool:
    """Whether an entry of the cache is there and is what was put there."""
    try:
        return path.with_name(CHECKSUM).read_text(encoding="ascii") == sha256_file(path)
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def _is_confirmed(path: Path, source: Remote, mark: str) -> bool:
    """Whether what was fetched is what the store holds: by the store's own mark, else because it comes so again.

    The ETag of S3 is the MD5 of the content, but not where it was sent in parts or is encrypted under a key.
    """
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == mark.strip('"'):
            return True
    again = path.with_suffix(".again")
    try:
        source.fetch(again)
        return sha256_file(again) == sha256_file(path)
    finally:
        again.unlink(missing_ok=True)


def _remove_unused(cache: Path) -> None:
    for entry in cache.iterdir():
        with contextlib.suppress(OSError):
            if entry.is_dir() and time.time() - entry.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)
