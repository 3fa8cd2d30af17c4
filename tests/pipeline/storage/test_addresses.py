"""Addresses: what they name, what they must not hold, how a message shows them."""

from pathlib import Path

import pytest

from pipeline.storage.addresses import (
    holds_password,
    is_remote,
    local_path,
    plain_name,
    refuse_address,
    shown_address,
    user_path,
    without_passwords,
)
from pipeline.storage.errors import InputError


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data/tx.csv", "data/tx.csv"),
        ("/data/tx.csv", "/data/tx.csv"),
        ("file:///data/my%20tx.csv", "/data/my tx.csv"),
        ("file://localhost/data/a#1?.csv", "/data/a#1?.csv"),
    ],
)
def test_a_path_and_a_file_address_name_a_place_here(text, path):
    assert local_path(text) == Path(path)
    assert not is_remote(text)


@pytest.mark.parametrize("text", ["https://host/tx.csv", "file://elsewhere/tx.csv", "S3://bucket/key"])
def test_another_kind_of_address_names_no_place_here(text):
    with pytest.raises(InputError, match="must be a path, or an address that begins with s3://"):
        local_path(text)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("a/b.csv", True), ("..a/.b", True), ("a/../b", False), ("/a", False), ("a//b", False), ("a\\b", False)],
)
def test_a_plain_name_stays_below_its_folder(name, plain):
    assert plain_name(name) is plain


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("https://ann:s3cr3t@host/x", True),
        ("postgresql://host/db?user=ann&password=s3cr3t", True),
        ("postgresql://ann@host/db", False),
        ("s3://bucket/key", False),
    ],
)
def test_passwords_are_found_and_hidden(address, secret):
    assert holds_password(address) is secret
    assert "s3cr3t" not in without_passwords(f"cannot reach {address}, says the driver")
    assert (without_passwords(address) == address) is not secret


def test_a_refusal_shows_neither_user_nor_query():
    assert shown_address("https://ann:s3cr3t@host/x?token=s3cr3t") == "https://***@host/x"
    with pytest.raises(InputError, match=r"^https://\*\*\*@host/x: must not be so$"):
        refuse_address("https://ann@host/x?token=s3cr3t", "must not be so")


def test_passwords_vanish_from_addresses_and_nothing_else_does():
    text = "GET https://ann:s3cr3t@mlflow.example/api failed at 12:30: mail ann@x.org, sqlite:////a/b:c@d"
    shown = without_passwords(text)
    assert "s3cr3t" not in shown
    assert "https://***@mlflow.example/api failed at 12:30: mail ann@x.org, sqlite:////a/b:c@d" in shown


def test_a_tilde_is_a_home_folder_wherever_a_path_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/tx.csv") == tmp_path / "tx.csv"
    assert user_path("~") == tmp_path
    assert user_path("a/~/b") == Path("a/~/b")
    with pytest.raises(InputError, match="'~' must stand for a home folder"):
        local_path("~nobody-of-that-name/x")


@pytest.mark.parametrize(
    "address",
    [
        "https://ann:s3/cr3t@host/x",
        "https://ann:s3'cr3t@host/x",
        "https://ann:s3 cr3t@host/x",
        'https://ann:s3"cr3t@host/x',
        "https://ann:s3?cr3t@host/x",
        "https://ann:12/s3cr3t@host/x",
        "https://:s3cr3t@host/x",
        "postgresql+psycopg://u:s3cr3t@[::1]:5432/db",
        "s3://AKIA:s3cr3t@bucket/x",
        "delta://s3://k:s3cr3t@bank/tx@12",
        "iceberg://catalog:s3cr3t@x/ns.t",
        "https://s3cr3ts3cr3ts3cr3ts3cr3t@host/x",
        "https://host/x?api_key=s3cr3t",
        "https://host/x?a=s3cr3t&region=eu",
        "https://host/x?region=eu&sig=s3cr3t",
        "https://host/x?access_token=s3cr3t",
        "postgresql://host/db?p%61ssword=s3cr3t",
        "postgresql://host/db?options=-c%20s3cr3t",
        "s3://bucket/tx.csv?session_token=s3cr3t",
        "postgresql://host/db?sslmode=require&sslpassword=s3cr3t;mode=ro",
    ],
)
def test_a_secret_is_hidden_whatever_it_is_called(address):
    assert holds_password(address)
    shown = without_passwords(f"cannot reach {address} now")
    assert "s3cr3t" not in shown
    assert "cr3t@" not in shown


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann@db:5432/mlflow?sslmode=require&connect_timeout=5",
        "sqlite:///runs/mlflow.db?timeout=30",
        "sqlite:////a/b:c@d",
        "delta://s3://bank/tx@12",
        "iceberg://bank/cards.transactions@12",
        "postgresql://one:1,two:2/db?host=/var/run",
        "databricks://profile",
        "https://mlflow.example:5000",
        "s3://bucket/2024-0?/*.parquet",
        "data/part-?=x.csv",
        "https://mlflow.example:5000/#/experiments/3",
    ],
)
def test_an_address_without_a_secret_is_shown_as_it_is(address):
    assert not holds_password(address)
    assert without_passwords(address) == address


@pytest.mark.parametrize(
    "address", ["https://host/x?s3cr3t", "https://host/a b", "https://a@b@host/x", "https://u:/x@y"]
)
def test_what_is_not_known_to_be_harmless_counts_as_a_secret(address):
    assert holds_password(address)
