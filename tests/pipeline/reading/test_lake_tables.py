"""A table is pinned to a version, and then a file like any other."""

import builtins
import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.reading.lake_tables import pinned_source, pinned_table, source_tables, table_copy
from pipeline.reading.sources import source_files
from pipeline.storage.download_cache import CACHE
from pipeline.storage.store_errors import StoreError
from pipeline.tracking.journal import Journal
from tests.fixtures.lake_tables import delta_table, iceberg_table


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))


def rows(first, last):
    return pa.table({"number": list(range(first, last))})


def test_a_source_is_pinned_to_what_is_newest_and_stays_there(tmp_path):
    address = delta_table(tmp_path / "tx", rows(0, 3), rows(3, 5))
    pinned = pinned_source(("tx.csv", address))
    assert pinned == ("tx.csv", f"{address}@1")
    delta_table(tmp_path / "tx", rows(5, 9))
    assert pinned_source(pinned) == pinned
    assert pinned_source(address) == f"{address}@2"


def test_a_copy_holds_the_rows_of_its_version_and_is_made_once(tmp_path):
    address = delta_table(tmp_path / "tx", rows(0, 3), rows(3, 5))
    copies = [table_copy(pinned_table(f"{address}@{version}")) for version in (0, 1)]
    assert [len(pq.read_table(copy)) for copy in copies] == [3, 5]
    made = copies[0].stat().st_mtime_ns
    assert table_copy(pinned_table(f"{address}@0")) == copies[0]
    assert copies[0].stat().st_mtime_ns == made


def test_another_table_at_the_same_place_is_another_identity(tmp_path):
    first, second = (pinned_table(delta_table(tmp_path / name, rows(0, 3))) for name in ("a", "b"))
    assert first.identity != second.identity
    assert first.identity.endswith(", version 0")


def test_an_iceberg_table_is_pinned_and_copied_too(tmp_path, monkeypatch):
    address, snapshots = iceberg_table(tmp_path, monkeypatch, rows(0, 3), rows(3, 5))
    assert pinned_source(address) == f"{address}@{snapshots[1]}"
    (table,) = source_tables(f"{address}@{snapshots[0]}")
    assert table.identity.endswith(f"snapshot {snapshots[0]}")
    assert len(pq.read_table(table_copy(table))) == 3
    assert [file.name for file in source_files(address)] == [f"cards.tx@{snapshots[1]}"]


@pytest.mark.parametrize(("address", "extra"), [("delta:///tx", "delta"), ("iceberg://bank/cards.tx", "iceberg")])
def test_a_missing_extra_is_one_message_with_the_command(monkeypatch, address, extra):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] in ("deltalake", "pyiceberg"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=rf'pip install "harbor-fraud\[{extra}\]"'):
        pinned_source(address)


def test_files_that_were_vacuumed_away_are_the_tables_fault_and_a_catalog_that_is_down_is_not(tmp_path, monkeypatch):
    address = delta_table(tmp_path / "tx", rows(0, 3))
    for file in (tmp_path / "tx").glob("*.parquet"):
        file.unlink()
    with pytest.raises(ValueError, match=r"tx@0: cannot be read, "):
        table_copy(pinned_table(address))
    address, _ = iceberg_table(tmp_path, monkeypatch, rows(0, 3))
    monkeypatch.setenv("PYICEBERG_CATALOG__BANK__URI", f"sqlite:///{tmp_path}/nowhere/catalog.db")
    with pytest.raises(StoreError, match="cannot be read"):
        pinned_source(address)


def test_no_library_of_tables_is_loaded_for_files():
    code = (
        "import sys, pipeline.reading.sources as s; s.pinned_table; print({'deltalake', 'pyiceberg'} & {*sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


@pytest.mark.parametrize("kind", ["delta", "iceberg"])
def test_a_run_pins_the_version_and_tells_it_everywhere(harbor, tmp_path, monkeypatch, transactions, kind):
    half = len(transactions) // 2
    parts = transactions.slice(0, half), transactions.slice(half)
    if kind == "delta":
        address, versions = delta_table(tmp_path / "tx", *parts), [0, 1]
        appended = partial(delta_table, tmp_path / "tx", parts[0].slice(0, 1))
    else:
        address, versions = iceberg_table(tmp_path, monkeypatch, *parts)
        appended = partial(iceberg_table, tmp_path, monkeypatch, parts[0].slice(0, 1))
    ingest = ("ingest", "--run", "run", "--config", "smoke.toml", "--set")
    code, out = harbor(*ingest, f"data.source={address}@{versions[0]}")
    assert code == 0, out
    assert f"{half:,} rows accepted" in out
    assert harbor(*ingest, f"data.source={address}")[0] == 0
    kept = json.loads((Path("run") / "config.json").read_text())["config"]["data"]["source"]
    assert kept == f"{address}@{versions[1]}"
    report = json.loads((Path("run") / "ingest" / "report.json").read_text())
    ((name, identity),) = report["tables"].items()
    assert report["files"] == {name: len(transactions)}
    assert identity.endswith(f" {versions[1]}")
    tags = [r.content for r in Journal(Path("run") / "journal.jsonl").records() if r.kind == "tags"]
    assert any(f"{name}: {identity}" in json.dumps(each) for each in tags)
    appended()
    code, out = harbor("ingest", "--run", "run")
    assert (code, "= ingest" in out) == (0, True)
    done = json.loads((Path("run") / "ingest" / "DONE").read_text())
    assert f"input data.source {name}" in done["parts"]
