"""Object stores: what an address (`s3://`, `gs://`, `file://`) names, and files on their way there and back.

The rest of Harbor works on local files. Stores are reached through pyarrow; credentials and endpoints come from the
environment (AWS_*, GOOGLE_*), never from an address, and what a store says never stands in a message as it came.
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs

from pipeline.storage.addresses import (
    ADDRESS,
    BUCKET,
    CREDENTIALS,
    address_parts,
    is_remote,
    local_path,
    plain_name,
    refuse_address,
)
from pipeline.storage.atomic import replaced_file
from pipeline.storage.errors import InputError
from pipeline.storage.store_errors import errors_in_words

BLOCK_BYTES = 8 << 20
WORKERS = 8
GCS_PATIENCE = timedelta(seconds=30)
S3_CONNECT_SECONDS, S3_REQUEST_SECONDS = 5, 60
EMULATOR = "STORAGE_EMULATOR_HOST"


@dataclass(frozen=True)
class Listed:
    """What a listing says of an object: size in bytes, and when it was written by the store's clock (ns since 1970)."""

    size: int
    modified: int


@dataclass(frozen=True)
class Remote:
    """A place in a store: an object, or the objects whose names begin with it and a slash.

    Attributes:
        uri: its address, as messages show it.
        system: the store.
        path: bucket and key, as the store's interface has them.
    """

    uri: str
    system: Any
    path: str

    def child(self, name: str) -> "Remote":
        """A place below this one."""
        return Remote(f"{self.uri}/{name}", self.system, f"{self.path}/{name}")

    def listed(self) -> Listed | None:
        """What stands here, or None where no object has exactly this name."""
        with errors_in_words(self.uri):
            info = self.system.get_file_info(self.path)
        return Listed(info.size, info.mtime_ns or 0) if info.type == pafs.FileType.File else None

    def is_folder(self) -> bool:
        """Whether objects lie below this name."""
        with errors_in_words(self.uri):
            return bool(self.system.get_file_info(self.path).type == pafs.FileType.Directory)

    def files(self, *, deep: bool = True) -> dict[str, Listed]:
        """The objects below this place by relative name, sorted; without `deep` only those directly in it.

        Raises:
            InputError: there is no such bucket, or access is refused.
        """
        try:
            with errors_in_words(self.uri):
                found = self.system.get_file_info(pafs.FileSelector(self.path, recursive=deep))
        except FileNotFoundError:
            return {}
        start = len(self.path) + 1
        return {
            info.path[start:]: Listed(info.size, info.mtime_ns or 0)
            for info in sorted(found, key=lambda info: str(info.path))
            if info.type == pafs.FileType.File
        }

    def version(self) -> str:
        """What changes whenever the object's content does: its ETag or generation, and its size."""
        listed = self.listed()
        if listed is None:
            raise FileNotFoundError(f"{self.uri} does not exist")
        with errors_in_words(self.uri), self.system.open_input_stream(self.path) as stream:
            metadata = {name.lower(): value for name, value in (stream.metadata() or {}).items()}
        mark = metadata.get("generation") or metadata.get("etag") or str(listed.modified).encode()
        return f"{mark.decode()} {listed.size}"

    def content(self, *, limit: int) -> bytes | None:
        """The bytes of a small object, or None where there is none.

        Raises:
            InputError: it is larger than `limit`.
        """
        try:
            with errors_in_words(self.uri), self.system.open_input_stream(self.path) as stream:
                content: bytes = stream.read(limit + 1)
        except FileNotFoundError:
            return None
        if len(content) > limit:
            raise InputError(f"{self.uri} must have at most {limit:,} bytes, got more")
        return content

    def fetch(self, path: Path) -> None:
        """Copy the object to a local file, which appears whole; memory does not grow with its size."""
        with (
            replaced_file(path) as temporary,
            temporary.open("wb") as out,
            errors_in_words(self.uri),
            self.system.open_input_stream(self.path) as stream,
        ):
            while block := stream.read(BLOCK_BYTES):
                out.write(block)

    def put(self, content: bytes) -> None:
        """Write a small object whole."""
        with errors_in_words(self.uri), self._writer() as stream:
            stream.write(content)

    def send(self, path: Path) -> None:
        """Copy a local file here; a reader sees the old object or the new one.

        Closing a stream publishes what it holds, so one that an error cut short is removed again.
        """
        with path.open("rb") as source, errors_in_words(self.uri):
            stream = self._writer()
            try:
                while block := source.read(BLOCK_BYTES):
                    stream.write(block)
            except BaseException:
                with contextlib.suppress(OSError):
                    stream.close()
                    self.system.delete_file(self.path)
                raise
            stream.close()

    def _writer(self) -> Any:
        if isinstance(self.system, pafs.LocalFileSystem):
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        return self.system.open_output_stream(self.path)

    def remove(self) -> None:
        """Remove the object; one that is not there is no fault."""
        with contextlib.suppress(FileNotFoundError), errors_in_words(self.uri):
            self.system.delete_file(self.path)

    def remove_folder(self) -> None:
        """Remove everything below this place."""
        for name in self.files():
            self.child(name).remove()
        with contextlib.suppress(OSError):  # what stores keep to stand for an empty folder
            self.system.delete_dir(self.path)


def opened(uri: str) -> Remote:
    """The place that an address names; nothing is asked of the store but the region of its bucket.

    Raises:
        InputError: the address is malformed, of another kind, or holds credentials.
        StoreError: the store cannot be reached.
    """
    if uri.startswith("file://"):
        return Remote(uri.rstrip("/"), pafs.LocalFileSystem(), str(local_path(uri)).rstrip("/"))
    found = ADDRESS.fullmatch(uri)
    if found is None or not is_remote(uri):
        refuse_address(uri, "must be an address that begins with s3://, gs:// or file:///")
    scheme, (bucket, _, key) = found[1], found[2].rstrip("/").partition("/")
    if "@" in bucket:
        refuse_address(uri, f"must not hold credentials: set {CREDENTIALS[scheme]} in the environment")
    if not BUCKET.fullmatch(bucket):
        refuse_address(uri, "must name a bucket")
    if key and not plain_name(key):
        refuse_address(uri, "must not hold empty parts, '.' or '..'")
    place = Remote(uri.rstrip("/"), None, f"{bucket}/{key}".rstrip("/"))
    with errors_in_words(place.uri):
        return Remote(place.uri, _system(scheme, bucket), place.path)


def _system(scheme: str, bucket: str) -> Any:
    if scheme == "s3":
        return _s3(bucket)
    if emulator := os.environ.get(EMULATOR):
        parts = address_parts(emulator if "://" in emulator else f"http://{emulator}")
        return pafs.GcsFileSystem(
            anonymous=True, scheme=parts.scheme, endpoint_override=parts.netloc, retry_time_limit=GCS_PATIENCE
        )
    return pafs.GcsFileSystem(retry_time_limit=GCS_PATIENCE)


def _s3(bucket: str) -> Any:
    """A store that speaks S3: credentials pyarrow finds by itself, the endpoint of the environment it does not.

    A stream that writes in the background would hold all that the network has not taken yet: memory of a file's size.
    """
    endpoint = address_parts(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    return pafs.S3FileSystem(
        region=None if endpoint.netloc else pafs.resolve_s3_region(bucket),
        endpoint_override=endpoint.netloc or None,
        scheme=endpoint.scheme or "https",
        background_writes=False,
        allow_delayed_open=True,
        connect_timeout=S3_CONNECT_SECONDS,
        request_timeout=S3_REQUEST_SECONDS,
    )
