"""Tables of a lakehouse as sources: one version is pinned, copied once into the cache, and then read like any file.

Nothing of the libraries is loaded unless such an address is used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.reading.delta_table import delta_batches, delta_version
from pipeline.reading.iceberg_table import iceberg_batches, iceberg_snapshot
from pipeline.reading.reading_faults import reading_fault
from pipeline.reading.table_address import VERSION_WORDS, TableAddress, TableKind, is_table, table_address
from pipeline.storage.addresses import is_remote
from pipeline.storage.download_cache import cached_content
from pipeline.storage.errors import INPUT_ERRORS, InputError
from pipeline.storage.store_errors import StoreError

PACKAGES: dict[TableKind, str] = {"delta": "deltalake", "iceberg": "pyiceberg"}
Answer = TypeVar("Answer")
Batches = tuple[pa.Schema, Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class PinnedTable:
    """One version of one table, for good.

    Attributes:
        address: with its version.
        id: which the table got when it was made; another table at the same place has another one.
    """

    address: TableAddress
    id: str

    @property
    def identity(self) -> str:
        """What decides its rows, wherever it lies."""
        return f"{self.address.kind} table {self.id}, {VERSION_WORDS[self.address.kind]} {self.address.version}"


def pinned_source(source: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """A source whose tables all have a version; a table without one gets its newest.

    Raises:
        InputError: there is no such table or version, or the library for it is not installed.
        StoreError: its store or catalog cannot be reached.
    """
    if isinstance(source, tuple):
        return tuple(_pinned_text(text) for text in source)
    return _pinned_text(source)


def source_tables(source: str | tuple[str, ...]) -> list[PinnedTable]:
    """The tables that a source names.

    Raises:
        InputError: as `pinned_source`.
        StoreError: as `pinned_source`.
    """
    return [pinned_table(text) for text in ((source,) if isinstance(source, str) else source) if is_table(text)]


def pinned_table(text: str) -> PinnedTable:
    """The version of a table that an address stands for now.

    Raises:
        InputError: as `pinned_source`.
        StoreError: as `pinned_source`.
    """
    address = table_address(text)
    look = delta_version if address.kind == "delta" else iceberg_snapshot
    found, version = _asked(address, lambda: look(address.place, address.version))
    return PinnedTable(replace(address, version=version), found)


def table_copy(table: PinnedTable) -> Path:
    """A Parquet file with the rows of a version, from the cache where it stands there.

    Raises:
        InputError: the version cannot be read: files that it needs were removed, or it uses what no reader knows.
        StoreError: its store or catalog failed.
    """
    address = table.address
    read = delta_batches if address.kind == "delta" else iceberg_batches
    assert address.version is not None
    version = address.version

    def write(path: Path) -> None:
        _asked(address, lambda: _write(path, read(address.place, version)))

    return cached_content(f"{address.text}\n{table.identity}", ".parquet", write)


def _pinned_text(text: str) -> str:
    return pinned_table(text).address.text if is_table(text) else text


def _write(path: Path, content: Batches) -> None:
    schema, batches = content
    with pq.ParquetWriter(path, schema, write_page_checksum=True) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _asked(address: TableAddress, ask: Callable[[], Answer]) -> Answer:
    """What a library says, its errors in one line: what may pass is the store's, all else the address's."""
    try:
        return ask()
    except INPUT_ERRORS:
        raise
    except ImportError as error:
        raise InputError(
            f'{address.text}: needs {PACKAGES[address.kind]}: pip install "harbor-fraud[{address.kind}]" ({error})'
        ) from error
    except Exception as error:
        fault = f"{address.text}: cannot be read, {reading_fault(error)}"
        if address.kind == "delta" and not is_remote(address.place):
            raise InputError(fault) from error
        raise StoreError(fault) from error
