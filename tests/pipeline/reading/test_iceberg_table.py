"""Iceberg tables are read by snapshot, through their catalog."""

import pyarrow as pa
import pytest

from pipeline.reading.iceberg_table import iceberg_batches, iceberg_snapshot
from tests.fixtures.lake_tables import iceberg_table

PLACE = "bank/cards.tx"


def rows(first, last):
    numbers = list(range(first, last))
    return pa.table({"number": numbers, "text": pa.array([f"t{each}" for each in numbers], pa.string())})


def test_each_snapshot_has_its_own_rows_and_the_newest_counts_where_none_is_named(tmp_path, monkeypatch):
    _, snapshots = iceberg_table(tmp_path, monkeypatch, rows(0, 3), rows(3, 5))
    read = {}
    for snapshot in snapshots:
        schema, batches = iceberg_batches(PLACE, snapshot)
        read[snapshot] = pa.Table.from_batches(batches, schema)
    assert [sorted(table["number"].to_pylist()) for table in read.values()] == [[0, 1, 2], [0, 1, 2, 3, 4]]
    assert iceberg_snapshot(PLACE, None)[1] == snapshots[-1]
    assert iceberg_snapshot(PLACE, snapshots[0])[1] == snapshots[0]


def test_what_is_not_there_is_refused_by_name(tmp_path, monkeypatch):
    _, snapshots = iceberg_table(tmp_path, monkeypatch, rows(0, 3))
    with pytest.raises(
        ValueError, match=f"has no such snapshot; its newest are iceberg://bank/cards.tx@{snapshots[0]}"
    ):
        iceberg_snapshot(PLACE, 5)
    with pytest.raises(ValueError, match=r"there is no table 'cards\.other' in catalog 'bank'"):
        iceberg_snapshot("bank/cards.other", None)
    with pytest.raises(ValueError, match=r"catalog 'nowhere' must be configured, .*PYICEBERG_CATALOG__NOWHERE__URI"):
        iceberg_snapshot("nowhere/cards.tx", None)


def test_a_table_that_nobody_wrote_to_is_refused(tmp_path, monkeypatch):
    iceberg_table(tmp_path, monkeypatch, rows(0, 3))
    from pyiceberg.catalog import load_catalog
    from pyiceberg.utils.config import Config

    catalog = load_catalog("bank", **Config().get_catalog_config("bank"))
    catalog.create_table("cards.empty", rows(0, 1).schema)
    catalog.close()
    with pytest.raises(ValueError, match="must have a snapshot"):
        iceberg_snapshot("bank/cards.empty", None)
