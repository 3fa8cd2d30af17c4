"""Delta tables are read by version, with what was deleted left out and partitions put back."""

import pyarrow as pa
import pytest

from pipeline.reading.delta_table import delta_batches, delta_version
from tests.fixtures.lake_tables import delta_table


def rows(first, last, day="mon"):
    return pa.table({"number": list(range(first, last)), "day": [day] * (last - first)})


def read(place, version):
    schema, batches = delta_batches(place, version)
    return pa.Table.from_batches(batches, schema)


def test_each_version_has_its_own_rows_and_the_newest_counts_where_none_is_named(tmp_path):
    delta_table(tmp_path / "tx", rows(0, 3), rows(3, 5))
    place = str(tmp_path / "tx")
    assert sorted(read(place, 0)["number"].to_pylist()) == [0, 1, 2]
    assert sorted(read(place, 1)["number"].to_pylist()) == [0, 1, 2, 3, 4]
    (table, newest), (same, oldest) = delta_version(place, None), delta_version(place, 0)
    assert (newest, oldest, table) == (1, 0, same)


def test_columns_of_partitions_come_with_the_rows_in_an_order_that_stays(tmp_path):
    both = pa.concat_tables([rows(0, 4, "mon"), rows(4, 8, "tue")])
    delta_table(tmp_path / "tx", both, partition_by="day")
    first, second = (read(str(tmp_path / "tx"), 0) for _ in range(2))
    assert first.equals(second)
    assert dict(zip(first["number"].to_pylist(), first["day"].to_pylist(), strict=True))[5] == "tue"


def test_deleted_rows_are_gone_though_their_file_is_there(tmp_path):
    delta_table(tmp_path / "tx", rows(0, 4))
    import deltalake

    deltalake.DeltaTable(str(tmp_path / "tx")).delete("number = 2")
    assert sorted(read(str(tmp_path / "tx"), 1)["number"].to_pylist()) == [0, 1, 3]
    assert len(list((tmp_path / "tx").glob("*.parquet"))) == 2


def test_a_table_or_a_version_that_is_not_there_is_refused(tmp_path):
    pytest.importorskip("deltalake", reason="the extra 'delta' is not installed")
    with pytest.raises(ValueError, match="there is no Delta table"):
        delta_version(str(tmp_path / "none"), None)
    delta_table(tmp_path / "tx", rows(0, 3))
    with pytest.raises(ValueError, match="has versions up to 0, got 7"):
        delta_version(str(tmp_path / "tx"), 7)


def test_a_table_in_a_store_is_read_with_the_credentials_of_the_environment(store, s3_address):
    deltalake = pytest.importorskip("deltalake", reason="the extra 'delta' is not installed")
    place = f"{store.uri}/tx"
    deltalake.write_deltalake(place, rows(0, 3), storage_options={"endpoint": s3_address, "allow_http": "true"})
    assert delta_version(place, None)[1] == 0
    assert read(place, 0)["number"].to_pylist() == [0, 1, 2]
