"""Transactions, runs and bundles in object stores, against an S3 server and an emulator of Google's on loopback."""

import io
from pathlib import Path

import pytest

from pipeline.reading.sources import source_files
from pipeline.storage.errors import InputError
from pipeline.storage.object_store import opened
from tests.fixtures.ingested import ingested
from tests.fixtures.stores import ENVIRONMENT, SECRET, csv, filled, s3_server
from tests.fixtures.two_stages import brought_in_store


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://no-such-bucket/tx.csv", "there is no such bucket"),
        ("s3://no-such-bucket/*.csv", "there is no such bucket"),
        ("s3://harbor/no/such.csv", "s3://harbor/no/such.csv: does not exist"),
        ("s3://harbor/no/*.csv", "no object fits this pattern"),
        ("s3://harbor/a/../b.csv", "must not hold empty parts"),
        ("s3://harb*/a.csv", "must name a bucket"),
        ("s3://AKIA:s3cr3t-in-it@harbor/tx.csv", "must not hold a secret"),
        ("s3://s3cr3t-in-it@harbor/tx.csv", "must not hold credentials"),
        ("https://host/tx.csv?X-Amz-Signature=s3cr3t-in-it", "must not hold a secret"),
        ("https://host/tx.csv", "must be a path, or an address that begins with s3://"),
    ],
)
def test_what_is_not_there_is_one_message_and_exit_code_2(store, harbor, source, said):
    code, told = harbor("run", "--config", "smoke.toml", "--set", f"data.source='{source}'")
    assert code == 2
    assert said in told
    assert "s3cr3t" not in told
    assert "Traceback" not in told


def test_wrong_credentials_are_told_without_their_values(harbor, monkeypatch, tmp_path):
    with s3_server(checks_credentials=True) as address:
        for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        for arguments in (
            ("run", "--config", "smoke.toml", "--set", "data.source='s3://harbor/tx.csv'"),
            ("run", "--config", "smoke.toml", "--run", "s3://harbor/runs/night"),
            ("verify", "--bundle", "s3://harbor/bundle"),
        ):
            code, told = harbor(*arguments)
            assert code == 2
            assert "s3://harbor" in told
            assert "refuses access; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told
            assert not [each for each in (SECRET, ENVIRONMENT["AWS_ACCESS_KEY_ID"]) if each in told]


def test_googles_store_does_what_amazons_does(google, tmp_path, transactions):
    filled(google, {"tx/a.csv": csv(transactions.slice(0, 500)), "tx/b.csv": csv(transactions.slice(500, 500))})
    assert ingested(f"{google.uri}/tx/*.csv").table.num_rows > 800
    assert brought_in_store(tmp_path / "one" / "night", google, only="ingest") == ["ingest"]
    assert brought_in_store(tmp_path / "two" / "night", google) == ["features"]
    assert brought_in_store(tmp_path / "one" / "night", google) == []
    with pytest.raises(InputError, match=r"gs://harbor/night-shift/none\.csv: does not exist"):
        source_files(f"{google.uri}/none.csv")


@pytest.fixture
def mounted(tmp_path):
    """A folder that is addressed like a store."""
    return opened(f"file://{tmp_path}/mounted")


def test_a_file_goes_there_and_comes_back(mounted, tmp_path):
    (tmp_path / "here").write_bytes(b"content")
    mounted.child("deep/name").send(tmp_path / "here")
    mounted.child("deep/name").fetch(tmp_path / "back" / "again")
    assert (tmp_path / "back" / "again").read_bytes() == b"content"
    assert list(mounted.files()) == ["deep/name"]
    assert mounted.files(deep=False) == {}
    assert mounted.is_folder()


def test_what_is_not_there_is_nothing_to_read_and_no_fault_to_remove(mounted, tmp_path):
    gone = mounted.child("gone")
    gone.remove()
    mounted.remove_folder()
    assert (gone.content(limit=9), gone.listed(), mounted.files()) == (None, None, {})
    with pytest.raises(FileNotFoundError, match=r"mounted/gone does not exist"):
        gone.fetch(tmp_path / "here")
    with pytest.raises(FileNotFoundError, match=r"mounted/gone does not exist"):
        gone.version()


def test_a_small_object_has_a_limit(mounted):
    mounted.child("name").put(b"12345")
    assert mounted.child("name").content(limit=5) == b"12345"
    with pytest.raises(InputError, match="must have at most 4 bytes"):
        mounted.child("name").content(limit=4)


def test_another_content_is_another_version(store):
    versions = []
    for content in (b"one", b"two", b"one"):
        store.child("name").put(content)
        versions.append(store.child("name").version())
    assert versions[0] == versions[2] != versions[1]


def test_an_upload_that_was_cut_short_leaves_nothing(mounted, tmp_path, monkeypatch):
    class Torn(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(3)

    monkeypatch.setattr(Path, "open", lambda *_: Torn(b"content"))
    with pytest.raises(OSError, match="Input/output error"):
        mounted.child("name").send(tmp_path / "here")
    assert mounted.files() == {}
