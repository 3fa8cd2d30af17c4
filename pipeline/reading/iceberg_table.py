"""One snapshot of an Iceberg table: what it is, and its rows. The only door of `pyiceberg`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.storage.errors import InputError

if TYPE_CHECKING:
    from pyiceberg.table import Table

SHOWN_SNAPSHOTS = 3


def iceberg_snapshot(place: str, snapshot: int | None) -> tuple[str, int]:
    """The table's id, and the snapshot: that which is asked for, or the newest.

    Raises:
        InputError: the catalog is not configured, there is no such table, it is empty, or has no such snapshot.
        ImportError: pyiceberg is not installed.
    """
    table = _opened(place)
    newest = table.current_snapshot()
    if newest is None:
        raise InputError(f"iceberg://{place}: must have a snapshot, but nothing has been written to it")
    if snapshot is not None and table.snapshot_by_id(snapshot) is None:
        known = [f"iceberg://{place}@{each.snapshot_id}" for each in table.snapshots()][-SHOWN_SNAPSHOTS:]
        raise InputError(f"iceberg://{place}: has no such snapshot; its newest are {', '.join(known)}")
    return str(table.metadata.table_uuid), int(newest.snapshot_id) if snapshot is None else snapshot


def iceberg_batches(place: str, snapshot: int) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The rows of a snapshot, file after file in the order of their names, which no run changes."""
    from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow

    scan = _opened(place).scan(snapshot_id=snapshot)
    columns = scan.projection()
    schema = schema_to_pyarrow(columns, include_field_ids=False)
    files = sorted(scan.plan_files(), key=lambda task: str(task.file.file_path))
    read = ArrowScan(scan.table_metadata, scan.io, columns, scan.row_filter, scan.case_sensitive)
    parts = (part for file in files for part in read.to_record_batches([file]))
    return schema, (batch for part in parts for batch in pa.Table.from_batches([part]).cast(schema).to_batches())


def _opened(place: str) -> "Table":
    from pyiceberg.catalog import load_catalog
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
    from pyiceberg.utils.config import Config

    name, _, table = place.partition("/")
    settings = Config().get_catalog_config(name)
    if settings is None:
        raise InputError(
            f"iceberg://{place}: catalog {name!r} must be configured, in .pyiceberg.yaml or by "
            f"PYICEBERG_CATALOG__{name.upper()}__URI"
        )
    try:
        return load_catalog(name, **{key: str(value) for key, value in settings.items()}).load_table(table)
    except (NoSuchTableError, NoSuchNamespaceError) as error:
        raise InputError(f"iceberg://{place}: there is no table {table!r} in catalog {name!r}") from error
