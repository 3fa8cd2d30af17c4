"""One version of a Delta table: what it is, and its rows. The only door of `deltalake`."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.storage.addresses import is_remote, user_path
from pipeline.storage.errors import InputError

if TYPE_CHECKING:
    from deltalake import DeltaTable

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def delta_version(place: str, version: int | None) -> tuple[str, int]:
    """The table's id, and the version: that which is asked for, or the newest.

    Raises:
        InputError: there is no such table, or no such version.
        ImportError: deltalake is not installed.
    """
    table = _opened(place, None)
    newest = int(table.version())
    if version is not None and version > newest:
        raise InputError(f"delta://{place}: has versions up to {newest}, got {version}")
    return str(table.metadata().id), newest if version is None else version


def delta_batches(place: str, version: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The rows of a version, file after file in the order of their names, which no run changes.

    Raises:
        InputError: the table has features that no Arrow reader knows, such as deletion vectors.
    """
    from deltalake.exceptions import DeltaProtocolError

    try:
        rows = _opened(place, version).to_pyarrow_dataset()
    except DeltaProtocolError as error:
        raise InputError(
            f"delta://{place}@{version}: must not use what only Delta's own writers read ({error}); "
            "rewrite it without deletion vectors and column mapping"
        ) from error
    files = sorted(rows.get_fragments(), key=lambda fragment: str(fragment.path))
    return rows.schema, (batch for file in files for batch in file.to_batches(schema=rows.schema))


def _opened(place: str, version: int | None) -> "DeltaTable":
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    folder = place if is_remote(place) else str(user_path(place))
    try:
        return DeltaTable(folder, version=version, storage_options=_options(place))
    except TableNotFoundError as error:
        raise InputError(f"delta://{place}: there is no Delta table") from error


def _options(place: str) -> dict[str, Any]:
    """What the library does not take from the environment by itself: that an endpoint without TLS is meant."""
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    if not place.startswith("s3://") or not endpoint:
        return {}
    return {"endpoint": endpoint, "allow_http": str(endpoint.startswith("http://")).lower()}
