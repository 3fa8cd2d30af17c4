"""Objects become local files once for each content they ever had."""

import os
import time
from glob import glob
from pathlib import Path

import pytest

from pipeline.reading.sources import source_files
from pipeline.storage import download_cache as downloads
from pipeline.storage.download_cache import CACHE, KEPT_SECONDS, cached_copies, matching_objects
from pipeline.storage.errors import InputError
from pipeline.storage.store_errors import StoreError
from tests.fixtures.ingested import ingested
from tests.fixtures.stores import counted, csv, filled, parquet


@pytest.mark.parametrize(
    "patterns", [["2024/a.parquet"], ["2024/*.csv"], ["**/*.parquet"], ["2024/[a-c].parquet", "2025/?.parquet"]]
)
def test_a_source_in_a_store_is_read_as_the_same_files_beside_us(store, tmp_path, transactions, patterns):
    parts = [transactions.slice(start, 500) for start in range(0, 2000, 500)]
    files = {
        "2024/a.parquet": parquet(parts[0]),
        "2024/b1.csv": csv(parts[1]),
        "2024/b2.csv": csv(parts[2]),
        "2025/c.parquet": parquet(parts[3]),
    }
    filled(store, files)
    filled(tmp_path / "data", files)
    near = ingested(tuple(f"{tmp_path}/data/{pattern}" for pattern in patterns))
    plain = ingested(tuple(f"file://{tmp_path}/data/{pattern}" for pattern in patterns))
    far = ingested(tuple(f"{store.uri}/{pattern}" for pattern in patterns))
    assert near.table.num_rows > 400
    assert far.report == near.report == plain.report


def test_an_object_is_fetched_once_for_each_content_it_ever_had(store, transactions, monkeypatch):
    place = store.child("tx.csv")
    place.put(csv(transactions.slice(0, 10)))
    fetched = []
    monkeypatch.setattr(downloads.Remote, "fetch", counted(downloads.Remote.fetch, fetched))
    first, again = (source_files(place.uri)[0].path for _ in range(2))
    assert first == again
    place.put(csv(transactions.slice(10, 10)))
    assert source_files(place.uri)[0].path.read_bytes() == csv(transactions.slice(10, 10))
    assert len(fetched) == 2


def test_an_object_that_changes_while_it_is_read_is_not_taken(store, transactions, monkeypatch):
    place, true = store.child("tx.csv"), downloads.Remote.fetch
    place.put(csv(transactions.slice(0, 10)))

    def overtaken(self, path):
        true(self, path)
        self.put(csv(transactions.slice(10, 11)))

    monkeypatch.setattr(downloads.Remote, "fetch", overtaken)
    with pytest.raises(StoreError, match="changed while it was being read"):
        source_files(place.uri)
    assert not list(Path(os.environ[downloads.CACHE]).glob("*/content*"))


NAMES = ("a.csv", "b.csv", ".hidden.csv", "2024/a.csv", "2024/01/a.csv", "2024/01/b.parquet", ".git/a.csv", "a]b.csv")


@pytest.mark.parametrize(
    "pattern",
    [
        "*.csv",
        "?.csv",
        "[ab].csv",
        "[!a].csv",
        "*/a.csv",
        "**/*.csv",
        "**/a.csv",
        "2024/**/*.*",
        ".*.csv",
        "*/*/*",
        "*]*",
    ],
)
def test_a_pattern_stands_for_what_a_shell_would_find(tmp_path, pattern):
    filled(tmp_path, dict.fromkeys(NAMES, b"x"))
    shell = glob(pattern, root_dir=tmp_path, recursive=True)  # noqa: PTH207 - Path.glob takes hidden files too
    expected = sorted(name for name in shell if (tmp_path / name).is_file())
    found = matching_objects(f"file://{tmp_path}/{pattern}")
    assert sorted(each.path.removeprefix(f"{tmp_path}/") for each in found) == expected != []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.csv", "does not exist"),
        ("none*.csv", "no object fits this pattern"),
        ("2024", "is a folder; give a pattern"),
    ],
)
def test_what_stands_for_nothing_is_refused(tmp_path, name, reason):
    filled(tmp_path, dict.fromkeys(NAMES, b"x"))
    with pytest.raises(InputError, match=reason):
        matching_objects(f"file://{tmp_path}/{name}")


def test_copies_that_nothing_used_for_a_week_go(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    filled(tmp_path, {"a.csv": b"a", "b.csv": b"b"})
    (old,), (used,) = (cached_copies(matching_objects(f"file://{tmp_path}/{name}.csv")) for name in "ab")
    for copy in (old, used):
        os.utime(copy.parent, (time.time() - KEPT_SECONDS + 60,) * 2)
    os.utime(old.parent, (time.time() - KEPT_SECONDS - 60,) * 2)
    cached_copies([])
    assert (old.exists(), used.read_bytes()) == (False, b"b")


def test_rot_in_the_cache_is_found_and_fetched_anew(store, transactions):
    place = store.child("tx.csv")
    place.put(csv(transactions.slice(0, 10)))
    (path,) = cached_copies(matching_objects(place.uri))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"1", b"2"))  # the same length
    assert cached_copies(matching_objects(place.uri)) == [path]
    assert path.read_bytes() == whole


def test_rot_in_a_copy_of_a_table_is_found_and_written_anew():
    path = downloads.cached_content("key", ".csv", lambda place: place.write_text("whole"))
    path.write_text("whale")
    assert downloads.cached_content("key", ".csv", lambda place: place.write_text("whole")).read_text() == "whole"


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_cache_that_others_may_write_into_is_refused(tmp_path, monkeypatch, mode):
    monkeypatch.setenv(CACHE, str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(mode)
    with pytest.raises(InputError, match="must be this user's and writable by nobody else"):
        downloads.cached_content("key", ".csv", lambda place: place.write_text("x"))


def test_bytes_that_come_otherwise_each_time_are_not_taken(store, transactions, monkeypatch):
    place, true, flips = store.child("tx.csv"), downloads.Remote.fetch, iter("123456789")
    place.put(csv(transactions.slice(0, 10)))

    def flipping(self, path):
        true(self, path)
        path.write_bytes(next(flips).encode() + path.read_bytes()[1:])

    monkeypatch.setattr(downloads.Remote, "fetch", flipping)
    with pytest.raises(StoreError, match="other bytes each time"):
        cached_copies(matching_objects(place.uri))
